import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from shapely.geometry import box, mapping

from tests.webapp.products import EAST, WEST, make_campaign
from webapp.accounts.models import Organisation, User
from webapp.campaigns.models import Campaign
from webapp.orders import services
from webapp.orders.models import Order
from webapp.orders.quotas import Quota, QuotaError, month_of
from webapp.orders.services import Area, place, polygons

AOI = polygons(box(15.2, 45.3, 15.6, 45.6))
SPECK = polygons(box(15.2, 45.3, 15.2001, 45.3001))
ORDERS = "/api/orders/"


@pytest.fixture
def office(db):
    return Organisation.objects.create(name="Alpine Office", slug="alpine-office")


@pytest.fixture
def member(person, office):
    made = person("member", "customer")
    made.organisation = office
    made.save()
    return made


def limit(office, **quota):
    Organisation.objects.filter(pk=office.pk).update(**quota)
    office.refresh_from_db()


def used(office):
    found = Quota.of(office)
    return found.used_km2, found.used_orders


def test_a_month_begins_and_ends_at_midnight_utc():
    zone = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    assert month_of(zone) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert month_of(zone + timedelta(minutes=1))[0] == datetime(2027, 1, 1, tzinfo=UTC)
    leap = month_of(datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert (leap[1] - leap[0]).days == 29


@pytest.mark.parametrize(("quota", "what"), [({"quota_orders": 1}, "orders"), ({"quota_km2": 1500}, "km²")])
def test_what_is_beyond_the_quota_is_refused_with_a_sentence(as_, alps, member, office, quota, what):
    limit(office, **quota)
    asked = {"campaign": "alps", "aoi": mapping(AOI)}
    first = as_(member).post(ORDERS, asked)
    assert first.status_code == 201 and first.json()["organisation"] == "Alpine Office"
    answer = as_(member).post(ORDERS, asked)
    error = answer.json()["error"]
    assert answer.status_code == 409 and error["code"] == "quota" and error["field"] == "quota"
    renews = month_of(timezone.now())[1]
    assert what in error["message"] and f"renews on {renews:%Y-%m-%d} at 00:00 UTC." in error["message"]
    km2 = first.json()["estimate"]["area_km2"]
    told = "1 of its 1 orders" if what == "orders" else f"{km2:,.1f} of its 1,500.0 km²"
    assert told in error["message"] and Order.objects.count() == 1


def test_a_campaign_that_was_made_for_a_refused_order_goes_with_it(as_, alps, member, office):
    Campaign.objects.filter(pk=alps.pk).update(catalog="https://example.org/stac")
    limit(office, quota_orders=0)
    own = {"campaign": "alps", "aoi": mapping(AOI), "start": "2023-07-01"}
    assert as_(member).post(ORDERS, own).status_code == 409
    assert Campaign.objects.get() == alps and not alps.tiles.exclude(tile_id=WEST).exists()


def test_the_last_km2_can_be_taken_to_the_full(alps, member, office):
    km2 = services.estimate(Area.of_outline(AOI), alps)["area_km2"]
    limit(office, quota_km2=2 * km2)
    place(member, alps, Area.of_outline(AOI))
    place(member, alps, Area.of_outline(AOI))
    assert used(office) == (pytest.approx(2 * km2), 2)
    with pytest.raises(QuotaError):
        place(member, alps, Area.of_outline(SPECK))


def test_areas_too_small_to_be_written_are_not_free(alps, member, office):
    place(member, alps, Area.of_outline(SPECK))
    assert used(office) == (0.1, 1)


def test_quotas_are_those_of_the_organisation_not_of_others(alps, member, office, customer, operator):
    limit(office, quota_orders=1)
    place(member, alps, Area.of_tiles([WEST]))
    place(customer, alps, Area.of_tiles([WEST]))
    operator.organisation = Organisation.objects.create(name="Other", slug="other", quota_orders=1)
    operator.save()
    place(operator, alps, Area.of_tiles([WEST]))
    assert used(office)[1] == 1
    with pytest.raises(QuotaError, match="Alpine Office has placed 1 of its 1 orders"):
        place(member, alps, Area.of_tiles([WEST]))


def test_another_month_begins_anew(alps, member, office):
    limit(office, quota_orders=1)
    order = place(member, alps, Area.of_tiles([WEST]))
    first, _ = month_of(timezone.now())
    Order.objects.filter(pk=order.pk).update(created_at=first - timedelta(microseconds=1))
    place(member, alps, Area.of_tiles([WEST]))
    Order.objects.filter(pk=order.pk).update(created_at=first)
    assert used(office)[1] == 2


def test_who_has_left_uses_the_quota_no_more(alps, member, office):
    limit(office, quota_orders=1)
    place(member, alps, Area.of_tiles([WEST]))
    # The object in hand still says otherwise; what counts is what the database says.
    User.objects.filter(pk=member.pk).update(organisation=None)
    assert place(member, alps, Area.of_tiles([WEST])).organisation is None


def test_what_cancelled_and_failed_orders_count(alps, member, office):
    kept = place(member, alps, Area.of_outline(AOI))
    cancelled = place(member, alps, Area.of_tiles([EAST]))
    cancelled.cancel(member)
    assert used(office) == (kept.estimate["area_km2"], 2)
    failed = place(member, alps, Area.of_tiles(["31UDQ"]))
    before = used(office)
    failed.move("failed", "broken")
    assert used(office) == (kept.estimate["area_km2"], 2) and before[1] == 3
    failed.resume("tried again")
    assert used(office) == before
    Order.objects.filter(pk=failed.pk).update(status="failed", taken_km2=12.5)
    assert used(office) == (pytest.approx(kept.estimate["area_km2"] + 12.5), 3)


def test_the_quote_says_what_is_left(as_, alps, member, customer, office):
    asked = {"campaign": "alps", "aoi": mapping(AOI)}
    assert as_(customer).post(f"{ORDERS}estimate/", asked).json()["quota"] is None
    assert as_().post(f"{ORDERS}estimate/", asked).json()["quota"] is None
    limit(office, quota_km2=1500)
    quota = as_(member).post(f"{ORDERS}estimate/", asked).json()["quota"]
    assert quota["km2"] == {"used": 0, "limit": 1500, "left": 1500} and quota["problem"] == ""
    assert quota["orders"] == {"used": 0, "limit": None, "left": None}
    km2 = as_(member).post(ORDERS, asked).json()["estimate"]["area_km2"]
    quota = as_(member).post("/api/areas/", {"bbox": "15.2,45.3,15.6,45.6"}).json()["quote"]["quota"]
    assert quota["km2"]["left"] == pytest.approx(1500 - km2) and "has used" in quota["problem"]
    alone = as_(member).get(f"{ORDERS}quota/").json()
    assert alone["orders"]["used"] == 1 and alone["organisation"] == "Alpine Office"
    assert as_(customer).get(f"{ORDERS}quota/").status_code == 204


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("quota", [{"quota_orders": 1}, {"quota_km2": 1500}])
def test_two_at_once_cannot_both_take_what_is_left(storage, queues, person, monkeypatch, quota):
    """Each order is placed on a connection of its own, and both stand before the lock at the same moment."""
    campaign = make_campaign()
    office = Organisation.objects.create(name="Alpine Office", slug="alpine-office", **quota)
    people = [person(name, "customer") for name in ("one", "two")]
    User.objects.update(organisation=office)
    both_here = threading.Barrier(2, timeout=20)
    take = services.take

    def take_together(customer, km2):
        both_here.wait()
        return take(customer, km2)

    monkeypatch.setattr(services, "take", take_together)
    found = []

    def order(customer):
        try:
            found.append(place(User.objects.get(pk=customer.pk), campaign, Area.of_outline(AOI)))
        except QuotaError as error:
            found.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=order, args=(one,)) for one in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(type(one).__name__ for one in found) == ["Order", "QuotaError"]
    assert Order.objects.filter(organisation=office).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_is_second_waits_for_the_first_to_end(storage, queues, person):
    """The lock is held until the transaction ends: without it the second would see no order and pass."""
    from django.db import transaction

    campaign = make_campaign()
    office = Organisation.objects.create(name="Alpine Office", slug="alpine-office", quota_orders=1)
    customer = person("one", "customer")
    User.objects.update(organisation=office)
    customer.refresh_from_db()
    found, done = [], threading.Event()

    def order():
        try:
            found.append(place(User.objects.get(pk=customer.pk), campaign, Area.of_outline(AOI)))
        except QuotaError as error:
            found.append(error)
        finally:
            connections.close_all()
            done.set()

    with transaction.atomic():
        place(customer, campaign, Area.of_outline(AOI))
        thread = threading.Thread(target=order)
        thread.start()
        assert not done.wait(1.0)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'"
            )
            assert cursor.fetchone()[0] == 1
    thread.join(30)
    assert [type(one) for one in found] == [QuotaError]
