"""Notices are written with the end that they tell of."""

import json

import pytest
from django.db import transaction
from shapely.geometry import box, mapping

from tests.webapp.products import make_campaign
from webapp.campaigns.advance import sweep
from webapp.notices.models import Endpoint, MailChoice, Notice, all_kinds
from webapp.orders.aoi import read_aoi
from webapp.orders.jobs import run_delivery
from webapp.orders.services import Area, place

AOI = mapping(box(15.2, 45.3, 15.6, 45.6))
pytestmark = pytest.mark.django_db


def told():
    return [(one.kind, one.channel) for one in Notice.objects.order_by("pk")]


@pytest.fixture
def waiting(customer, storage, queues):
    """An order that is still to be built."""
    return place(customer, make_campaign(), Area.of_outline(read_aoi(AOI)))


def test_a_ready_order_is_told_of_once(order):
    assert told() == [("order.ready", "mail")]
    order.settle()
    assert told() == [("order.ready", "mail")]


def test_the_body_has_order_state_and_links(order):
    body = json.loads(Notice.objects.get().body)
    assert body["type"] == "order.ready" and body["timestamp"].endswith("Z")
    found = body["data"]["order"]
    assert (found["id"], found["status"], found["campaign"]) == (order.pk, "ready", "alps")
    assert found["links"] == {
        "page": f"https://maps.example.org/orders/{order.pk}/",
        "api": f"https://maps.example.org/api/orders/{order.pk}/",
        "deliveries": f"https://maps.example.org/api/orders/{order.pk}/deliveries/",
    }


def test_a_delivery_is_told_of_with_a_link_that_works(as_, order, customer):
    assert as_(customer).post(f"/api/orders/{order.pk}/deliveries/", {}).status_code == 201
    run_delivery(order.deliveries.get().pk)
    notice = Notice.objects.first()
    assert notice.kind == "delivery.ready"
    delivery = json.loads(notice.body)["data"]["delivery"]
    assert delivery["number"] == 1 and delivery["files"] > 5 and delivery["bytes"] > 1000
    link = delivery["links"]["zip"].removeprefix("https://maps.example.org")
    answer = as_().get(link)
    assert answer.status_code == 200 and int(answer["Content-Length"]) > delivery["bytes"]


def test_a_delivery_that_failed_is_told_of(as_, order, customer):
    as_(customer).post(f"/api/orders/{order.pk}/deliveries/", {})
    order.tiles.get().current_revision.path.joinpath("mosaic.tif").unlink()
    run_delivery(order.deliveries.get().pk)
    notice = Notice.objects.first()
    assert notice.kind == "delivery.failed" and json.loads(notice.body)["data"]["delivery"]["error"]


def test_no_end_no_notice(waiting):
    with pytest.raises(RuntimeError), transaction.atomic():
        waiting.move("failed", "broken", status_text="broken")
        assert told() == [("order.failed", "mail")]
        raise RuntimeError
    assert told() == []


def test_who_cancels_oneself_gets_no_mail(waiting, customer):
    Endpoint.make(customer, "https://example.org/", all_kinds())
    waiting.cancel(customer)
    assert told() == [("order.cancelled", "webhook")]


def test_who_is_cancelled_by_the_operator_is_told(waiting, operator):
    waiting.cancel(operator)
    assert told() == [("order.cancelled", "mail")]


@pytest.mark.parametrize("kinds", [[], ["order.failed"]])
def test_a_customer_chooses_of_what_there_is_mail(alps, customer, kinds):
    MailChoice.objects.create(user=customer, kinds=kinds)
    place(customer, alps, Area.of_outline(read_aoi(AOI)))
    assert told() == []


def test_an_endpoint_is_told_of_what_it_listens_to(alps, customer, colleague):
    listens, _ = Endpoint.make(customer, "https://a.example.org/", ["order.ready"])
    Endpoint.make(customer, "https://b.example.org/", ["order.failed"])
    Endpoint.make(colleague, "https://c.example.org/", ["order.ready"])
    stopped, _ = Endpoint.make(customer, "https://d.example.org/", ["order.ready"])
    Endpoint.objects.filter(pk=stopped.pk).update(stopped_text="gone")
    removed, _ = Endpoint.make(customer, "https://e.example.org/", ["order.ready"])
    removed.remove()
    place(customer, alps, Area.of_outline(read_aoi(AOI)))
    assert [one.endpoint for one in Notice.objects.filter(endpoint__isnull=False)] == [listens]


@pytest.mark.parametrize("without", ["server", "address"])
def test_without_a_mail_server_or_address_there_is_no_mail(alps, customer, settings, without):
    if without == "server":
        settings.MAIL_IS_SENT = False
    else:
        type(customer).objects.update(email="")
        customer.refresh_from_db()
    place(customer, alps, Area.of_outline(read_aoi(AOI)))
    assert told() == []


def test_a_lost_hint_is_found_by_the_sweep(order, queues, django_capture_on_commit_callbacks):
    assert queues["download"].count == 0
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert f"notice-{Notice.objects.get().pk}-0" in queues["download"].job_ids


def test_a_notice_is_queued_when_the_transaction_is_over(
    alps, customer, queues, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        place(customer, alps, Area.of_outline(read_aoi(AOI)))
        assert queues["download"].count == 0
    assert queues["download"].job_ids == [f"notice-{Notice.objects.get().pk}-0"]
