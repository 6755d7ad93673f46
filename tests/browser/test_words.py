"""Every page in a language of accents: what shows without one was not ready for translation."""

import re

import pytest
from playwright.sync_api import expect

from pipeline.networks import NAMES
from script.lib import packages
from script.lib.waiting import until
from tests import pseudo
from tests.webapp import products
from webapp import languages
from webapp.campaigns.models import Edition, Revision
from webapp.notices.kinds import KINDS
from webapp.orders.services import Area, place
from webapp.review import sample
from webapp.review.services import give

# The same in all languages: names of people, places, products, formats and units, and a licence's text.
SAME = re.compile(
    r"Contains modified Copernicus Sentinel data|OGC API - Tiles|"
    r"\b(Earthquilt|Alps|alps|customer|reviewer|operator|Leaflet|QGIS|ArcGIS|Pro|Online|MapLibre|OpenLayers|GDAL|"
    r"curl|STAC|WMTS|SHA|CSV|UTC|km²?|ha)\b"
    # Months, which Django has words for in German.
    r"|\b(Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)\b"
)
# Sentences that a worker wrote down, which are records in one language, and what the fixtures call things.
RECORDS = re.compile(
    r"No scene of 33TVL has less than 80 % cloud cover\.|covers 97\.0 % alone|hazy \(0\.91\)|"
    r": (wanted|build \d|replaced by revision \d|cloud left in the mosaic)$"
)
TEXTS = """() => {
  const told = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    const unread = parent.closest("script, style, code, pre, kbd, [translate=no]");
    // Options and the titles of drawings have no box of their own.
    const box = parent.closest("select") || parent.closest("svg") || parent;
    if (!unread && box.checkVisibility()) told.push(walker.currentNode.textContent);
  }
  const attributes = ["title", "aria-label", "placeholder", "alt", "label"];
  for (const element of document.body.querySelectorAll(attributes.map((name) => `[${name}]`).join())) {
    if (!element.checkVisibility()) continue;
    told.push(...attributes.map((name) => element.getAttribute(name) || ""));
  }
  return told;
}"""
PHONE = 390


@pytest.fixture(scope="session")
def locale(tmp_path_factory):
    if not packages.has_gettext():
        pytest.skip("GNU gettext is not installed (`script/test` tries to).")
    folder = tmp_path_factory.mktemp("locale")
    pseudo.make(folder)
    return folder


@pytest.fixture
def speaking(locale, settings):
    """The application offers the language of accents."""
    settings.LANGUAGES = [("en", "English"), (pseudo.CODE, "Accented")]
    settings.LOCALE_PATHS = [locale]
    languages.script.cache_clear()
    yield
    languages.script.cache_clear()


@pytest.fixture
def read(open_page, speaking):
    """Opens a page in the language at the width of a phone."""

    def read(path, person=None):
        page = open_page(path, person, width=PHONE, height=844, language=pseudo.CODE)
        assert page.locator("html").get_attribute("lang") == pseudo.CODE
        return page

    return read


def english(page, *names):
    """Texts with a word of plain letters, without what is the same in all languages and some names."""
    found = set()
    for text in page.evaluate(TEXTS):
        left = text
        for name in names:
            left = left.replace(name, "")
        left = SAME.sub("", RECORDS.sub("", left))
        if any(re.fullmatch("[A-Za-z]{2,}", word) for word in re.findall(r"\w+", left)):
            found.add(" ".join(text.split()))
    return sorted(found)


def check(page, *names):
    left = english(page, *names)
    assert not left, "\n".join(left)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_english_would_be_found(published, open_page):
    page = open_page("/", width=PHONE)
    expect(page.locator("#tiles li").first).to_be_visible()
    assert {"Map", "New order", "Layers", "No tile chosen"} <= set(english(page))


@pytest.mark.parametrize("path", ["/nothing-here/", "/accounts/login/"])
def test_pages_without_a_campaign(transactional_db, read, path):
    check(read(path))


def test_the_networks(transactional_db, read):
    check(read("/models/"), *sorted(NAMES, key=len, reverse=True))


