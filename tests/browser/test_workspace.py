"""The workspace of the review desk, as reviewers use it."""

import numpy as np
import pytest
from playwright.sync_api import expect

from script.lib.waiting import until
from tests.browser.accessible import serious_findings
from tests.webapp import products
from webapp.campaigns.models import Revision
from webapp.review.models import QueueEntry, Review

NAMES = (products.WEST, products.EAST, "33TWM")


@pytest.fixture
def tiles(transactional_db, tmp_path, settings):
    """Three finished tiles with scenes, the first with the worst seam."""
    settings.STORAGE_ROOT = tmp_path / "storage"
    settings.SECOND_OPINION_SHARE = 0
    rows = products.make_tiles(products.make_campaign(), *NAMES)
    for row, seam in zip(rows, (1.19, 1.1, 1.02), strict=True):
        build = products.make_scenes(row)
        shown = np.ones((2, 183, 183), np.uint8)
        shown[:, 20:24, 20:24] = 0
        products.write(build.path / "provenance.tif", row.tile_id, shown, 0)
        report = {"seam_score": seam, "coverage": 0.999, "residual_cloud": 0.002}
        Revision.objects.filter(campaign_tile=row).update(report=report)
    return rows


@pytest.fixture
def open_desk(tiles, people, open_page):
    def open_desk(row=None, person="reviewer", **size):
        row = row or tiles[0]
        page = open_page(f"/review/{row.current_build_id}/", people[person], **size)
        expect(page.locator("#tile-heading")).to_have_text(row.tile_id)
        until(page, "document.body.dataset.shown")
        return page

    return open_desk


def pictures(page, pane):
    """Pictures on one side that are really there."""
    script = """pane => [...document.querySelectorAll(`.leaflet-${pane}-pane img.leaflet-tile-loaded`)]
        .filter(i => i.naturalWidth >= 256).map(i => i.src)"""
    return page.evaluate(script, pane)


def test_the_workspace_shows_mosaic_and_landcover_and_why_the_tile_ranks(open_desk):
    page = open_desk()
    assert all("/map/rgb/" in one for one in pictures(page, "left")) and pictures(page, "left")
    assert all("/map/landcover/" in one for one in pictures(page, "right")) and pictures(page, "right")
    expect(page.locator("#grounds li").first).to_contain_text("seam score")
    expect(page.locator("#grounds li").first).to_contain_text("14 of 15")
    expect(page.locator("#hold")).to_contain_text("Held for you until")
    assert QueueEntry.objects.filter(held_by__username="reviewer").count() == 2


# Counts from the key to the frame in which all pictures of the next tile's left side are there.
WATCH = """build => {
    let begun = 0;
    document.addEventListener('keydown', () => { begun = performance.now(); }, { capture: true, once: true });
    window.took = new Promise(done => {
        const look = () => {
            const there = [...document.querySelectorAll('.leaflet-left-pane img')]
                .filter(i => i.src.includes(`/review/${build}/`));
            const all = there.length > 1 && there.every(i => i.complete && i.naturalWidth);
            if (begun && all && document.body.dataset.shown === build) done(performance.now() - begun);
            else requestAnimationFrame(look);
        };
        look();
    });
}"""


def test_the_next_tile_is_on_the_screen_within_300_ms(open_desk, tiles):
    page = open_desk()
    for row in tiles[1:]:
        build = str(row.current_build_id)
        until(page, "build => document.body.dataset.ahead === build", arg=build)
        expect(page.locator("#ahead")).to_contain_text("is ready")
        page.evaluate(WATCH, build)
        page.keyboard.press("a")
        took = page.evaluate("window.took")
        expect(page.locator("#tile-heading")).to_have_text(row.tile_id)
        assert page.url.endswith(f"/review/{row.current_build_id}/")
        assert took < 300, took
    expect(page.locator("#announcer")).to_contain_text("approved")
    assert Review.objects.filter(verdict="approve").count() == 2


def told(page):
    return page.evaluate("[...document.querySelectorAll('#pixel-told dd')].map(e => e.textContent)")


