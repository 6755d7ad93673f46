"""Orders some of whose tiles failed: delivered with the good ones where the customer says so."""

import csv

import pytest
from shapely.geometry import box

from tests.webapp.products import EAST, WEST, make_failed
from webapp.accounts.models import Organisation
from webapp.campaigns.advance import advance
from webapp.campaigns.models import Revision
from webapp.campaigns.services import rebuild
from webapp.orders.aoi import area_km2
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Order
from webapp.orders.quotas import Quota
from webapp.orders.services import Area, place, polygons

pytestmark = pytest.mark.django_db

BOTH = box(15.9, 45.3, 16.9, 45.6)
WHY = "No scene of 33TXL has less than 80 % cloud cover."


@pytest.fixture
def order(alps, customer):
    """Over a good tile and one that has failed."""
    Revision.objects.update(review_status="approved")
    customer.organisation = Organisation.objects.create(name="Alpine", slug="alpine")
    customer.save()
    make_failed(alps, EAST, WHY)
    made = place(customer, alps, Area.of_outline(polygons(BOTH)))
    east = alps.tiles.get(tile_id=EAST)
    if east.status != "failed":
        east.builds.update(status="failed")
        east.move("failed", status_text=WHY)
        advance(alps)
    made.refresh_from_db()
    assert made.status == "failed" and set(made.tiles.values_list("tile_id", flat=True)) == {WEST, EAST}
    return made


def ask(client, order, **options):
    return client.post(f"/api/orders/{order.pk}/deliveries/", options)


def test_without_the_customers_word_nothing_is_delivered(as_, order, customer):
    error = ask(as_(customer), order).json()["error"]
    assert error["field"] == "incomplete" and error["code"] == "invalid"
    assert not order.deliveries.exists()
    order.refresh_from_db()
    assert order.taken_km2 is None


def test_the_good_tiles_are_delivered_and_the_missing_ones_named(as_, order, customer):
    assert ask(as_(customer), order, incomplete=True).status_code == 201
    delivery = order.deliveries.get()
    run_delivery(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == "ready", delivery.error
    assert list(delivery.report["tiles"]) == [WEST] and delivery.report["left_out"] == {EAST: WHY}
    with (delivery.path / "left_out.csv").open() as file:
        assert list(csv.reader(file)) == [["tile", "why"], [EAST, WHY]]
    assert b"left_out.csv" in (delivery.path / "SHA256SUMS").read_bytes()
    order.refresh_from_db()
    assert order.status == "failed"


def test_it_counts_the_area_of_the_good_tiles_in_the_quota(as_, order, customer):
    office = customer.organisation
    assert (Quota.of(office).used_km2, Quota.of(office).used_orders) == (0, 0)
    ask(as_(customer), order, incomplete=True)
    order.refresh_from_db()
    west = order.good_tiles().get().tile.grid.footprint
    assert order.taken_km2 == pytest.approx(area_km2(BOTH.intersection(west)), abs=0.06)
    assert 0 < order.taken_km2 < order.estimate["area_km2"]
    assert (Quota.of(office).used_km2, Quota.of(office).used_orders) == (order.taken_km2, 1)


def test_when_the_missing_tile_comes_the_order_is_whole_again(as_, order, customer, operator):
    ask(as_(customer), order, incomplete=True)
    run_delivery(order.deliveries.get().pk)
    east = order.campaign.tiles.get(tile_id=EAST)
    rebuild(east, operator)
    order.refresh_from_db()
    assert order.status == "running" and order.taken_km2 is None
    assert Quota.of(customer.organisation).used_km2 == order.estimate["area_km2"]


def test_an_order_without_a_good_tile_has_nothing_to_deliver(as_, alps, customer):
    order = place(customer, alps, Area.of_tiles(["31UDQ"]))
    Order.objects.filter(pk=order.pk).update(status="failed")
    error = ask(as_(customer), order, incomplete=True).json()["error"]
    assert "no tile of it has a mosaic" in error["message"]


def test_the_page_asks_for_the_customers_word(client, order, customer):
    client.force_login(customer)
    address = f"/orders/{order.pk}/"
    page = client.get(address).content.decode()
    assert "Take the tiles that are good" in client.get("/orders/").content.decode()
    assert f"Without a mosaic: {EAST}" in page and 'name="incomplete"' in page
    refused = client.post(address, {"layers": ["mosaic"]})
    assert refused.status_code == 400 and "failed in part" in refused.content.decode()
    assert client.post(address, {"layers": ["mosaic"], "incomplete": "on"}).status_code == 302
    assert order.deliveries.get().options["incomplete"] is True


def test_a_ready_order_is_not_asked(client, alps, customer):
    Revision.objects.update(review_status="approved")
    ready = place(customer, alps, Area.of_tiles([WEST]))
    client.force_login(customer)
    assert 'name="incomplete"' not in client.get(f"/orders/{ready.pk}/").content.decode()
