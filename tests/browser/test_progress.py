"""The pages of progress and history, as operators use them."""

import pytest
from playwright.sync_api import expect

from script.lib.waiting import until
from tests.browser.accessible import serious_findings
from tests.webapp import products
from webapp.campaigns.models import Edition, Revision
from webapp.review.services import give


@pytest.fixture
def judged(alps, people, settings):
    settings.SECOND_OPINION_SHARE = 0
    give(people["reviewer"], Revision.objects.get(campaign_tile__tile_id=products.WEST), "approve")
    Edition.publish(alps)
    products.make_revision(alps.tiles.get(tile_id=products.WEST), values=(150, 130, 90, 200))
    return alps


def test_an_operator_sees_how_far_it_is_and_publishes_and_takes_back(judged, people, open_page):
    page = open_page("/review/progress/", people["operator"])
    expect(page.locator("main")).to_contain_text("tiles are settled")
    expect(page.locator("svg.tiles-map rect.tile")).to_have_count(3)
    expect(page.locator("main")).to_contain_text("No scene of 33TVL has less than 80 % cloud cover.")
    page.get_by_role("button", name="Publish an edition").click()
    expect(page.locator("[data-withdraw='2']")).to_be_visible()
    page.get_by_label("Why edition 2 is taken back").fill("Haze in the west.")
    page.locator("[data-withdraw='2'] button").click()
    expect(page.locator("main")).to_contain_text("taken back: Haze in the west.")
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("main")).to_contain_text("1 tile differs")
    page.get_by_role("link", name="On the map").click()
    until(page, "document.body.dataset.shown")
    expect(page.locator("#side-right")).to_have_text("Revision 1 true colour")


def test_what_changed_between_two_revisions(judged, people, open_page):
    page = open_page(f"/review/history/alps/{products.WEST}/", people["reviewer"])
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("main")).to_contain_text("of the pixels moved by more than 2 levels")
    page.get_by_role("link", name="Both on the map").click()
    expect(page.locator("#side-right")).to_have_text("Revision 1 true colour")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600])
def test_nothing_serious_stands_in_the_way_of_anybody(judged, people, open_page, width, scheme):
    for path in ("progress/alps/", f"history/alps/{products.WEST}/?before=1&after=2"):
        page = open_page(f"/review/{path}", people["operator"], width=width)
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious_findings(page) == []
    page = open_page("/review/", people["operator"], width=width)
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("#queue li").first).to_be_visible()
    assert serious_findings(page) == []
