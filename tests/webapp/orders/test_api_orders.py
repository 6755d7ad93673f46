import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from shapely.geometry import box, mapping

from tests.webapp.products import EAST, WEST
from webapp.campaigns.models import Campaign
from webapp.orders.models import Order
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db

AOI = mapping(box(15.2, 45.3, 15.6, 45.6))
ORDERS = "/api/orders/"


def error(answer, status=400):
    assert answer.status_code == status
    return answer.json()["error"]


def test_a_customer_places_and_follows_an_order(as_, alps, customer):
    answer = as_(customer).post(ORDERS, {"campaign": "alps", "aoi": AOI})
    assert answer.status_code == 201
    order = answer.json()
    assert order["tiles"] == [WEST] and order["status"] == "ready"
    assert order["progress"] == {"tiles": 1, "finished": 1, "share": 1.0, "phases": {"done": 1}}
    assert as_(customer).get(f"{ORDERS}{order['id']}/").json() == order
    assert as_(customer).get(ORDERS).json()["results"] == [order]


def test_an_area_can_be_uploaded(as_, alps, customer):
    file = SimpleUploadedFile("aoi.geojson", json.dumps(AOI).encode())
    answer = as_(customer).post(ORDERS, {"campaign": "alps", "file": file}, format="multipart")
    assert answer.status_code == 201 and answer.json()["tiles"] == [WEST]


def test_whole_tiles_can_be_ordered(as_, alps, customer):
    answer = as_(customer).post(ORDERS, {"campaign": "alps", "tiles": [WEST, EAST]})
    assert answer.json()["tiles"] == [WEST, EAST] and answer.json()["status"] == "placed"


def test_estimates_place_nothing(as_, alps, customer):
    answer = as_(customer).post(f"{ORDERS}estimate/", {"campaign": "alps", "aoi": AOI})
    assert answer.status_code == 200
    assert answer.json()["tiles"] == [WEST] and answer.json()["share_built"] == 1
    assert 1000 < answer.json()["area_km2"] < 1100
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("own", "field"),
    [
        ({"start": "2023-09-01", "end": "2023-08-01"}, "end"),
        ({"resolution": 7}, "resolution"),
        ({"max_cloud": -1}, "max_cloud"),
    ],
)
@pytest.mark.parametrize("action", ["", "estimate/"])
def test_settings_that_no_campaign_can_have_are_refused_alike(as_, alps, customer, own, field, action):
    answer = as_(customer).post(f"{ORDERS}{action}", {"campaign": "alps", "aoi": AOI, **own})
    assert answer.status_code == 400 and error(answer)["field"] == field


def test_visitors_may_estimate_on_public_campaigns_only(as_, alps, secret):
    assert as_().post(f"{ORDERS}estimate/", {"campaign": "alps", "aoi": AOI}).status_code == 200
    assert error(as_().post(f"{ORDERS}estimate/", {"campaign": "secret", "aoi": AOI}))["field"] == "campaign"


def test_an_order_with_dates_of_its_own_makes_or_reuses_a_campaign(as_, alps, customer, monkeypatch):
    Campaign.objects.filter(pk=alps.pk).update(catalog="https://example.org/stac")
    own = {"campaign": "alps", "aoi": AOI, "start": "2023-07-01", "max_cloud": 30}
    first = as_(customer).post(ORDERS, own).json()
    second = as_(customer).post(ORDERS, own).json()
    assert first["campaign"] == second["campaign"] != "alps"
    made = Campaign.objects.get(slug=first["campaign"])
    assert made.settings["start"] == "2023-07-01" and made.settings["end"] == "2023-08-31"
    assert made.catalog == "https://example.org/stac" and not made.is_public and made.owner == customer
    assert as_().get(f"/api/campaigns/{made.slug}/").status_code == 404


