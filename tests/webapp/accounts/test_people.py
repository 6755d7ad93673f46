import io
import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command

from webapp.accounts import roles
from webapp.accounts.models import User

pytestmark = pytest.mark.django_db


def make_people(*arguments):
    out = io.StringIO()
    call_command("make_people", *arguments, stdout=out)
    return out.getvalue()


def test_a_person_of_each_role_is_made(client):
    made = json.loads(make_people("--json"))
    assert set(made) == {"customer", "reviewer", "operator"} and len(set(made.values())) == 3
    for name, password in made.items():
        assert client.login(username=name, password=password)
        assert name in User.objects.get(username=name).role_names


def test_known_people_keep_their_passwords(client):
    made = dict(line.split() for line in make_people().splitlines())
    assert make_people() == ""
    assert client.login(username="customer", password=made["customer"])
    reset = json.loads(make_people("--json", "--reset"))
    assert reset["customer"] != made["customer"] and User.objects.count() == 3
    assert not client.login(username="customer", password=made["customer"])


@pytest.mark.parametrize(
    ("role", "order", "review", "operate", "everything"),
    [
        ("customer", True, False, False, False),
        ("reviewer", False, True, False, True),
        ("operator", True, True, True, True),
    ],
)
def test_what_a_role_allows(person, role, order, review, operate, everything):
    user = person("somebody", role)
    allowed = (roles.may_order, roles.may_review, roles.may_operate, roles.sees_everything)
    assert [question(user) for question in allowed] == [order, review, operate, everything]


def test_visitors_strangers_and_inactive_people_have_no_role(stranger, person):
    gone = person("gone", "operator")
    gone.is_active = False
    for user in (AnonymousUser(), stranger, gone):
        assert roles.roles_of(user) == frozenset()


def test_a_superuser_has_all_roles():
    assert roles.roles_of(User.objects.create_superuser("root")) == frozenset(roles.ROLES)


def test_signing_in_and_out(client, customer):
    assert client.get("/accounts/login/").status_code == 200
    wrong = client.post("/accounts/login/", {"username": "customer", "password": "wrong"})
    assert wrong.status_code == 200 and "_auth_user_id" not in client.session
    right = client.post("/accounts/login/", {"username": "customer", "password": "pass"})
    assert right.status_code == 302 and right.url == "/"
    assert client.get("/accounts/logout/").status_code == 405
    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_signing_in_leads_to_no_other_server(client, customer):
    form = {"username": "customer", "password": "pass", "next": "https://elsewhere.example/"}
    assert client.post("/accounts/login/", form).url == "/"


ADMIN = (
    "accounts/user campaigns/gridtile campaigns/campaign campaigns/campaigntile campaigns/build "
    "campaigns/revision campaigns/scene campaigns/edition campaigns/editiontile campaigns/override "
    "campaigns/event orders/order review/review"
)


@pytest.mark.parametrize("page", ADMIN.split())
def test_admin_pages_open(client, alps, page):
    client.force_login(User.objects.create_superuser("root"))
    assert client.get(f"/admin/{page}/").status_code == 200


@pytest.mark.parametrize("name", ["campaigntile", "build", "revision", "campaign"])
def test_admin_shows_a_row(client, alps, name):
    from django.apps import apps

    client.force_login(User.objects.create_superuser("root"))
    row = apps.get_model("campaigns", name).objects.first()
    assert client.get(f"/admin/campaigns/{name}/{row.pk}/change/").status_code == 200


def test_admin_is_for_staff(client, customer):
    client.force_login(customer)
    assert client.get("/admin/").status_code == 302
