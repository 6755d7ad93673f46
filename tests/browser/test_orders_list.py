"""The page of all orders: looks, keyboard, filters, what follows by itself, and a server that is gone."""

from datetime import datetime

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import serious_findings
from tests.browser.pictures import shot
from tests.webapp.products import EAST, WEST
from webapp.accounts.models import Organisation
from webapp.campaigns.models import Build, Revision
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Delivery
from webapp.orders.services import Area, place

FAR = "31UDQ"


@pytest.fixture
def office(people):
    made = Organisation.objects.create(name="Alpine Office", slug="alpine", quota_km2=60_000, quota_orders=20)
    people["customer"].organisation = made
    people["customer"].save()
    return made


@pytest.fixture
def orders(published, people, office):
    """A ready one with files, one under way, one that failed in part, one that was cancelled."""
    customer = people["customer"]
    Revision.objects.update(review_status="approved")
    ready = place(customer, published, Area.of_tiles([WEST]))
    Delivery.begin(ready, options())
    run_delivery(ready.deliveries.get().pk)
    moving = place(customer, published, Area.of_tiles([EAST, FAR]))
    failed = place(customer, published, Area.of_tiles([WEST, "33TVL"]))
    if failed.status != "failed":
        tile = published.tiles.get(tile_id="33TVL")
        tile.builds.update(status="failed")
        tile.move("failed", status_text="No scene of 33TVL has less than 80 % cloud cover.")
        failed.settle()
    gone = place(customer, published, Area.of_tiles(["30UXB"]))
    gone.cancel(customer)
    return {"ready": ready, "moving": moving, "failed": failed, "gone": gone}


def options():
    from pipeline.delivery.options import DeliveryOptions

    return DeliveryOptions()


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_readable_by_all(orders, people, open_page, width, scheme):
    page = open_page("/orders/", people["customer"], width=width)
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("[data-order]")).to_have_count(4)
    for state, mark in (("ready", "✓"), ("failed", "!"), ("cancelled", "×"), ("placed", "…")):
        expect(page.locator(f".badge.order-{state} .glyph")).to_have_text(mark)
    expect(page.get_by_role("heading", name="Alpine Office this month")).to_be_visible()
    shown = page.locator("[data-order] time").first.text_content()
    assert "UTC" in shown or datetime.now().astimezone().tzname() in shown
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"orders-{width}-{scheme}")


def test_times_are_in_the_readers_zone(orders, people, open_page, chromium, live_server, client):
    client.force_login(people["customer"])
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context = chromium.new_context(timezone_id="Asia/Tokyo")
    context.add_cookies([cookie])
    page = context.new_page()
    for path in ("/orders/", f"/orders/{orders['ready'].pk}/"):
        page.goto(live_server.url + path)
        expect(page.locator("main time").first).to_contain_text("GMT+9")
        assert "UTC" not in " ".join(page.locator("main time").all_text_contents())
    context.route("**/*", lambda route: route.abort())
    context.close()


def test_filters_by_keyboard(orders, people, open_page):
    page = open_page("/orders/", people["customer"], width=390)
    page.get_by_label("State").focus()
    page.get_by_label("State").select_option("failed")
    expect(page.locator("[data-order]")).to_have_count(1)
    assert page.url.endswith("/orders/?state=failed")
    expect(page.locator("#said")).to_have_text("1 order")
    page.get_by_label("State").select_option("running")
    expect(page.locator("#list").get_by_text("No order is like this.")).to_be_visible()
    assert serious_findings(page) == []
    page.get_by_label("State").select_option("")
    expect(page.locator("[data-order]")).to_have_count(4)
    page.get_by_label("Whose").select_option("organisation")
    expect(page.locator("[data-order]")).to_have_count(4)
    page.get_by_role("link", name=f"Order {orders['ready'].pk}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Order {orders['ready'].pk}")).to_be_visible()


def test_nothing_yet(published, people, open_page):
    page = open_page("/orders/", people["customer"], width=390)
    expect(page.get_by_text("Nothing has been ordered yet.")).to_be_visible()
    assert serious_findings(page) == []
    page.get_by_role("link", name="Place the first order").press("Enter")
    expect(page.locator("#order-heading")).to_be_visible()


def test_figures_follow_and_the_keyboard_stays_where_it_is(orders, people, open_page):
    page = open_page("/orders/", people["customer"])
    link = page.get_by_role("link", name=f"Order {orders['moving'].pk}")
    link.focus()
    build = Build.objects.get(campaign_tile__tile_id=FAR)
    assert build.claim() and build.release(stage="mask") and build.claim()
    expect(page.get_by_text("1 masking clouds")).to_be_visible(timeout=15_000)
    expect(link).to_be_focused()
    orders["moving"].move("failed", "broken")
    expect(page.locator("#said")).to_have_text(f"Order {orders['moving'].pk}: failed.", timeout=15_000)


def test_a_server_that_is_gone_is_told(orders, people, open_page):
    page = open_page("/orders/", people["customer"])
    page.route("**/orders/**", lambda route: route.abort())
    page.get_by_label("State").select_option("ready")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    expect(page.locator("[data-order]")).to_have_count(4)
    page.unroute("**/orders/**")
    page.get_by_label("State").select_option("failed")
    expect(page.locator("[data-order]")).to_have_count(1)
    expect(page.locator("#stale")).to_be_hidden()


def test_an_order_that_is_too_much_for_the_quota_is_told_before(published, people, office, open_page):
    Organisation.objects.update(quota_km2=100)
    page = open_page("/orders/new/", people["customer"])
    expect(page.locator(".leaflet-tooltip").first).to_be_visible()
    page.locator("[data-draw=view]").click()
    expect(page.locator("#order-message")).to_contain_text("Alpine Office has used 0.0 of its 100.0 km²")
    expect(page.locator("#estimate")).to_contain_text("100 of 100 km², 20 of 20 orders")
    expect(page.locator("#order-place")).to_be_disabled()


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tiles_of_an_order_are_followed(orders, people, open_page, width, scheme):
    order = orders["moving"]
    page = open_page(f"/orders/{order.pk}/", people["customer"], width=width)
    page.emulate_media(color_scheme=scheme)
    build = Build.objects.get(campaign_tile__tile_id=FAR)
    assert build.claim() and build.release(stage="compose") and build.claim()
    row = page.locator(".tile-list li", has_text=FAR)
    expect(row).to_contain_text("composing", timeout=15_000)
    expect(row.locator(".badge")).to_contain_text("being built")
    expect(row.locator(".badge .glyph")).to_have_text("▸")
    expect(page.locator(".account")).to_contain_text("Sign out")
    assert serious_findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shot(page, f"order-moving-{width}-{scheme}")


@pytest.mark.parametrize("width", [390, 1600])
def test_the_good_tiles_of_a_failed_order_by_keyboard(orders, people, open_page, width):
    order = orders["failed"]
    page = open_page(f"/orders/{order.pk}/", people["customer"], width=width)
    expect(page.get_by_text("Without a mosaic: 33TVL.")).to_be_visible()
    shot(page, f"order-failed-{width}")
    assert serious_findings(page) == []
    page.get_by_label("Deliver the tiles that are good").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Make the files").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("waiting", exact=True)).to_be_visible()
    run_delivery(order.deliveries.get().pk)
    expect(page.get_by_role("link", name="left_out.csv")).to_be_visible(timeout=15_000)
    expect(page.get_by_text("33TVL is left out")).to_be_visible()
    assert serious_findings(page) == []
