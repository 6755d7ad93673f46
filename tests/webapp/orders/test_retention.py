"""Files of deliveries are kept for a time, told of before, and can be made again."""

import shutil
from datetime import timedelta

import pytest
from django.db.models import RestrictedError
from django.utils import timezone
from shapely.geometry import box, mapping

from pipeline.delivery.options import DeliveryOptions
from tests.webapp.products import WEST, make_revision
from webapp.campaigns.advance import sweep
from webapp.campaigns.models import CampaignTile, Revision
from webapp.notices.models import Endpoint, Notice
from webapp.orders import retention
from webapp.orders.aoi import read_aoi
from webapp.orders.downloads import address_of
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Delivery
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db

AOI = mapping(box(15.2, 45.3, 15.6, 45.6))


@pytest.fixture
def order(alps, customer):
    Revision.objects.update(review_status="approved")
    return place(customer, alps, Area.of_outline(read_aoi(AOI)))


@pytest.fixture
def delivery(as_, order, customer):
    assert as_(customer).post(f"/api/orders/{order.pk}/deliveries/", {"projection": "web-mercator"})
    run_delivery(order.deliveries.get().pk)
    return order.deliveries.get()


def ends_in(delivery, **time):
    Delivery.objects.filter(pk=delivery.pk).update(remove_after=timezone.now() + timedelta(**time))


def look(delivery):
    retention.run_retention()
    delivery.refresh_from_db()
    return delivery


@pytest.fixture
def removed(delivery):
    ends_in(delivery, days=-1)
    Delivery.objects.update(is_told=True)
    assert look(delivery).status == "removed"
    return delivery


def test_a_delivery_says_until_when_it_is_kept(as_, client, delivery, order, customer, settings):
    days = (delivery.remove_after - timezone.now()).total_seconds() / 86400
    assert settings.DELIVERY_KEEP_DAYS - 0.1 < days <= settings.DELIVERY_KEEP_DAYS
    told = as_(customer).get(f"/api/orders/{order.pk}/deliveries/").json()[0]
    assert told["remove_after"][:10] == f"{delivery.remove_after:%Y-%m-%d}"
    client.force_login(customer)
    assert (
        f"kept until {delivery.remove_after:%Y-%m-%d}" in client.get(f"/orders/{order.pk}/").content.decode()
    )


def test_the_customer_is_told_before_and_once(delivery, customer):
    Endpoint.make(customer, "https://example.org/", ["delivery.expiring"])
    ends_in(delivery, days=8)
    look(delivery)
    assert not Notice.objects.exists()
    ends_in(delivery, days=6)
    look(delivery)
    look(delivery)
    assert Notice.objects.get().kind == "delivery.expiring" and delivery.status == "ready"


def test_what_nobody_could_be_told_of_is_kept_a_day_more(delivery):
    ends_in(delivery, days=-40)
    assert look(delivery).status == "ready"
    hours = (delivery.remove_after - timezone.now()).total_seconds() / 3600
    assert 23 < hours <= 24 and delivery.path.exists()


def test_a_delivery_of_before_gets_a_day(delivery):
    Delivery.objects.update(remove_after=None)
    assert look(delivery).remove_after > timezone.now() + timedelta(days=80)


def test_its_files_go_when_it_is_time(as_, removed, order, customer):
    assert not removed.path.exists()
    told = as_(customer).get(f"/api/orders/{order.pk}/deliveries/").json()[0]
    assert (told["status"], told["files"], told["zip"]) == ("removed", [], None)
    for name in (None, "area.mosaic.tif"):
        answer = as_().get(address_of(removed, name))
        assert answer.status_code == 410 and "were removed" in answer.content.decode()


def test_a_removed_delivery_is_made_again_from_the_same_revisions(as_, removed, order, customer, client):
    newer = make_revision(CampaignTile.objects.get(tile_id=WEST), values=(50, 60, 70, 80))
    Revision.objects.filter(pk=newer.pk).update(review_status="approved")
    client.force_login(customer)
    assert "Make the files again" in client.get(f"/orders/{order.pk}/").content.decode()
    assert client.post(f"/orders/{order.pk}/deliveries/1/again/").status_code == 302
    made = order.deliveries.first()
    run_delivery(made.pk)
    made.refresh_from_db()
    assert made.status == "ready", made.error
    assert made.number == 2 and made.options == removed.options
    assert made.report["tiles"] == removed.report["tiles"]
    again = {file["name"]: file["sha256"] for file in made.report["files"]}
    assert (
        again["area.mosaic.tif"]
        == {f["name"]: f["sha256"] for f in removed.report["files"]}["area.mosaic.tif"]
    )


def test_what_was_rejected_since_is_not_delivered_again(as_, removed, order, customer):
    Revision.objects.update(review_status="rejected")
    assert as_(customer).post(f"/api/orders/{order.pk}/deliveries/1/again/").status_code == 201
    run_delivery(order.deliveries.first().pk)
    assert "was rejected" in order.deliveries.first().error


def test_only_who_may_order_has_files_made_again(as_, client, removed, order, colleague, reviewer, customer):
    address = f"/api/orders/{order.pk}/deliveries/1/again/"
    assert as_(colleague).post(address).status_code == 404
    assert as_(reviewer).post(address).status_code == 403
    assert as_(customer).post(address.replace("/1/", "/7/")).status_code == 404
    client.force_login(reviewer)
    assert client.post(f"/orders/{order.pk}/deliveries/1/again/").status_code == 403
    assert as_(customer).post(address).status_code == 201
    assert as_(customer).post(address).status_code == 400


def test_what_is_there_is_not_made_again(as_, delivery, order, customer):
    answer = as_(customer).post(f"/api/orders/{order.pk}/deliveries/1/again/")
    assert answer.status_code == 400 and "were not removed" in answer.json()["error"]["message"]


def test_revisions_that_a_delivery_needs_are_not_forgotten(removed):
    pinned = removed.revisions.get()
    with pytest.raises(RestrictedError):
        pinned.delete()
    Delivery.objects.update(status="failed")
    Revision.objects.update(status="superseded")
    CampaignTile.objects.update(current_revision=None)
    pinned.delete()
    assert not Revision.objects.filter(pk=pinned.pk).exists()


def test_what_killed_workers_left_is_removed(delivery, order, storage, as_, customer):
    root = storage / "deliveries"
    running = Delivery.begin(order, DeliveryOptions())
    assert running.claim()
    keep = [root / str(order.pk) / "1", root / str(order.pk) / f".{running.number}-{running.fence}.part"]
    keep += [root / "notes", root / str(order.pk) / "notes"]
    go = [
        root / str(order.pk) / name for name in (f".{running.number}-0.part", ".1-1.part", ".9-1.part", "7")
    ]
    go += [root / "999999" / "1"]
    for folder in keep + go:
        folder.mkdir(parents=True, exist_ok=True)
    assert sorted(retention.remove_orphans()) == sorted(str(one.relative_to(storage)) for one in go)
    assert all(folder.exists() for folder in keep) and not any(folder.exists() for folder in go)


def test_files_of_a_removal_that_broke_off_go_too(removed):
    removed.path.mkdir(parents=True)
    (removed.path / "area.mosaic.tif").write_bytes(b"x")
    look(removed)
    assert not removed.path.exists()


def test_the_sweep_looks_now_and_then(alps, queues, django_capture_on_commit_callbacks, storage):
    shutil.rmtree(storage / "deliveries", ignore_errors=True)
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            sweep()
    assert queues["cpu"].job_ids.count("deliveries-retention") == 1
    retention.run_retention()
