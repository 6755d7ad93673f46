"""Every address, for everybody who may ask: nothing of another organisation, never a 5xx."""

import copy
import re
from urllib.parse import quote

import morecantile
import pytest
from django.contrib.contenttypes.models import ContentType
from rest_framework.test import APIClient

from pipeline.networks.store import Store
from tests.webapp import products
from tests.webapp.every_address import TABLE
from tests.webapp.one_of_each import KEYS, MARKS, STRANGERS, VIEWERS, routes, taken_back, world_in
from webapp.accounts.models import User
from webapp.campaigns.models import Campaign
from webapp.keys import admission
from webapp.tileserver import addresses

pytestmark = pytest.mark.django_db

ADMIN = "admin/"
METHODS = ("get", "post", "put", "patch", "delete")
PLACE = morecantile.tms.get("WebMercatorQuad").tile(*products.IN_WEST, 9)
SHA256 = Store().shipped("cloud").card.sha256
COMMON = {
    "tile": products.WEST, "edition": 1, "number": 1, "before": 1, "after": 2, "layer": "rgb",
    "kind": "pmtiles", "z": PLACE.z, "x": PLACE.x, "y": PLACE.y, "row": PLACE.y,
    "matrix_set": "WebMercatorQuad", "language": "en", "digest": "none", "sha256": SHA256, "what": "secret",
}  # fmt: skip
# Names that mean another thing in each address.
MEANT = (
    ("stac/collections/<name>", "stac/collections/<collection>"),
    ("items/<key>", "items/<item>"),
    ("accuracy/<key>", "accuracy/<pk>"),
    ("products/<tile>/<name>", "products/<tile>/mosaic.tif"),
    ("<z>/<x>/<name>", "<z>/<x>/<y>.png"),
    ("<z>/<row>/<name>", "<z>/<row>/<x>.png"),
    ("models/<name>", "models/cloud"),
    ("<token>/<name>", "<token>/LICENCE.txt"),
    ("<before>-<after>/<layer>", "<before>-<after>/classes-after"),
)
QUERIES = {
    "/point": "lon=15.3&lat=45.7",
    "/pixel/": "lon=15.3&lat=45.7",
    "/wmts/": "service=WMTS&request=GetCapabilities",
    "<slug>/editions/": "before=1&after=2",
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """One of each thing, made once; each request's changes are taken back by `ask`."""
    with django_db_blocker.unblock(), world_in(tmp_path_factory.mktemp("every-address")) as made:
        yield made


@pytest.fixture(autouse=True)
def at_hand(world, db, queues):
    """The world, and queues of the tests' own."""


def address(route, things):
    """The address of a route in a campaign, with a query where it needs one."""
    for written, meant in MEANT:
        route = route.replace(written, meant)
    query = next((query for end, query in QUERIES.items() if route.endswith(end)), "")
    path = "/" + route
    for before, number in things.keys.items():
        path = path.replace(f"/{before}/<pk>", f"/{before}/{number}")
    for name, value in (COMMON | things.words).items():
        path = path.replace(f"<{name}>", str(value))
    assert "<" not in path, path
    return f"{path}?{query}" if query else path


def ask(world, viewer, method, path, body=None):
    """The answer to a viewer, with its content; what it changed is taken back."""
    addresses.forget_views()
    admission.forget()
    client, cookies = world.clients[viewer], copy.deepcopy(world.clients[viewer].cookies)
    if viewer in world.tokens:
        path += f"{'&' if '?' in path else '?'}key={world.tokens[viewer]}"
    kind = "json" if path.startswith(("/api/", "/stac/")) else "multipart"
    more = {} if method == "get" else {"data": body, "format": kind}
    with taken_back():
        answer = getattr(client, method)(path, **more)
        content = answer.getvalue() if answer.streaming else answer.content
    client.cookies = cookies
    return answer, content


def of_routes(of):
    found = [route for route in TABLE if of(route)]
    return pytest.mark.parametrize("route", found, ids=[route or "/" for route in found])


def takes_keys(route):
    return route.startswith(("tiles/", "stac/"))


def viewers_of(route):
    """Everybody whose answer may differ: where no key is taken, one of them stands for all."""
    return VIEWERS if takes_keys(route) else [one for one in VIEWERS if one not in KEYS[:2]]


def test_every_address_has_an_entry():
    known = [route for route, _ in routes() if not route.startswith(ADMIN)]
    assert sorted(known) == sorted(TABLE)


@of_routes(lambda route: True)
def test_each_viewer_gets_what_it_may(world, route):
    campaigns = {"private": world.private, "public": world.public} if "<" in route else {"": world.private}
    wrong = {}
    for row in TABLE[route]:
        for name, things in campaigns.items():
            wanted = row.statuses(takes_keys(route), name == "public")
            for viewer in viewers_of(route):
                answer, content = ask(world, viewer, row.method, address(route, things), row.body)
                if answer.status_code != wanted[viewer]:
                    wrong[row.method, name, viewer] = (answer.status_code, wanted[viewer])
                if viewer in STRANGERS and "<" not in route:
                    assert not [mark for mark in MARKS if mark in content.decode(errors="replace")]
    assert wrong == {}, "what was answered, what should be"


def names_something_of_a_campaign(route):
    return "<" in route and not route.startswith(("words/", "models/", "deliveries/"))


@of_routes(names_something_of_a_campaign)
def test_a_stranger_cannot_tell_what_is_there_from_nothing(world, route):
    for row in TABLE[route]:
        for viewer in set(STRANGERS) & set(viewers_of(route)):
            told = []
            for things in (world.private, world.absent):
                path = address(route, things)
                answer, content = ask(world, viewer, row.method, path, row.body)
                assert answer.status_code >= 300
                text = content.decode(errors="replace") + answer.headers.get("Location", "")
                told.append((answer.status_code, without_names(text, path, things)))
            assert told[0] == told[1], viewer


def without_names(text, path, things):
    """What is told, but for the address itself and what differs each time."""
    text = re.sub(r'csrfmiddlewaretoken" value="[^"]*"', "", text)
    for name in (quote(path), path, things.words["collection"], things.words["slug"]):
        text = text.replace(name, "…")
    return text


# Django's own page answers PUT as POST.
@of_routes(lambda route: not route.startswith("accounts/"))
def test_other_methods_change_nothing(world, route):
    others = [method for method in METHODS if method not in {row.method for row in TABLE[route]}]
    path = address(route, world.private)
    found = {method: ask(world, "operator", method, path, {})[0].status_code for method in others}
    assert found == dict.fromkeys(others, 405)


def admin_addresses():
    campaigns = ContentType.objects.get_for_model(Campaign).pk
    found = [
        route.replace("<key>", "rq:worker:gone").replace("<content_type_id>", str(campaigns))
        for route, _ in routes()
        if route.startswith(ADMIN)
    ]
    return ["/" + re.sub(r"<[^>]*>", "1", route) for route in found]


@pytest.mark.parametrize("viewer", ["nobody", "owner", "operator"])
def test_the_admin_pages_are_for_staff(world, viewer):
    """Operators are staff only where a person has made them so (`make_people` does)."""
    open_ = {}
    for path in admin_addresses():
        for method in ("get", "post"):
            answer, content = ask(world, viewer, method, path, {})
            if answer.status_code not in (302, 401, 403) and path != "/admin/login/":
                open_[method, path] = (answer.status_code, content)
    assert open_ == {}


def test_no_admin_page_fails_for_staff(world):
    staff = APIClient()
    staff.force_login(User.objects.create_superuser("zz-staff"))
    found = {}
    for path in admin_addresses():
        # django-rq's entry in the menu stands for a table that there is none of; nothing links to its rows.
        if path.startswith("/admin/django_rq/dashboard/1/"):
            continue
        with taken_back():
            found[path] = staff.get(path).status_code
    assert {path: status for path, status in found.items() if status >= 500} == {}
    assert sum(status == 200 for status in found.values()) > 55
