"""The page of mail and webhooks, and the log of an order: by keyboard, at two widths, and what axe finds."""

import pytest
from playwright.sync_api import expect

from pipeline.public_address import Exceptions
from tests.browser.accessible import serious_findings
from tests.browser.pictures import shot
from tests.receiver import receiver
from tests.webapp.products import WEST
from webapp.campaigns.models import Revision
from webapp.notices.jobs import run_notice
from webapp.notices.models import Endpoint, Notice, all_kinds
from webapp.orders.services import Area, place


@pytest.fixture
def server(settings):
    settings.MAIL_IS_SENT = True
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions.of(["127.0.0.1"])
    with receiver() as found:
        yield found


@pytest.fixture
def customer(people):
    people["customer"].email = "customer@example.org"
    people["customer"].save()
    return people["customer"]


def fits(page, width):
    return page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 1600])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_endpoint_is_made_tested_and_removed_by_keyboard(server, customer, open_page, width, scheme):
    page = open_page("/notices/", customer, width=width)
    page.emulate_media(color_scheme=scheme)
    expect(page.get_by_text("You have no endpoints yet.")).to_be_visible()
    page.get_by_label("Address (https)").focus()
    page.keyboard.type(f"http://127.0.0.1:{server.port}/a-long-path-of-a-receiver-that-somebody-chose")
    page.keyboard.press("Enter")
    expect(page.locator("#secret")).to_contain_text("whsec_")
    assert serious_findings(page) == [] and fits(page, width)
    shot(page, f"notices-made-{width}-{scheme}")
    page.get_by_role("button", name="Test http").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("A test is on its way")).to_be_visible()
    run_notice(Notice.objects.get().pk)
    page.reload()
    expect(page.get_by_text("200: ok")).to_be_visible()
    assert serious_findings(page) == [] and fits(page, width)
    shot(page, f"notices-{width}-{scheme}")
    page.get_by_role("button", name="Remove http").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("You have no endpoints yet.")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1600])
def test_a_notice_is_sent_again_from_the_page_of_the_order(
    server, customer, published, open_page, width, settings
):
    settings.NOTICE_PAUSES = []
    Revision.objects.update(review_status="approved")
    endpoint, _ = Endpoint.make(customer, f"http://127.0.0.1:{server.port}/hook", all_kinds())
    order = place(customer, published, Area.of_tiles([WEST]))
    server.answers = [(503, b"Closed for the night, come again in the morning", {}), (204, b"", {})]
    hook = Notice.objects.get(endpoint=endpoint)
    run_notice(hook.pk)
    page = open_page(f"/orders/{order.pk}/", customer, width=width)
    expect(page.get_by_text("given up")).to_be_visible()
    page.get_by_text("1 try").first.click()
    assert serious_findings(page) == [] and fits(page, width)
    shot(page, f"order-notices-{width}")
    page.get_by_role("button", name="Send order.ready again").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The notice is sent again.")).to_be_visible()
    run_notice(hook.pk)
    page.reload()
    expect(page.get_by_text("sent", exact=True)).to_be_visible()
