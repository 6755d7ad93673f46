"""Areas from files, boxes and names on the page of orders."""

import io
import zipfile
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import serious_findings
from tests.webapp import products

BOW = [[[15.2, 45.3], [15.6, 45.6], [15.6, 45.3], [15.2, 45.6], [15.2, 45.3]]]
# Reading starts a process, which takes its time on a busy machine.
READING = 60_000


def kmz(rings):
    points = " ".join(f"{x},{y}" for x, y in rings[0])
    ring = f"<LinearRing><coordinates>{points}</coordinates></LinearRing>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(
            "doc.kml", f"<kml><Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon></kml>"
        )
    return buffer.getvalue()


@pytest.mark.parametrize("width", [1400, 390])
def test_a_repaired_file_a_box_and_a_city_by_keyboard(
    published, people, open_page, tmp_path, settings, width
):
    settings.TARIFF_PER_KM2 = settings.TARIFF_PER_KM2_BUILT = Decimal("0.5")
    page = open_page("/orders/new/", people["customer"], width=width)
    file = tmp_path / "field.kmz"
    file.write_bytes(kmz(BOW))
    page.locator("#area-file").set_input_files(file)
    expect(page.locator("#area-repairs")).to_contain_text("repaired at 15.4, 45.45", timeout=READING)
    expect(page.locator("#estimate")).to_contain_text(products.WEST)
    expect(page.locator("#estimate")).to_contain_text("EUR")

    page.get_by_text("A city or a bounding box").press("Enter")
    expect(page.get_by_role("link", name="GeoNames")).to_be_visible()
    expect(page.get_by_role("link", name="CC BY 4.0")).to_be_visible()
    page.locator("#area-bbox").fill("15.2,45.3,15.6,45.6")
    page.locator("#area-bbox").press("Enter")
    expect(page.locator("#estimate")).to_contain_text(products.WEST, timeout=READING)
    expect(page.locator("#area-repairs")).to_be_hidden()

    page.locator("#area-place").press_sequentially("Nowhere at all")
    page.locator("#area-read").press("Enter")
    expect(page.locator("#estimate.bad")).to_contain_text("No place is called", timeout=READING)
    expect(page.locator("#order-place")).to_be_disabled()
    page.locator("#area-place").fill("graz")
    expect(page.locator("#area-places option").first).to_have_attribute("value", "Graz, AT", timeout=READING)
    page.locator("#area-place").press("Enter")
    expect(page.locator("#area-repairs")).to_contain_text("50 km around Graz, AT", timeout=READING)
    expect(page.locator("#estimate")).to_contain_text("km²")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not serious_findings(page)
