"""What follows a stage, and what it asks of the pipeline."""

from pathlib import Path

import pytest

from pipeline import chain, older
from pipeline.bear import Bear
from tests.webapp.products import WEST, make_campaign
from webapp.campaigns import stages
from webapp.campaigns.models import Build
from webapp.campaigns.states import QUEUE_OF_STAGE, Stage
from webapp.campaigns.worker import NETWORKS

pytestmark = pytest.mark.django_db


def claimed(**settings):
    build = Build.begin(make_campaign(**settings).want([WEST])[0])
    assert build.claim()
    return build


@pytest.fixture
def filling(storage, queues):
    """A build of a campaign with an older range for holes."""
    return claimed(fill_start="2022-07-01", fill_end="2022-08-31")


def test_holes_are_filled_after_the_composite_where_the_campaign_says_so(filling, monkeypatch):
    monkeypatch.setattr(chain, "compose", lambda work: {})
    following, _ = stages.compose(filling)
    assert following == Stage.FILL
    assert filling.release(stage=following, attempts=0) and filling.stage == "fill"


def test_holes_stay_without_an_older_range(storage, queues, monkeypatch):
    monkeypatch.setattr(chain, "compose", lambda work: {})
    assert stages.compose(claimed())[0] == Stage.CLASSIFY


def test_the_holes_are_filled_from_the_campaigns_source(filling, monkeypatch):
    asked = []
    monkeypatch.setattr(older, "fill_holes", lambda work, catalog, bear: asked.append((work, catalog, bear)))
    assert stages.STAGES[Stage.FILL](filling)[0] == Stage.CLASSIFY
    ((work, catalog, bear),) = asked
    assert bear == Bear(silence=False, nonsense=False), "the first try gives nothing up"
    assert catalog == "/data" and work.folder == Path(filling.path)
    assert [str(day) for day in work.settings.fill_range] == ["2022-07-01", "2022-08-31"]


@pytest.mark.parametrize(("tries", "gives_up"), [(0, False), (1, False), (2, False), (3, True)])
def test_nothing_is_gone_on_without_before_the_last_try(storage, queues, settings, tries, gives_up):
    settings.MOST_ATTEMPTS = 4
    build = claimed()
    build.tries = {"source": tries}
    assert stages.bear(build) == Bear(silence=gives_up, nonsense=gives_up)


def test_the_workers_that_fill_holes_have_loaded_the_networks_for_it():
    assert {"preview-cloud", "haze", "cloud"} <= set(NETWORKS[QUEUE_OF_STAGE[Stage.FILL]])


@pytest.mark.parametrize("stage", [Stage.FETCH, Stage.MASK])
@pytest.mark.parametrize(
    ("attempts", "tries", "looks"), [(1, {}, False), (3, {}, False), (4, {}, True), (4, {"source": 1}, False)]
)
def test_what_ends_workers_is_set_aside_before_the_last_try(
    storage, queues, settings, monkeypatch, stage, attempts, tries, looks
):
    settings.MOST_ATTEMPTS = 4
    asked = []
    monkeypatch.setattr(chain, "set_ended_aside", lambda work, least: asked.append(least) or ["S2A"])
    for name in ("fetch", "mask", "next_scene"):
        monkeypatch.setattr(chain, name, lambda *given: None)
    build = claimed()
    Build.objects.update(stage=stage, attempts=attempts, tries=tries)
    build.refresh_from_db()
    stages.STAGES[stage](build)
    assert asked == ([2] if looks else [])
    build.refresh_from_db()
    assert build.attempts == (1 if looks else attempts), "the tries are counted anew"