def test_a_pixel_tells_values_classes_and_dates(open_desk):
    page = open_desk()
    page.keyboard.press("i")
    expect(page.locator("#pixel-told")).to_contain_text("tree, 80 %")
    expect(page.locator("#pixel-told")).to_contain_text("0.010 · 0.020 · 0.015 · 0.025")
    expect(page.locator("#pixel-told")).to_contain_text("2023-08-15 (no. 1), clear")
    assert "120 · 130 · 90 · 200" in told(page)
    rows = page.locator("#pixel-told tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("2023-08-10")
    expect(rows.first).to_contain_text("tree")
    expect(rows.last).to_contain_text("grass")
    expect(page.locator("#pixel-told .bars li", has_text="tree")).to_contain_text("80.0 %")


def test_layers_dates_and_masks_by_key(open_desk):
    page = open_desk()
    page.keyboard.press("4")
    expect(page.locator("#side-left")).to_have_text("Confidence")
    page.keyboard.press("7")
    expect(page.locator("#side-right")).to_have_text("False colour")
    page.keyboard.press("x")
    expect(page.locator("#side-left")).to_have_text("False colour")
    page.keyboard.press("]")
    expect(page.locator("#side-right")).to_have_text("2023-08-10 true colour (no. 2)")
    page.keyboard.press("]")
    expect(page.locator("#side-right")).to_have_text("2023-08-15 true colour (no. 1)")
    assert not [one for one in pictures(page, "right") if "/mask/" in one]
    page.keyboard.press("m")
    until(
        page,
        """[...document.querySelectorAll('.leaflet-right-pane img.leaflet-tile-loaded')]
        .some(i => i.src.includes('/mask/'))""",
    )
    expect(page.locator("#mask")).to_have_attribute("aria-pressed", "true")


def side(page, name):
    return page.evaluate(
        """name => { const s = getComputedStyle(document.querySelector(`.leaflet-${name}-pane`));
        return { clip: s.clip, opacity: Number(s.opacity), filter: s.filter } }""",
        name,
    )


def test_swipe_opacity_and_flicker(open_desk):
    page = open_desk()
    before = side(page, "left")["clip"]
    page.keyboard.press(",")
    assert side(page, "left")["clip"] != before != "auto"
    page.locator("#divider").hover()
    page.mouse.down()
    page.mouse.move(200, 400, steps=3)
    page.mouse.up()
    assert int(page.locator("#amount").input_value()) < 25
    page.keyboard.press("o")
    page.locator("#amount").fill("30")
    assert side(page, "right") | {"filter": "", "clip": ""} == {"clip": "", "opacity": 0.3, "filter": ""}
    page.keyboard.press("f")
    seen = {side(page, "right")["opacity"] for _ in range(12) if page.wait_for_timeout(150) is None}
    assert seen == {0, 1}
    page.keyboard.press("f")
    expect(page.locator('[data-mode="swipe"]')).to_have_attribute("aria-pressed", "true")


def test_without_motion_flicker_waits_for_the_key(open_desk):
    page = open_desk()
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("f")
    seen = [side(page, "right")["opacity"] for _ in range(8) if page.wait_for_timeout(150) is None]
    assert len(set(seen)) == 1
    page.keyboard.press("b")
    assert side(page, "right")["opacity"] != seen[0]


def test_the_stretch_is_for_the_eye_and_never_for_classes(open_desk):
    page = open_desk()
    page.keyboard.press("h")
    assert "stretch-left" in side(page, "left")["filter"]
    assert side(page, "right")["filter"] == "none"
    slope = page.evaluate("document.querySelector('#stretch-left feFuncR').getAttribute('slope')")
    assert float(slope) > 1
    page.keyboard.press("h")
    assert side(page, "left")["filter"] == "none"


def test_hot_spots_are_visited_in_turn(open_desk):
    page = open_desk()
    expect(page.locator("#spots li")).to_have_count(1)
    expect(page.locator("#spots")).to_contain_text("hole")
    before = page.evaluate("document.querySelector('.leaflet-control-scale-line').textContent")
    page.keyboard.press("n")
    expect(page.locator("#announcer")).to_contain_text("Hot spot 1 of 1: hole")
    assert page.evaluate("document.querySelector('.leaflet-control-scale-line').textContent") != before
    page.keyboard.press("z")
    assert page.evaluate("document.querySelector('.leaflet-control-scale-line').textContent") == before


def test_the_list_of_keys_names_every_key_and_single_keys_can_be_switched_off(open_desk):
    page = open_desk()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    for words in (
        "approve, and on to the next tile",
        "next hot spot",
        "flicker by hand",
        "brush",
        "this list",
    ):
        expect(page.locator("#help")).to_contain_text(words)
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("4")
    expect(page.locator("#side-left")).to_have_text("True colour")


def test_keys_are_text_while_one_types(open_desk):
    page = open_desk()
    page.keyboard.press("r")
    page.locator("#words").press_sequentially("a tart")
    expect(page.locator("#words")).to_have_value("a tart")
    expect(page.locator("#tile-heading")).to_have_text(products.WEST)
    assert not Review.objects.exists()


def test_who_holds_a_tile_is_told_to_others(open_desk, people, tiles):
    mine = open_desk()
    expect(mine.locator("#ahead")).to_contain_text("is ready")
    page = open_desk(person="operator")
    expect(page.locator("#hold")).to_contain_text("reviewer holds this tile until")
    expect(page.locator("#verdict")).to_be_hidden()
    page.keyboard.press("a")
    assert not Review.objects.exists()
    page.keyboard.press("t")
    expect(page.locator("#tile-heading")).to_have_text("33TWM")


def test_a_skipped_tile_goes_back_and_is_not_the_next_again(open_desk, tiles):
    page = open_desk()
    expect(page.locator("#ahead")).to_contain_text("is ready")
    page.keyboard.press("t")
    expect(page.locator("#tile-heading")).to_have_text(products.EAST)
    expect(page.locator("#ahead")).to_contain_text("33TWM is ready")
    page.keyboard.press("t")
    expect(page.locator("#ahead")).to_contain_text("No other tile waits")
    page.keyboard.press("t")
    expect(page.locator("#problem")).to_contain_text("Only tiles that you skipped are left")
    assert QueueEntry.objects.get(revision__campaign_tile=tiles[0]).held_by is None


def test_a_rejection_by_keyboard_alone_draws_the_hot_spot_and_builds_again(open_desk, tiles):
    page = open_desk()
    expect(page.locator("#ahead")).to_contain_text("is ready")
    page.keyboard.press("n")
    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.press("c")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("k")
    expect(page.locator("#defects li")).to_have_count(1)
    expect(page.locator("#follows")).to_contain_text("with the drawn area masked")
    page.locator("#send-reject").press("Enter")
    expect(page.locator("#tile-heading")).to_have_text(products.EAST)
    expect(page.locator("#announcer")).to_contain_text("rejected")
    review = Review.objects.get()
    assert review.reason == "cloud" and review.defects.get().kind == "cloud"
    tiles[0].refresh_from_db()
    assert tiles[0].status in ("building", "composite")


def test_defects_are_drawn_corner_by_corner_and_with_a_brush(open_desk):
    page = open_desk()
    page.keyboard.press("r")
    page.locator("#defect-kind").select_option("classes")
    page.locator("#defect-class").select_option("1")
    page.locator('[data-draw="polygon"]').click()
    box = page.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    for dx, dy in [(0, 0), (80, 0), (80, 60), (0, 0)]:
        page.mouse.click(x + dx, y + dy)
        page.wait_for_timeout(100)
    expect(page.locator("#defects")).to_contain_text("wrong class: water")
    page.locator("#defect-kind").select_option("shadow")
    page.locator('[data-draw="brush"]').click()
    page.mouse.move(x, y + 90)
    page.mouse.down()
    page.mouse.move(x + 90, y + 120, steps=6)
    page.mouse.up()
    expect(page.locator("#defects li")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("#follows")).to_contain_text("the drawn area masked")
    expect(page.locator("#follows")).to_contain_text("set to the class you told")
    page.locator("#reason").select_option("classes")
    page.locator("#send-reject").click()
    expect(page.locator("#announcer")).to_contain_text("rejected")
    defects = Review.objects.get().defects.all()
    assert [(defect.kind, defect.code) for defect in defects] == [("classes", 1), ("shadow", None)]
    assert defects[1].override.content["scenes"] == [f"S2A_{products.WEST}_20230815"]


def test_a_rejection_needs_a_reason(open_desk):
    page = open_desk()
    page.keyboard.press("r")
    page.locator("#send-reject").click()
    expect(page.locator("#verdict-message")).to_have_text("Say what is wrong.")
    page.keyboard.press("Escape")
    page.locator("#tile-heading").focus()


def test_a_verdict_that_is_refused_is_told_on_the_next_tile(open_desk, tiles):
    page = open_desk()
    expect(page.locator("#ahead")).to_contain_text("is ready")
    Revision.objects.filter(campaign_tile=tiles[0]).update(review_status="approved")
    page.keyboard.press("a")
    expect(page.locator("#problem")).to_contain_text(f"The verdict on {products.WEST} was not taken")


def test_the_workspace_is_for_reviewers(tiles, people, open_page):
    page = open_page(f"/review/{tiles[0].current_build_id}/")
    assert "/accounts/login/" in page.url
    page = open_page(f"/review/{tiles[0].current_build_id}/", people["customer"])
    assert page.locator("#tile-heading").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600])
def test_nothing_serious_stands_in_the_way_of_anybody(open_desk, width, scheme):
    page = open_desk(width=width, height=900)
    page.emulate_media(color_scheme=scheme)
    page.keyboard.press("i")
    page.keyboard.press("r")
    expect(page.locator("#pixel-told table")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_findings(page) == []


def test_the_queue_is_on_the_review_desk(tiles, people, open_page):
    page = open_page("/review/", people["reviewer"])
    rows = page.locator("#queue li")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text(products.WEST)
    expect(rows.first).to_contain_text("seam score 1.19")
    page.get_by_role("button", name="Take the next tile").click()
    expect(page.locator("#tile-heading")).to_have_text(products.WEST)
    expect(page.locator("#hold")).to_contain_text("Held for you")
