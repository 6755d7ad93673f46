"""The map page as people use it."""

import json
import re

import pytest
from playwright.sync_api import expect

from script.lib.waiting import until
from tests.webapp import products
from tests.weights import write_own
from webapp.campaigns.models import Campaign, Edition, Revision
from webapp.campaigns.networks import store
from webapp.orders.models import Order

SQUARE = [[[15.2, 45.3], [15.6, 45.3], [15.6, 45.6], [15.2, 45.6], [15.2, 45.3]]]


def pictures(page, layer):
    """Map tiles of a layer that are shown and really decoded."""
    script = """layer => [...document.querySelectorAll('img.leaflet-tile-loaded')]
        .filter(i => i.src.includes(`/${layer}/`) && i.naturalWidth >= 256).length"""
    return page.evaluate(script, layer)


def wait_for_pictures(page, layer):
    until(
        page,
        """layer => [...document.querySelectorAll('img.leaflet-tile-loaded')]
        .some(i => i.src.includes(`/${layer}/`) && i.naturalWidth >= 256)""",
        arg=layer,
    )
    return pictures(page, layer)


def choose(page, name):
    page.locator(f"#tile-{name}").click()
    expect(page.locator("#tile-heading")).to_have_text(name)


def test_a_visitor_sees_the_published_mosaic_and_switches_layers(published, open_page):
    page = open_page()
    assert wait_for_pictures(page, "rgb")
    expect(page.locator(".leaflet-control-attribution")).to_contain_text(
        "Contains modified Copernicus Sentinel data 2023"
    )
    page.get_by_role("radio", name="Landcover").check()
    assert wait_for_pictures(page, "landcover")
    assert pictures(page, "rgb") == 0
    expect(page.locator("#legend li")).to_have_count(6)
    expect(page.locator("#legend")).to_contain_text("residential building")
    for label, layer in [("False colour", "nir"), ("Confidence", "confidence"), ("Provenance", "provenance")]:
        page.get_by_role("radio", name=label).check()
        assert wait_for_pictures(page, layer)


def test_opacity_fades_the_layer(published, open_page):
    page = open_page()
    wait_for_pictures(page, "rgb")
    page.locator("#opacity").fill("40")
    expect(page.locator("#opacity-value")).to_have_text("40 %")
    assert page.locator(".leaflet-tile-pane .leaflet-layer").last.evaluate("e => e.style.opacity") == "0.4"


def test_the_details_of_a_tile_tell_scenes_dates_and_reasons(alps, people, open_page):
    page = open_page("/review/", people["reviewer"])
    choose(page, products.WEST)
    details = page.locator("#tile-details")
    for words in ("to review", "99.85 %", "1.08", "2023-08-15", "covers 97.0 % alone; partial: 37.4 %"):
        expect(details).to_contain_text(words)
    details.get_by_text("1 not used, and why").click()
    expect(details).to_contain_text("hazy (0.91)")


def test_a_filled_hole_shows_its_date_in_the_panel_and_under_a_click(alps, people, open_page):
    products.fill_hole(alps.tiles.get(tile_id=products.WEST))
    Edition.publish(alps)
    page = open_page("/review/", people["reviewer"])
    page.get_by_role("radio", name="Provenance").check()
    expect(page.locator("#legend")).to_contain_text("hole filled from an older date")
    wait_for_pictures(page, "provenance")
    middle = page.locator(".tile-label", has_text=products.WEST).bounding_box()
    page.mouse.click(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2)
    expect(page.locator("#pixel")).to_contain_text("filled from 2022-07-11, an older date")
    choose(page, products.WEST)
    expect(page.locator("#tile-details")).to_contain_text("0.42 % filled from 2022-07-11")
    choose(page, products.EAST)
    expect(page.locator("#tile-details")).to_contain_text("Residual cloud")
    expect(page.locator("#tile-details")).not_to_contain_text("filled from")


def test_a_failed_tile_says_why(alps, people, open_page):
    page = open_page("/", people["operator"])
    choose(page, "33TVL")
    expect(page.locator("#tile-details .notice.bad")).to_have_text(
        "No scene of 33TVL has less than 80 % cloud cover."
    )


