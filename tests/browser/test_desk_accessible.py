"""Every page of the review desk as a whole: axe finds nothing serious, nothing is wider than the window."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.accessible import serious_findings
from tests.webapp import products
from webapp.campaigns import comparison
from webapp.campaigns.models import Edition, Revision
from webapp.review import sample
from webapp.review.services import give

PAGES = {
    "queue": "/review/",
    "workspace": "/review/{build}/",
    "dashboard": "/review/progress/alps/",
    "editions": "/review/progress/alps/editions/?before=1&after=2",
    "assessments": "/review/accuracy/",
    "assessment": "/review/accuracy/{judged}/",
    "assessment without points": "/review/accuracy/{drawing}/",
    "labelling": "/review/accuracy/{open}/label/",
    "history": "/review/history/alps/33TWL/?before=1&after=2",
}


@pytest.fixture
def desk(alps, people, settings):
    """A campaign with verdicts, two editions and assessments; gives what addresses name."""
    settings.SECOND_OPINION_SHARE = 1.0
    row = alps.tiles.get(tile_id=products.WEST)
    products.make_scenes(row)
    give(people["reviewer"], Revision.objects.get(campaign_tile=row), "approve", words="")
    first = Edition.publish(alps)
    products.make_revision(row, values=(150, 130, 90, 200), landcover=1)
    codes = np.full((1, 183, 183), 2, np.uint8)
    codes[:, :, :60] = 1
    products.write(row.current_revision.path / "landcover.tif", row.tile_id, codes, 0)
    second = Edition.publish(alps)
    comparison.run_count(f"{first.pk}:{second.pk}")
    made = [sample.begin(alps, 6, 3, people["operator"]) for _ in range(3)]
    for one in made[:2]:
        sample.run_sample(one.pk)
    for point in made[0].points.all():
        sample.label(people["reviewer"], point, point.mapped)
    row.refresh_from_db()
    keys = ("judged", "open", "drawing")
    return {"build": row.current_build_id} | {key: one.pk for key, one in zip(keys, made, strict=True)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("name", list(PAGES))
def test_nothing_serious_stands_in_the_way_of_anybody(desk, people, open_page, name, width, scheme):
    page = open_page(PAGES[name].format(**desk), people["operator"], width=width)
    page.emulate_media(color_scheme=scheme)
    page.wait_for_load_state("networkidle")
    expect(page.locator("h1, h2").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_findings(page) == []
