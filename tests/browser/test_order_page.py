"""The page of an order: asking for files by keyboard, at two widths, dark and light, and what axe finds."""

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import serious_findings
from tests.browser.pictures import shot
from tests.webapp.products import WEST
from webapp.campaigns.models import Revision
from webapp.orders.jobs import run_delivery
from webapp.orders.services import Area, place


@pytest.fixture
def order(published, people):
    Revision.objects.update(review_status="approved")
    return place(people["customer"], published, Area.of_tiles([WEST]))


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_files_are_asked_for_and_found_on_the_page(order, people, open_page, width, scheme):
    page = open_page(f"/orders/{order.pk}/", people["customer"], width=width)
    page.emulate_media(color_scheme=scheme)
    expect(page.get_by_text("Nothing has been delivered yet")).to_be_visible()
    assert serious_findings(page) == []
    page.get_by_label("Landcover as polygons (GeoPackage)").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Make the files").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("waiting", exact=True)).to_be_visible()
    run_delivery(order.deliveries.get().pk)
    expect(page.get_by_role("link", name="All files as one zip")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("link", name="area.landcover.gpkg")).to_be_visible()
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"order-{width}-{scheme}")


def test_what_is_impossible_is_told_beside_the_form(order, people, open_page):
    page = open_page(f"/orders/{order.pk}/", people["customer"])
    page.get_by_label("Projection").fill("EPSG:999999")
    page.get_by_role("button", name="Make the files").click()
    expect(page.get_by_role("alert")).to_have_text("EPSG has no reference system 999999.")
    expect(page.get_by_label("Projection")).to_have_value("EPSG:999999")
    assert serious_findings(page) == []