def test_states_are_told_by_mark_and_words_not_by_colour_alone(alps, people, open_page):
    page = open_page("/", people["operator"])
    expect(page.locator("#tile-33TVL .glyph")).to_have_text("!")
    expect(page.locator("#tile-33TVL")).to_contain_text("failed")
    expect(page.locator(f"#tile-{products.WEST} .glyph")).to_have_text("+")
    fills = page.locator("path.patch").evaluate_all("paths => paths.map(p => p.getAttribute('fill'))")
    assert "url(#fill-failed)" in fills


def test_a_customer_draws_an_area_and_orders_it(published, people, open_page):
    page = open_page("/orders/new/", people["customer"])
    wait_for_pictures(page, "rgb")
    page.get_by_role("button", name="Rectangle").click()
    middle = page.locator("#map").bounding_box()
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    page.mouse.move(x - 60, y - 40)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=5)
    page.mouse.up()
    expect(page.locator("#estimate")).to_contain_text(re.compile(r"km² on \d+ tiles?"))
    page.get_by_role("button", name="Place the order").click()
    expect(page.locator("#order-message")).to_contain_text("is placed")
    order = Order.objects.get()
    assert order.customer == people["customer"] and order.tiles.count() >= 1
    expect(page.locator("#orders li")).to_contain_text(f"Order {order.pk}")


def test_a_polygon_is_drawn_corner_by_corner(published, people, open_page):
    page = open_page("/orders/new/", people["customer"])
    wait_for_pictures(page, "rgb")
    page.get_by_role("button", name="Polygon").click()
    expect(page.locator("#drawing")).to_be_visible()
    place = page.locator("#map").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    for dx, dy in [(0, 0), (90, 0), (90, 70), (0, 0)]:
        page.mouse.click(x + dx, y + dy)
        page.wait_for_timeout(100)
    expect(page.locator("#estimate")).to_contain_text("km²")
    expect(page.locator("#drawing")).to_be_hidden()


