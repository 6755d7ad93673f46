"""Every page under the policy that the server sends: nothing is stopped, and nobody else is asked.

`open_page` fails where a console tells of something that the policy stopped, here and in all other tests.
"""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.webapp import products
from webapp.accounts.models import User
from webapp.campaigns.models import Edition, Revision
from webapp.orders.services import Area, place
from webapp.review import sample
from webapp.review.services import give

PAGES = {
    "/": "nobody",
    "/orders/": "customer",
    "/orders/new/": "customer",
    "/orders/{order}/": "customer",
    "/use/alps/latest/": "operator",
    "/notices/": "customer",
    "/models/": "nobody",
    "/review/": "reviewer",
    "/review/{build}/": "reviewer",
    "/review/progress/": "operator",
    "/review/progress/alps/": "operator",
    "/review/progress/alps/editions/?before=1&after=2": "operator",
    "/review/history/alps/33TWL/?before=1&after=2": "operator",
    "/review/accuracy/": "operator",
    "/review/accuracy/{assessment}/": "operator",
    "/review/accuracy/{assessment}/label/": "reviewer",
    "/operations/": "operator",
    "/accounts/login/": "nobody",
    "/nowhere/": "nobody",
    "/api/docs/": "nobody",
    "/admin/": "root",
    "/admin/login/": "nobody",
    "/admin/campaigns/campaign/": "root",
    "/admin/campaigns/campaign/add/": "root",
    "/admin/campaigns/gridtile/33TWL/change/": "root",
    "/admin/campaigns/campaigntile/": "root",
    "/admin/orders/order/{order}/change/": "root",
    "/admin/accounts/user/add/": "root",
}


@pytest.fixture
def world(alps, people, settings):
    """Something to show on every page."""
    settings.SECOND_OPINION_SHARE = 0
    row = alps.tiles.get(tile_id=products.WEST)
    products.make_scenes(row)
    give(people["reviewer"], Revision.objects.get(campaign_tile=row), "approve", words="")
    Edition.publish(alps)
    products.make_revision(row, values=(150, 130, 90, 200))
    Edition.publish(alps)
    order = place(people["customer"], alps, Area.of_tiles([products.WEST]))
    assessment = sample.begin(alps, 6, 3, people["operator"])
    sample.run_sample(assessment.pk)
    people["root"] = User.objects.create_superuser("root", password="pass")
    row.refresh_from_db()
    return {"order": order.pk, "build": row.current_build_id, "assessment": assessment.pk}


@pytest.mark.parametrize("path", list(PAGES))
def test_a_page_needs_nothing_that_its_policy_stops(world, people, open_page, live_server, path):
    asked = []
    person = people.get(PAGES[path])
    page = open_page("/healthz", person)
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    answer = page.goto(live_server.url + path.format(**world))
    page.wait_for_load_state("networkidle")
    assert answer.status == (404 if path == "/nowhere/" else 200)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    own = urlsplit(live_server.url).netloc
    assert {address.netloc for address in asked if address.scheme != "data"} == {own}


def test_the_description_of_the_api_opens_and_tells_of_an_operation(open_page, people):
    page = open_page("/api/docs/")
    operation = page.locator(".opblock").first
    expect(operation).to_be_visible()
    operation.locator(".opblock-summary-control").first.click()
    expect(operation.locator(".opblock-body")).to_be_visible()


def test_a_script_written_into_a_page_is_stopped(chromium, live_server, people):
    """What the policy is for: text of a stranger that came to be markup does nothing."""
    page = chromium.new_page()
    page.goto(live_server.url + "/accounts/login/")
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate(
        """() => {
          const written = document.createElement("div");
          written.innerHTML = '<img src="x:" onerror="window.stolen = 1"><p style="color: red">a</p>';
          document.body.append(written);
          const script = document.createElement("script");
          script.textContent = "window.stolen = 1";
          document.body.append(script);
        }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.stolen") is None
    assert sum("Content Security Policy" in text for text in said) >= 3
    page.close()


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/admin/login/"])
def test_no_other_site_may_show_a_page_inside_its_own(client, db, path):
    answer = client.get(path)
    assert answer["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
