"""The page of all orders, and what it and the page of an order tell of tiles on their way."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.webapp.products import EAST, WEST, make_campaign
from webapp.accounts.models import Organisation
from webapp.campaigns.models import Build, Revision
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Order
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db

PAGE = "/orders/"


@pytest.fixture
def office(customer, colleague):
    """Customer and colleague belong to it."""
    made = Organisation.objects.create(name="Alpine Office", slug="alpine-office", quota_km2=50_000)
    for person in (customer, colleague):
        person.organisation = made
        person.save()
    return made


def content(client, person, query="", status=200):
    client.force_login(person)
    answer = client.get(PAGE + query)
    assert answer.status_code == status
    return answer.content.decode()


def numbers(page):
    return [int(number) for number in re.findall(r'data-order="(\d+)"', page)]


def test_all_orders_across_campaigns_are_listed_the_newest_first(client, alps, customer):
    first = place(customer, alps, Area.of_tiles([WEST]))
    second = place(customer, make_campaign("desert"), Area.of_tiles([EAST]))
    page = content(client, customer)
    assert numbers(page) == [second.pk, first.pk]
    assert "Alps" in page and "Desert" in page and "by customer" in page
    assert f'<time datetime="{first.created_at:%Y-%m-%dT%H:%M}' in page
    assert "1 of 1 tile finished" in page and "0 of 1 tile finished; 1 waiting" in page


def test_an_empty_page_says_how_to_begin(client, customer, stranger):
    page = content(client, customer)
    assert "Nothing has been ordered yet" in page and 'href="/orders/new/"' in page
    assert "Place the first order" not in content(client, stranger)


def test_filters_by_state_and_by_whose(client, alps, customer, colleague, office, person):
    mine = place(customer, alps, Area.of_tiles([WEST]))
    theirs = place(colleague, alps, Area.of_tiles([EAST]))
    personal = place(person("outside", "customer"), alps, Area.of_tiles([WEST]))
    assert numbers(content(client, customer)) == [theirs.pk, mine.pk]
    assert numbers(content(client, customer, "?whose=mine")) == [mine.pk]
    assert numbers(content(client, customer, "?whose=organisation")) == [theirs.pk, mine.pk]
    assert numbers(content(client, customer, "?state=ready")) == [mine.pk]
    assert numbers(content(client, customer, "?state=placed&whose=mine")) == []
    assert "No order is like this" in content(client, customer, "?state=cancelled")
    assert personal.pk not in numbers(content(client, colleague))


@pytest.mark.parametrize("query", ["?state=lost", "?whose=theirs", "?state=ready&whose=theirs"])
def test_filters_that_are_none_are_told(client, alps, customer, query):
    place(customer, alps, Area.of_tiles([WEST]))
    page = content(client, customer, query, status=400)
    assert 'role="alert"' in page and numbers(page) == []


def test_the_api_filters_alike(as_, alps, customer, colleague, office):
    mine = place(customer, alps, Area.of_tiles([WEST]))
    theirs = place(colleague, alps, Area.of_tiles([EAST]))
    ask = lambda **query: [  # noqa: E731
        one["id"] for one in as_(customer).get("/api/orders/", query).json()["results"]
    ]
    assert ask(whose="mine") == [mine.pk] and ask(whose="organisation") == [theirs.pk, mine.pk]
    assert as_(customer).get("/api/orders/", {"whose": "all"}).status_code == 400


def test_many_orders_are_paged(client, alps, customer):
    for _ in range(45):
        Order.objects.create(customer=customer, campaign=alps, aoi=alps.tiles.get().tile.footprint)
    page = content(client, customer)
    assert len(numbers(page)) == 20 and "page 1 of 3" in page and 'rel="next"' in page
    last = content(client, customer, "?page=3&state=placed")
    assert (
        len(numbers(last)) == 5 and "state=placed&amp;whose=&amp;page=2" in last and 'rel="next"' not in last
    )
    assert numbers(content(client, customer, "?page=999")) == numbers(last)
    assert len(set(numbers(page)) | set(numbers(last))) == 25


def test_the_number_of_queries_does_not_grow_with_the_orders(client, alps, customer, office):
    Organisation.objects.update(quota_km2=1_000_000)
    place(customer, alps, Area.of_tiles([WEST]))
    content(client, customer)
    with CaptureQueriesContext(connection) as few:
        content(client, customer)
    for _ in range(4):
        place(customer, alps, Area.of_tiles([WEST, EAST]))
    with CaptureQueriesContext(connection) as many:
        content(client, customer)
    assert len(many) == len(few)


def test_the_quota_is_shown(client, alps, customer, office, colleague):
    order = place(colleague, alps, Area.of_tiles([WEST]))
    page = content(client, customer)
    km2 = order.estimate["area_km2"]
    assert f"{km2:,.1f} of 50,000.0 used" in page and f"{50_000 - km2:,.1f} left" in page
    assert "1 <span" in page and "ordered, without limit" in page
    customer.organisation = None
    customer.save()
    assert "quota-heading" not in content(client, customer)


def test_deliveries_are_linked_from_the_list(client, as_, alps, customer):
    Revision.objects.update(review_status="approved")
    order = place(customer, alps, Area.of_tiles([WEST]))
    assert "Choose layers and format" in content(client, customer)
    as_(customer).post(f"/api/orders/{order.pk}/deliveries/", {"layers": ["mosaic", "vectors"]})
    run_delivery(order.deliveries.get().pk)
    page = content(client, customer)
    assert f"/orders/{order.pk}/#delivery-1" in page and "Landcover as polygons" in page
    address = re.search(r'href="(/deliveries/[^"]+/all\.zip)"', page)[1]
    assert as_().get(address).status_code == 200


@pytest.mark.parametrize("page", ["/", "/orders/new/", PAGE])
def test_the_list_is_linked_for_those_who_have_signed_in(client, customer, page):
    assert 'href="/orders/"' not in client.get("/").content.decode()
    client.force_login(customer)
    assert 'href="/orders/"' in client.get(page).content.decode()


def test_tiles_are_followed_stage_by_stage(as_, client, alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST, EAST]))
    tiles = f"/api/orders/{order.pk}/tiles/"
    found = {one["tile"]: one for one in as_(customer).get(tiles).json()}
    assert found[WEST]["phase"] == "done" and found[WEST]["step"] == found[WEST]["steps"]
    assert (found[EAST]["stage"], found[EAST]["at_work"], found[EAST]["step"]) == ("scene_list", False, 0)
    build = Build.objects.get(campaign_tile__tile_id=EAST)
    assert build.claim() and build.release(stage="compose")
    assert build.claim()
    east = as_(customer).get(tiles).json()[1]
    assert (east["stage"], east["at_work"]) == ("compose", True) and 0 < east["step"] < east["steps"]
    client.force_login(customer)
    page = client.get(f"/orders/{order.pk}/").content.decode()
    assert f"step {east['step'] + 1} of {east['steps']}" in page and "composing" in page
    assert "1 composing" in client.get(PAGE).content.decode()


def test_a_customer_is_not_told_where_the_source_lies(as_, client, customer, queues, storage):
    campaign = make_campaign()
    campaign.catalog = "/secret/place"
    type(campaign).objects.filter(pk=campaign.pk).update(catalog=campaign.catalog)
    order = place(customer, campaign, Area.of_tiles([WEST]))
    tile = order.tiles.get()
    tile.builds.update(status="failed")
    tile.move("failed", status_text="Nothing is in /secret/place.")
    client.force_login(customer)
    for address in (f"/orders/{order.pk}/", f"/api/orders/{order.pk}/tiles/"):
        told = client.get(address).content.decode()
        assert "/secret/place" not in told and "Nothing is in the campaign" in told


def test_the_head_of_the_page_has_the_account(client, alps, customer, office):
    order = place(customer, alps, Area.of_tiles([WEST]))
    client.force_login(customer)
    for address in (PAGE, f"/orders/{order.pk}/"):
        page = client.get(address).content.decode()
        assert "Sign out" in page and "Alpine Office" in page and "Your orders" in page