def test_a_geojson_file_is_an_area_too(published, people, open_page, tmp_path):
    file = tmp_path / "area.geojson"
    file.write_text(json.dumps({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": SQUARE}}))
    page = open_page("/orders/new/", people["customer"])
    page.locator("#area-file").set_input_files(file)
    expect(page.locator("#estimate")).to_contain_text(products.WEST, timeout=60_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{no json", "cannot be read as JSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no polygon"),
        ('{"type": "Point", "coordinates": [15, 45]}', "only 1 point or line"),
        (
            '{"type": "Polygon", "coordinates": [[[-90,-9],[90,-9],[90,60],[-90,60],[-90,-9]]]}',
            "an order may have up to",
        ),
    ],
)
def test_a_useless_area_is_refused_in_words(published, people, open_page, tmp_path, content, words):
    file = tmp_path / "area.geojson"
    file.write_text(content)
    page = open_page("/orders/new/", people["customer"])
    page.locator("#area-file").set_input_files(file)
    expect(page.locator("#estimate.bad")).to_contain_text(words, timeout=60_000)
    expect(page.locator("#order-place")).to_be_disabled()


def test_a_reviewer_approves_a_revision(alps, people, open_page):
    page = open_page("/review/", people["reviewer"])
    choose(page, products.WEST)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#tile-details")).to_contain_text("approved")
    expect(page.locator("#verdict")).to_be_hidden()
    row = alps.tiles.get(tile_id=products.WEST)
    assert row.current_revision.review_status == "approved"


def test_a_reviewer_opens_the_history_of_a_tile(alps, people, open_page):
    page = open_page("/review/", people["reviewer"])
    choose(page, products.WEST)
    page.locator("summary", has_text="History").click()
    expect(page.locator(".history table")).to_contain_text("tile composite")


def test_a_reviewer_sees_the_previews_and_why_each_scene_was_chosen(alps, people, open_page):
    build = alps.tiles.get(tile_id=products.WEST).current_build
    products.make_picture(build)
    build.report |= {"partial_scenes": [f"S2A_{products.WEST}_20230815"]}
    build.save()
    page = open_page("/review/", people["reviewer"])
    choose(page, products.WEST)
    page.locator("summary", has_text="How the scenes were chosen").click()
    picture = page.get_by_role("img", name=re.compile(f"Previews of the candidates of tile {products.WEST}"))
    expect(picture).to_be_visible()
    until(page, "i => i.naturalWidth === 700", arg=picture.element_handle())
    rows = page.locator(".candidates tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("partial")
    expect(rows.last).to_contain_text("not used: hazy (0.91)")
    with page.expect_popup() as opened:
        picture.click()
    assert opened.value.url.endswith(f"/{products.WEST}/builds/1/scene_list.png")


def test_a_rejection_needs_a_reason_and_keeps_it(alps, people, open_page):
    page = open_page("/review/", people["reviewer"])
    choose(page, products.EAST)
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#verdict-message")).to_have_text("Say what is wrong with the revision.")
    page.locator("#verdict-kind").select_option("cloud")
    page.locator("#verdict-words").fill("A cloud over the lake in the north.")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("#tile-details")).to_contain_text("rejected")
    review = alps.tiles.get(tile_id=products.EAST).current_revision.reviews.get()
    assert (review.reason, review.words) == ("cloud", "A cloud over the lake in the north.")


def test_a_verdict_on_what_was_replaced_meanwhile_shows_the_refusal(alps, people, open_page):
    page = open_page("/review/", people["reviewer"])
    choose(page, products.WEST)
    expect(page.locator("#verdict")).to_be_visible()
    page.route("**/api/campaigns/*/tiles/", lambda route: route.abort())
    Revision.objects.filter(campaign_tile__tile_id=products.WEST).update(review_status="approved")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#verdict-message")).to_contain_text("look at the newest one")


def test_the_operator_publishes_an_edition_that_everybody_sees(alps, people, open_page):
    page = open_page("/review/", people["operator"])
    expect(page.locator("#publish-state")).to_contain_text("No edition has been published yet")
    page.get_by_role("button", name="Publish an edition").click()
    expect(page.locator("#publish-message")).to_have_text("Edition 1 is published.")
    assert Edition.objects.get().tiles.count() == 2
    page.get_by_role("button", name="Publish an edition").click()
    expect(page.locator("#publish-message.bad")).to_contain_text("shows these revisions already")
    visitor = open_page()
    assert wait_for_pictures(visitor, "rgb")


def test_visitors_see_no_revision_before_an_edition(alps, open_page):
    page = open_page()
    expect(page.locator("#blank")).to_contain_text("Nothing has been published yet")
    assert pictures(page, "rgb") == 0


def test_without_a_campaign_the_page_says_so(transactional_db, open_page):
    page = open_page()
    expect(page.locator("#blank")).to_contain_text("There is no campaign that you may see")


def test_a_server_that_does_not_answer_is_told(published, open_page):
    page = open_page()
    wait_for_pictures(page, "rgb")
    page.route("**/api/**", lambda route: route.abort())
    page.locator("#campaign").dispatch_event("change")
    expect(page.locator("#problem")).to_contain_text("The server cannot be reached")


def test_progress_appears_by_itself(alps, people, open_page):
    row = alps.want(["33TWM"])[0]
    page = open_page("/", people["operator"])
    expect(page.locator("#tile-33TWM")).to_contain_text("waiting")
    row.move("building")
    expect(page.locator("#tile-33TWM")).to_contain_text("being built")
    expect(page.locator("#announcer")).to_contain_text("under way")


def test_another_campaign_can_be_chosen(published, open_page):
    other = Campaign.objects.create(
        slug="other", name="Other", catalog="/data", is_public=True, settings=products.SETTINGS
    )
    page = open_page()
    page.locator("#campaign").select_option(other.slug)
    expect(page.locator("#blank")).to_contain_text("Nothing has been ordered")
    page.locator("#campaign").select_option(published.slug)
    assert wait_for_pictures(page, "rgb")


def test_desks_have_addresses_and_the_back_button_works(published, open_page):
    page = open_page()
    page.get_by_role("link", name="New order").click()
    expect(page.locator("#order-heading")).to_be_visible()
    assert page.url.endswith("/orders/new/")
    page.go_back()
    expect(page.locator("#tiles-heading")).to_be_visible()


def test_signing_in_and_out(published, people, open_page):
    page = open_page()
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("Name").fill("customer")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    page.get_by_label("Password").fill("pass")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".account")).to_contain_text("customer")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()


def test_at_390_pixels_everything_is_reached_without_scrolling_sideways(published, people, open_page):
    page = open_page("/review/", people["operator"], width=390, height=844)
    wait_for_pictures(page, "rgb")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Layers").click()
    page.get_by_role("radio", name="Landcover").check()
    assert wait_for_pictures(page, "landcover")
    page.get_by_role("button", name="Layers").click()
    choose(page, products.WEST)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#tile-details")).to_contain_text("approved")
    page.get_by_role("link", name="New order").click()
    expect(page.get_by_role("button", name="Rectangle")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_reviewer_needs_no_mouse(alps, people, open_page):
    page = open_page("/review/", people["reviewer"])
    expect(page.locator("#tiles li")).to_have_count(2)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "tiles":
            break
    expect(page.locator("#tiles")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#tile-heading")).to_have_text(products.EAST)
    expect(page.locator("#tile-heading")).to_be_focused()
    expect(page.locator("#verdict")).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "approve":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#tile-details")).to_contain_text("approved")
    expect(page.locator("#announcer")).to_have_text(f"{products.EAST} approved.")


def test_a_customer_orders_by_keyboard(published, people, open_page):
    page = open_page("/orders/new/", people["customer"])
    wait_for_pictures(page, "rgb")
    page.get_by_role("button", name="What the map shows").press("Enter")
    expect(page.locator("#estimate")).to_contain_text("km²")
    page.get_by_role("button", name="Place the order").press("Enter")
    expect(page.locator("#order-message")).to_contain_text("is placed")


def test_nothing_is_loaded_from_elsewhere_and_no_script_or_style_is_inline(published, open_page):
    page = open_page()
    wait_for_pictures(page, "rgb")
    hosts = page.evaluate(
        "[...new Set(performance.getEntriesByType('resource').map(e => new URL(e.name).host || 'inline'))]"
    )
    assert set(hosts) <= {page.evaluate("location.host"), "inline"}
    source = page.request.get(page.url).text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", source)
    assert all("src=" in tag or "json" in tag for tag in re.findall(r"<script[^>]*>", source))


def test_the_networks_of_the_campaign_are_told(published, open_page, tmp_path):
    write_own(tmp_path / "own")
    pin = str(store().add("buildings", tmp_path / "own").pin)
    products.make_campaign("ours", networks={"buildings": pin})
    page = open_page("/?campaign=ours")
    page.get_by_text("Networks of this campaign").click()
    rows = page.locator("#networks dd")
    expect(rows).to_have_count(6)
    told = page.locator("#networks dt", has_text="buildings").locator("xpath=following-sibling::dd[1]")
    expect(told).to_have_text(f"7.0.0 {pin.split(':')[1][:8]}own")
    assert page.locator("#networks .role").count() == 1
    Campaign.objects.filter(slug="ours").update(settings=products.SETTINGS | {"networks": {}})
    page = open_page("/?campaign=ours")
    page.get_by_text("Networks of this campaign").click()
    expect(page.locator("#networks-unpinned")).to_be_visible()


@pytest.fixture
def large(published, monkeypatch):
    """A campaign with more tiles than the page would know at once."""
    monkeypatch.setattr("webapp.maps.views.MOST_TILES", 2)
    return published


def drag(page, start, end, key=None):
    """Draw with the mouse on the map, from its middle, in pixels; with Shift, a box that is zoomed to."""
    box = page.locator("#map").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if key:
        page.keyboard.down(key)
    page.mouse.move(middle[0] + start[0], middle[1] + start[1])
    page.mouse.down()
    page.mouse.move(middle[0] + end[0], middle[1] + end[1], steps=5)
    page.mouse.up()
    if key:
        page.keyboard.up(key)


def test_of_a_large_campaign_the_tiles_in_view_are_asked_for(large, people, open_page):
    asked = []
    page = open_page(person=people["reviewer"])
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/tiles/") else None)
    expect(page.locator("#tiles-empty")).to_have_text("Zoom in to list the tiles in view.")
    # The tiles lie there while the map shows the whole world.
    drag(page, (-2, -104), (46, -56), key="Shift")
    expect(page.locator("#tiles li")).to_have_count(3)
    choose(page, products.WEST)
    page.locator("#map").hover()
    for _ in range(3):
        drag(page, (0, -200), (0, 200))
    expect(page.locator("#tiles li")).to_have_count(1)
    expect(page.locator("#tile-heading")).to_have_text(products.WEST)
    assert not asked, "all tiles were asked for"


def test_a_visitor_of_a_large_campaign_without_an_edition_is_told_to_zoom_in(alps, open_page, monkeypatch):
    monkeypatch.setattr("webapp.maps.views.MOST_TILES", 2)
    page = open_page()
    expect(page.locator("#blank")).to_contain_text("this campaign has 3")