@pytest.mark.parametrize(("start", "kept"), [("2023-07-02", True), ("2023-06-15", False)])
def test_holes_stay_where_an_orders_own_dates_reach_back_into_the_older_range(
    as_, alps, customer, start, kept
):
    older = {"fill_start": "2023-06-01", "fill_end": "2023-07-01"}
    Campaign.objects.filter(pk=alps.pk).update(
        catalog="https://example.org/stac", settings=alps.settings | older
    )
    order = as_(customer).post(ORDERS, {"campaign": "alps", "aoi": AOI, "start": start}).json()
    made = Campaign.objects.get(slug=order["campaign"]).pipeline_settings
    assert (made.fill_range is not None) == kept


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ({"start": "2022-05-01", "end": "2022-06-30"}, False),
        ({"end": "2023-08-14"}, False),
        ({"start": "2023-08-16"}, False),
        ({"start": "2023-08-15", "end": "2023-08-15"}, True),
        ({"max_cloud": 30}, True),
    ],
)
def test_a_target_date_of_the_campaign_outside_of_an_orders_own_dates_is_dropped(
    as_, alps, customer, own, kept
):
    aimed = alps.settings | {"target_date": "2023-08-15"}
    Campaign.objects.filter(pk=alps.pk).update(catalog="https://example.org/stac", settings=aimed)
    order = as_(customer).post(ORDERS, {"campaign": "alps", "aoi": AOI, **own}).json()
    made = Campaign.objects.get(slug=order["campaign"]).pipeline_settings
    assert str(made.target) == ("2023-08-15" if kept else str(made.end))


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"campaign": "alps"}, "aoi"),
        ({"campaign": "alps", "aoi": AOI, "tiles": [WEST]}, "aoi"),
        ({"campaign": "nowhere", "aoi": AOI}, "campaign"),
        ({"aoi": AOI}, "campaign"),
        ({"campaign": "alps", "aoi": {"type": "Point", "coordinates": [1, 2]}}, "aoi"),
        ({"campaign": "alps", "aoi": "text"}, "aoi"),
        ({"campaign": "alps", "aoi": mapping(box(10, 85, 11, 86))}, "aoi"),
        ({"campaign": "alps", "aoi": mapping(box(-80, -60, 80, 60))}, "aoi"),
        ({"campaign": "alps", "tiles": ["33TWL", "00AAA"]}, "tiles"),
        ({"campaign": "alps", "tiles": WEST}, "tiles"),
        ({"campaign": "alps", "aoi": AOI, "start": "2023-09-01"}, "end"),
        ({"campaign": "alps", "aoi": AOI, "start": "soon"}, "start"),
        ({"campaign": "alps", "aoi": AOI, "resolution": 11}, "resolution"),
        ({"campaign": "alps", "aoi": AOI, "max_cloud": 200}, "max_cloud"),
    ],
)
def test_what_cannot_be_ordered_names_its_field(as_, alps, customer, asked, field):
    answer = as_(customer).post(ORDERS, asked)
    assert error(answer)["field"] == field and error(answer)["message"].endswith(".")
    assert not Order.objects.exists()


def test_a_list_is_no_order(as_, customer):
    assert error(as_(customer).post(ORDERS, [AOI]))["code"] == "invalid"


def test_a_file_that_is_too_large_is_refused(as_, alps, customer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    file = SimpleUploadedFile("aoi.geojson", b" " * 2000)
    answer = as_(customer).post(ORDERS, {"campaign": "alps", "file": file}, format="multipart")
    assert error(answer)["field"] == "file"


def test_a_file_of_another_kind_is_refused(as_, alps, customer):
    file = SimpleUploadedFile("aoi.shp", b"\x00\x00\x27\x0a\xff")
    answer = as_(customer).post(ORDERS, {"campaign": "alps", "file": file}, format="multipart")
    assert error(answer)["field"] == "file"


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("stranger", 403), ("reviewer", 403), ("operator", 201)]
)
def test_who_may_order(as_, alps, person, role, status):
    answer = as_(person("somebody", role) if role else None).post(ORDERS, {"campaign": "alps", "aoi": AOI})
    assert answer.status_code == status


def test_an_order_on_a_private_campaign_is_like_on_none(as_, secret, customer):
    answer = as_(customer).post(ORDERS, {"campaign": "secret", "aoi": AOI})
    assert error(answer)["message"] == "There is no campaign 'secret'."


def test_own_orders_only(as_, alps, customer, colleague, reviewer, operator, stranger):
    order = place(customer, alps, Area.of_tiles([WEST]))
    for user, status in [
        (customer, 200),
        (colleague, 404),
        (stranger, 404),
        (reviewer, 200),
        (operator, 200),
    ]:
        assert as_(user).get(f"{ORDERS}{order.pk}/").status_code == status
        assert as_(user).get(ORDERS).json()["count"] == (1 if status == 200 else 0)
    assert as_().get(ORDERS).status_code == 401
    assert as_().get(f"{ORDERS}{order.pk}/").status_code == 401


def test_orders_are_filtered(as_, alps, customer):
    place(customer, alps, Area.of_tiles([WEST]))
    place(customer, alps, Area.of_tiles([EAST]))
    count = lambda **query: as_(customer).get(ORDERS, query).json()["count"]  # noqa: E731
    assert (count(campaign="alps"), count(campaign="other"), count(status="ready")) == (2, 0, 1)
    assert error(as_(customer).get(ORDERS, {"status": "lost"}))["field"] == "status"


def test_the_number_of_queries_does_not_grow_with_the_orders(as_, alps, customer):
    place(customer, alps, Area.of_tiles([WEST]))
    client = as_(customer)
    with CaptureQueriesContext(connection) as few:
        client.get(ORDERS)
    for _ in range(3):
        place(customer, alps, Area.of_tiles([WEST, EAST]))
    with CaptureQueriesContext(connection) as many:
        client.get(ORDERS)
    assert len(many) == len(few)


def test_an_order_is_cancelled_by_its_customer(as_, alps, customer, colleague):
    order = place(customer, alps, Area.of_tiles([EAST]))
    assert as_(colleague).post(f"{ORDERS}{order.pk}/cancel/").status_code == 404
    assert as_(customer).post(f"{ORDERS}{order.pk}/cancel/").json()["status"] == "cancelled"
    assert error(as_(customer).post(f"{ORDERS}{order.pk}/cancel/"))["field"] == "status"


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_orders_are_not_changed_otherwise(as_, alps, customer, method):
    order = place(customer, alps, Area.of_tiles([WEST]))
    assert getattr(as_(customer), method)(f"{ORDERS}{order.pk}/").status_code == 405
