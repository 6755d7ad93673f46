"""The page of networks as people look at it, on a telephone and on a desk."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pipeline.networks import NAMES


@pytest.mark.parametrize("width", [390, 1600])
def test_cards_and_pictures_fit_the_window(published, open_page, width):
    page = open_page("/models/", width=width)
    expect(page.locator("article.model")).to_have_count(len(NAMES))
    for name in NAMES:
        picture = page.locator(f"#{name} figure img")
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 500
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    words, figure = (page.locator(f"#cloud {part}").bounding_box() for part in (".words", "figure"))
    assert (words["x"] < figure["x"]) == (width > 980)
    if "SHOTS" in os.environ:
        page.screenshot(path=Path(os.environ["SHOTS"]) / f"models-{width}.png", full_page=True)


def test_the_map_leads_to_the_networks(published, open_page):
    page = open_page("/")
    page.get_by_text("Networks of this campaign").click()
    page.get_by_role("link", name="What they are, and are not good at").click()
    expect(page).to_have_title("Networks · Earthquilt")
    expect(page.locator("#cloud")).to_contain_text("Thin cirrus over sand")
