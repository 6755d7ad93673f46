"""Assessments of accuracy, as people use them."""

import numpy as np
import pytest
from playwright.sync_api import expect

from script.lib.waiting import until
from tests.browser.accessible import serious_findings
from tests.webapp import products
from webapp.review import sample
from webapp.review.models import Assessment


@pytest.fixture
def drawn(transactional_db, tmp_path, settings, people):
    settings.STORAGE_ROOT = tmp_path / "storage"
    campaign = products.make_campaign()
    (row,) = products.make_tiles(campaign, products.WEST)
    products.make_scenes(row)
    codes = np.full((1, 183, 183), 2, np.uint8)
    codes[:, :, :60] = 1
    products.write(row.current_revision.path / "landcover.tif", row.tile_id, codes, 0)
    made = sample.begin(campaign, 6, 3, people["operator"])
    sample.run_sample(made.pk)
    return made


def test_points_are_labelled_by_key_and_the_result_is_told(drawn, people, open_page):
    page = open_page(f"/review/accuracy/{drawn.pk}/", people["reviewer"])
    expect(page.locator("main")).to_contain_text("0 of 6 points are labelled")
    page.get_by_role("link", name="Label points").click()
    labels = {point.number: point.mapped for point in drawn.points.all()}
    for number in range(1, 7):
        until(page, "n => document.body.dataset.point === n", arg=str(number))
        assert "water" not in page.locator("#point-where").inner_text()
        page.keyboard.press(str(labels[number] if number > 1 else 3))
    expect(page.locator("#point-heading")).to_have_text("No point is left")
    assert drawn.points.filter(labelled_by=people["reviewer"]).count() == 6
    page.get_by_role("link", name=f"Assessment {drawn.pk}").click()
    expect(page.locator(".headline")).to_contain_text("Overall accuracy")
    expect(page.locator("main")).to_contain_text("6 of 6 points are labelled")


def test_one_goes_back_and_changes_a_label(drawn, people, open_page):
    page = open_page(f"/review/accuracy/{drawn.pk}/label/", people["reviewer"])
    until(page, "document.body.dataset.point === '1'")
    page.keyboard.press("5")
    until(page, "document.body.dataset.point === '2'")
    page.keyboard.press("z")
    expect(page.locator("#point-heading")).to_have_text("Point 1")
    page.keyboard.press("d")
    expect(page.locator("#near-words")).to_have_text("True colour of 2023-08-10")
    with page.expect_response(lambda answer: '"label":null' in (answer.request.post_data or "")):
        page.keyboard.press("0")
    expect(page.locator("#point-heading")).to_have_text("Point 2")
    point = drawn.points.get(number=1)
    assert point.label is None and point.labelled_at


def test_an_operator_asks_for_a_sample(drawn, people, open_page):
    page = open_page("/review/accuracy/", people["operator"])
    expect(page.locator("table")).to_contain_text("No. ")
    page.get_by_label("Points").fill("8")
    page.get_by_label("Of each class at least").fill("3")
    page.get_by_role("button", name="Draw the sample").click()
    expect(page.locator("main")).to_contain_text("The sample is being drawn")
    made = Assessment.objects.first()
    sample.run_sample(made.pk)
    expect(page.locator("main")).to_contain_text("0 of 8 points are labelled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1600])
def test_nothing_serious_stands_in_the_way_of_anybody(drawn, people, open_page, width, scheme):
    for point in drawn.points.all():
        sample.label(people["reviewer"], point, point.mapped)
    more = sample.begin(drawn.campaign, 6, 3, people["operator"])
    sample.run_sample(more.pk)
    for path in ("", f"{drawn.pk}/", f"{more.pk}/label/"):
        page = open_page(f"/review/accuracy/{path}", people["operator"], width=width)
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert serious_findings(page) == []