def test_a_wrong_password_is_told(transactional_db, read):
    page = read("/accounts/login/")
    page.get_by_role("textbox").first.fill("nobody")
    page.locator("input[type=password]").fill("wrong")
    page.locator("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    # Django's own sentence, which comes in German with Django.
    expect(page.get_by_role("alert")).to_contain_text("Passwort")


def test_the_map(published, people, read):
    products.make_picture(published.tiles.get(tile_id=products.WEST).current_build)
    page = read("/", people["operator"])
    page.locator(f"#tile-{products.WEST}").click()
    expect(page.locator("#tile-details table").first).to_be_visible()
    for details in page.locator("details").all():
        if details.is_visible():
            details.locator("summary").first.click()
    expect(page.locator(".scene-list table.candidates")).to_be_visible()
    expect(page.locator(".history table")).to_be_visible()
    page.locator("#layers-toggle").click()
    for name in ("landcover", "nir", "confidence", "provenance"):
        page.locator(f"#layer-list input[value={name}]").check()
        check(page)
    page.locator("#tile-33TVL").click()
    expect(page.locator("#tile-details .notice.bad")).to_be_visible()
    check(page)


def test_the_desk_of_orders(published, people, read):
    page = read("/orders/new/", people["customer"])
    for summary in page.locator("#order summary").all():
        summary.click()
    expect(page.locator("#orders-empty")).to_be_visible()
    expect(page.locator(".leaflet-tooltip").first).to_be_visible()
    page.locator("[data-draw=view]").click()
    expect(page.locator("#estimate")).to_contain_text("²")
    check(page)
    page.locator("[data-draw=polygon]").click()
    expect(page.locator("#drawing")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#area-bbox").fill("15.2,45.3,15.6")
    page.locator("#area-read").click()
    expect(page.locator("#estimate.bad")).to_be_visible()
    check(page)
    page.locator("#area-bbox").fill("15.5,45.4,15.6,45.5")
    page.locator("#area-read").click()
    page.locator("#order-place:enabled").click()
    expect(page.locator("#orders li")).to_be_visible()
    check(page)


def test_the_desk_of_reviews(alps, people, read):
    page = read("/review/", people["operator"])
    expect(page.locator("#queue li").first).to_be_visible()
    check(page)


def test_use_this_map(published, people, read):
    page = read("/use/alps/1/", people["operator"])
    page.locator("#name").fill("QGIS")
    page.locator(".new-key button").click()
    expect(page.locator("#made")).to_be_visible()
    check(page)
    page.locator("#referrers").fill("no host!")
    page.locator("#name").fill("QGIS")
    page.locator(".new-key button").click()
    expect(page.get_by_role("alert")).to_be_visible()


def test_numbers_and_dates_are_the_readers(published, people, read):
    page = read("/", people["operator"])
    page.locator(f"#tile-{products.WEST}").click()
    expect(page.locator("#tile-details dl.facts")).to_contain_text("99,85 %")
    expect(page.locator("#tile-details dl.facts")).to_contain_text(re.compile(r"\d\d\.\d\d\.\d\d, \d\d:\d\d"))


@pytest.fixture
def judged(alps, people, settings):
    """Two editions, one verdict, and what a workspace shows."""
    settings.SECOND_OPINION_SHARE = 0
    for row in alps.tiles.filter(current_build__isnull=False):
        products.make_scenes(row)
    give(people["reviewer"], Revision.objects.get(campaign_tile__tile_id=products.WEST), "reject", "cloud")
    Revision.objects.filter(review_status="rejected").update(review_status="approved")
    Edition.publish(alps)
    products.make_revision(alps.tiles.get(tile_id=products.WEST), values=(150, 130, 90, 200))
    Edition.publish(alps)
    return alps


@pytest.mark.parametrize(
    "path",
    [
        "/review/progress/alps/",
        "/review/progress/alps/editions/?before=1&after=2",
        f"/review/history/alps/{products.WEST}/?before=1&after=2",
        "/review/accuracy/",
    ],
)
def test_pages_of_the_desk(judged, people, read, path):
    check(read(path, people["operator"]))


def test_the_page_of_operators(judged, people, read, settings):
    check(read("/operations/", people["operator"]), *settings.QUEUES)


def test_the_workspace(judged, people, read):
    row = judged.tiles.get(tile_id=products.WEST)
    page = read(f"/review/{row.current_build_id}/", people["reviewer"])
    until(page, "document.body.dataset.shown")
    page.keyboard.press("i")
    expect(page.locator("#pixel-told dl")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#reject-fields")).to_be_visible()
    page.locator("#send-reject").click()
    expect(page.locator("#verdict-message")).to_be_visible()
    check(page)
    page.locator("#open-help").click()
    expect(page.locator("#help-keys")).to_be_visible()
    check(page)


def test_an_assessment_and_its_points(judged, people, read):
    made = sample.begin(judged, 6, 3, people["operator"])
    sample.run_sample(made.pk)
    page = read(f"/review/accuracy/{made.pk}/label/", people["reviewer"])
    until(page, "document.body.dataset.point === '1'")
    check(page)
    for number in range(1, 7):
        until(page, "n => document.body.dataset.point === n", arg=str(number))
        page.keyboard.press("3")
    expect(page.locator("#done")).to_be_visible()
    check(page)
    check(read(f"/review/accuracy/{made.pk}/", people["reviewer"]))


def test_the_page_of_an_order(published, people, read):
    Revision.objects.update(review_status="approved")
    order = place(people["customer"], published, Area.of_tiles([products.WEST]))
    page = read(f"/orders/{order.pk}/", people["customer"])
    page.locator("input[name=projection]").fill("EPSG:999999")
    page.locator("form.stack button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check(page)


def test_the_list_of_orders(published, people, read):
    place(people["customer"], published, Area.of_tiles([products.WEST]))
    check(read("/orders/", people["customer"]))


def test_the_page_of_notices(published, people, read):
    check(read("/notices/", people["customer"]), *KINDS, "https://example.org/earthquilt")
