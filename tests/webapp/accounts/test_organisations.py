import io

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from tests.webapp.products import WEST
from webapp.accounts.models import Organisation, User
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db


def organisation(*arguments):
    out = io.StringIO()
    call_command("organisation", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_an_organisation_is_made_and_changed_by_a_command(customer, colleague):
    told = organisation("Alpine Office", "--km2", "9000", "--add", "customer", "colleague")
    assert told == ["alpine-office", "km2 9000", "orders none", "members colleague customer"]
    told = organisation("Alpine Office", "--orders", "5", "--remove", "colleague")
    assert told == ["alpine-office", "km2 9000", "orders 5", "members customer"]
    assert organisation("Alpine Office", "--km2", "none")[1] == "km2 none"
    assert Organisation.objects.get().quotas == (None, 5)


@pytest.mark.parametrize(
    "arguments", [("--km2", "-1"), ("--km2", "many"), ("--orders", "1.5"), ("--add", "nobody-here")]
)
def test_what_cannot_be_is_refused_and_nothing_is_left(arguments):
    with pytest.raises(CommandError):
        organisation("Alpine Office", *arguments)
    assert not Organisation.objects.exists()


def test_a_quota_below_nothing_is_refused_by_the_database():
    with pytest.raises(IntegrityError), transaction.atomic():
        Organisation.objects.create(name="Alpine", slug="alpine", quota_km2=-1)


def test_an_organisation_with_orders_stays(alps, customer):
    office = Organisation.objects.create(name="Alpine", slug="alpine")
    customer.organisation = office
    customer.save()
    place(customer, alps, Area.of_tiles([WEST]))
    with pytest.raises(ProtectedError):
        office.delete()


def test_people_outlive_their_organisation(customer):
    customer.organisation = Organisation.objects.create(name="Alpine", slug="alpine")
    customer.save()
    Organisation.objects.all().delete()
    customer.refresh_from_db()
    assert customer.organisation is None


def test_operators_keep_organisations_on_the_admin_pages(client, customer):
    client.force_login(User.objects.create_superuser("root"))
    form = {"name": "Alpine", "slug": "alpine", "quota_km2": "5", "quota_orders": ""}
    assert client.post("/admin/accounts/organisation/add/", form).status_code == 302
    made = Organisation.objects.get()
    assert made.quotas == (5, None)
    assert "Alpine" in client.get("/admin/accounts/organisation/").content.decode()
    page = client.get(f"/admin/accounts/user/{customer.pk}/change/").content.decode()
    assert 'name="organisation"' in page
    bad = client.post(
        "/admin/accounts/organisation/add/", form | {"name": "B", "slug": "b", "quota_km2": "-2"}
    )
    assert bad.status_code == 200 and Organisation.objects.count() == 1


def test_who_you_are_names_the_organisation(as_, customer):
    customer.organisation = Organisation.objects.create(name="Alpine", slug="alpine")
    customer.save()
    assert as_(customer).get("/api/me/").json()["organisation"] == "Alpine"


def test_migrations_are_complete():
    call_command("makemigrations", "accounts", check=True, dry_run=True, verbosity=0)
