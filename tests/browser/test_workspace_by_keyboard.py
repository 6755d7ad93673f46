"""Every action of the workspace by keyboard alone: no mouse is touched here."""

import pytest
from playwright.sync_api import expect

from script.lib.waiting import until
from tests.browser.test_workspace import open_desk, side, tiles  # noqa: F401
from tests.webapp import products
from webapp.review.models import Review

CONTROLS = """() => [...document.querySelectorAll(
    'main a[href], main button, main select, main textarea, main summary, main input, main [tabindex="0"]')]
    .filter(one => one.checkVisibility() && !one.disabled)
    .map((one, index) => {
        one.dataset.control = index;
        return `${index} ${one.tagName} ${one.id || one.textContent.trim()}`;
    })"""


def walked(page):
    """The numbers of the controls that Tab comes by, from the top of the page."""
    names = page.evaluate(CONTROLS)
    page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges()")
    page.locator(".skip").focus()
    seen = set()
    for _ in range(2 * len(names) + 20):
        page.keyboard.press("Tab")
        found = page.evaluate("document.activeElement?.dataset?.control")
        if found is not None:
            seen.add(int(found))
    return names, seen


@pytest.mark.parametrize("width", [390, 1600])
def test_tab_comes_by_every_control_also_of_a_rejection(open_desk, width):  # noqa: F811
    page = open_desk(width=width, height=900)
    expect(page.locator("#ahead")).to_contain_text("is ready")
    names, seen = walked(page)
    assert len(names) > 15 and [name for name in names if int(name.split()[0]) not in seen] == []
    page.locator("#tile-heading").focus()
    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    names, seen = walked(page)
    # A group of radio buttons or the parts of a date are one stop for Tab, arrows go on inside.
    assert [name for name in names if int(name.split()[0]) not in seen] == []
    assert any("send-reject" in name for name in names) and any("Polygon" in name for name in names)


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(350)


def test_a_polygon_a_brush_and_a_wrong_class_are_drawn_by_keys(open_desk):  # noqa: F811
    page = open_desk()
    page.keyboard.press("r")
    expect(page.locator("#reason")).to_be_focused()
    page.keyboard.type("wrong la")
    page.keyboard.press("Tab")
    expect(page.locator("#defect-kind")).to_be_focused()
    page.keyboard.type("wrong")
    expect(page.locator("#defect-class")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("w")
    page.keyboard.press("Tab")
    page.keyboard.press("d")
    expect(page.locator("#map")).to_be_focused()
    expect(page.locator("#drawing")).to_contain_text("Enter sets a corner")
    press(page, "Enter", "ArrowRight", "Enter", "ArrowDown", "Enter", "ArrowLeft", "Enter")
    press(page, "Backspace", "Enter")
    expect(page.locator("#defects li")).to_have_count(0)
    press(page, "Enter")
    expect(page.locator("#defects li")).to_have_count(1)
    expect(page.locator("#defects")).to_contain_text("wrong class: water")
    press(page, "Escape", "u", "Enter", "ArrowUp", "ArrowUp", "Enter")
    expect(page.locator("#defects li")).to_have_count(2)
    press(page, "Escape")
    expect(page.locator("#cross")).to_be_hidden()
    page.locator("#send-reject").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#announcer")).to_contain_text("rejected")
    review = Review.objects.get()
    polygon, brush = review.defects.all()
    assert polygon.code == 1 and polygon.outline.area > 0 and brush.outline.area > 0
    assert len(polygon.outline[0][0]) >= 5
    assert review.reason == "classes"


def test_two_corners_are_no_polygon(open_desk):  # noqa: F811
    page = open_desk()
    press(page, "r", "Tab", "Tab", "d", "Enter", "ArrowRight", "Enter", "Enter")
    expect(page.locator("#announcer")).to_contain_text("three corners")
    expect(page.locator("#defects li")).to_have_count(0)


def test_every_key_of_the_list_does_what_it_says(open_desk, tiles):  # noqa: F811
    page = open_desk()
    left, right = page.locator("#side-left"), page.locator("#side-right")
    titles = ("True colour", "False colour", "Landcover", "Confidence", "Provenance")
    for key, words in zip("12345", titles, strict=True):
        page.keyboard.press(key)
        expect(left).to_have_text(words)
    for key, words in zip("67890", titles, strict=True):
        page.keyboard.press(key)
        expect(right).to_have_text(words)
    page.keyboard.press("]")
    first = right.inner_text()
    page.keyboard.press("]")
    page.keyboard.press("[")
    expect(right).to_have_text(first)
    for key, what in (("m", "#mask"), ("h", "#stretch")):
        page.keyboard.press(key)
        expect(page.locator(what)).to_have_attribute("aria-pressed", "true")
        page.keyboard.press(key)
        expect(page.locator(what)).to_have_attribute("aria-pressed", "false")
    for key, mode in (("o", "fade"), ("f", "flicker"), ("f", "swipe"), ("b", "flicker"), ("w", "swipe")):
        page.keyboard.press(key)
        expect(page.locator(f'[data-mode="{mode}"]')).to_have_attribute("aria-pressed", "true")
    page.keyboard.press(",")
    expect(page.locator("#amount")).to_have_value("45")
    page.keyboard.press(".")
    expect(page.locator("#amount")).to_have_value("50")
    page.keyboard.press("x")
    expect(left).to_have_text(first)
    scale = page.locator(".leaflet-control-scale-line")
    whole = scale.inner_text()
    page.keyboard.press("+")
    expect(scale).not_to_have_text(whole)
    page.keyboard.press("-")
    page.keyboard.press("z")
    expect(scale).to_have_text(whole)
    page.keyboard.press("n")
    expect(page.locator("#announcer")).to_contain_text("Hot spot 1 of")
    page.keyboard.press("p")
    expect(page.locator("#spots .chosen")).to_have_count(1)
    page.keyboard.press("i")
    expect(page.locator("#pixel-told table")).to_be_visible()
    page.keyboard.press("r")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("k")
    page.keyboard.press("v")
    expect(page.locator("#defects li")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.locator("#reject-fields")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#ahead")).to_contain_text("is ready")
    page.keyboard.press("t")
    expect(page.locator("#tile-heading")).to_have_text(products.EAST)
    page.keyboard.press("a")
    expect(page.locator("#tile-heading")).to_have_text("33TWM")
    page.keyboard.press("g")
    page.wait_for_url("**/review/")
    assert Review.objects.get().verdict == "approve"


def test_a_reviewer_faster_than_the_loading_gets_one_tile_after_the_other(open_desk, tiles):  # noqa: F811
    page = open_desk()
    for number, row in enumerate(tiles[1:], start=1):
        page.keyboard.press("a")
        expect(page.locator("#tile-heading")).to_have_text(row.tile_id)
        until(page, "build => document.body.dataset.shown === build", arg=str(row.current_build_id))
        assert Review.objects.count() <= number
    expect(page.locator("#ahead")).to_contain_text("No other tile waits")
