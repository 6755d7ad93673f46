"""What metrics and log lines tell of the tries of stages."""

import pytest
from prometheus_client import REGISTRY

from pipeline.errors import TransientSourceError
from tests.webapp.campaigns.tiles import begin
from tests.webapp.products import WEST
from webapp.logs import WorkFilter

pytestmark = pytest.mark.django_db(transaction=True)


def tries(stage, outcome):
    """How many tries of a stage this process has timed."""
    name, labels = "earthquilt_stage_seconds_count", {"stage": stage, "outcome": outcome}
    return REGISTRY.get_sample_value(name, labels) or 0


def test_each_try_is_timed_by_how_it_ended(campaign, quick, work):
    before = {key: tries(*key) for key in (("fetch", "again"), ("scene_list", "done"), ("mask", "done"))}
    begin(campaign, WEST)
    quick.trouble[(WEST, "fetch")] = TransientSourceError("The source answered 503.")
    work()
    assert {key: tries(*key) - count for key, count in before.items()} == {
        ("fetch", "again"): 1,
        ("scene_list", "done"): 1,
        ("mask", "done"): 0,
    }


def test_log_lines_of_a_stage_name_its_tile_and_build(campaign, quick, work, caplog):
    begin(campaign, WEST)
    quick.trouble[(WEST, "fetch")] = TransientSourceError("The source answered 503.")
    handler = caplog.handler
    handler.addFilter(told := WorkFilter())
    try:
        work()
    finally:
        handler.removeFilter(told)
    (record,) = [one for one in caplog.records if "waits" in one.getMessage()]
    assert record.work | {"fence": 0} == {
        "campaign": campaign.slug, "tile": WEST, "stage": "fetch", "build": 1, "fence": 0,
    }  # fmt: skip
