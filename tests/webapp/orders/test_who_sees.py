"""Every address of orders, every role: what each gets, and that a stranger cannot tell an order from none."""

import re

import pytest
from django.urls import URLPattern, get_resolver
from shapely.geometry import box

from tests.webapp.products import WEST
from webapp.accounts.models import Organisation
from webapp.campaigns.models import Build, Campaign, Revision
from webapp.orders.downloads import address_of
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Delivery, Order
from webapp.orders.services import Area, place, polygons

pytestmark = pytest.mark.django_db

ROLES = ("nobody", "owner", "member", "other", "roleless", "reviewer", "operator")
EVERYBODY_KNOWN = (401, 200, 200, 200, 200, 200, 200)
BY_ORDER = (401, 200, 200, 404, 404, 200, 200)
BY_PAGE = (302, 200, 200, 404, 404, 200, 200)
SIGNED = (200,) * 7
BAD = {"layers": ["mosaic"], "projection": "moon"}

# Route: (method, body, status of each of ROLES); a body that is no use is 400 for those who may.
MATRIX = {
    "orders/": [("get", None, (302, 200, 200, 200, 200, 200, 200))],
    "orders/new/": [("get", None, SIGNED)],
    "orders/<int:pk>/": [("get", None, BY_PAGE), ("post", BAD, (302, 400, 400, 404, 404, 400, 400))],
    "orders/<int:pk>/deliveries/<int:number>/again/": [
        ("post", {}, (302, 302, 302, 404, 404, 403, 302)),
    ],
    "deliveries/<str:token>/all.zip": [("get", None, SIGNED)],
    "deliveries/<str:token>/<str:name>": [("get", None, SIGNED)],
    "api/orders/": [("get", None, EVERYBODY_KNOWN), ("post", {}, (401, 400, 400, 400, 403, 403, 400))],
    "api/orders/estimate/": [("post", {}, (400,) * 7)],
    "api/orders/quota/": [("get", None, (401, 200, 200, 200, 204, 204, 204))],
    "api/orders/<pk>/": [("get", None, BY_ORDER)],
    "api/orders/<pk>/tiles/": [("get", None, BY_ORDER)],
    "api/orders/<pk>/cancel/": [("post", {}, (401, 400, 400, 404, 403, 403, 400))],
    "api/orders/<pk>/deliveries/": [
        ("get", None, BY_ORDER),
        ("post", BAD, (401, 400, 400, 404, 404, 403, 400)),
    ],
    "api/orders/<pk>/deliveries/<number>/again/": [("post", {}, (401, 400, 400, 404, 403, 403, 400))],
    "api/areas/": [("post", {}, (401, 400, 400, 400, 400, 400, 400))],
    "api/places/": [("get", None, (401, 400, 400, 400, 400, 400, 400))],
}


def routes():
    """Every route that orders, deliveries or areas have, as written, with API parameters as <name>."""

    def walk(patterns, before=""):
        for one in patterns:
            text = before + str(one.pattern)
            if isinstance(one, URLPattern):
                yield text, one.callback
            else:
                yield from walk(one.url_patterns, text)

    for text, view in walk(get_resolver().url_patterns):
        plain = (
            re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", text).replace("^", "").replace("$", "").replace("\\Z", "")
        )
        module = getattr(view, "cls", getattr(view, "view_class", view)).__module__
        if module.startswith("webapp.orders") or re.match(r"(api/)?(orders|deliveries|areas|places)/", plain):
            yield plain


def test_every_address_of_orders_is_in_the_matrix():
    assert set(routes()) == set(MATRIX)


@pytest.fixture
def cast(person):
    """The roles by name: owner and member belong to one organisation, the other customer to another."""
    alpine = Organisation.objects.create(name="Alpine", slug="alpine")
    nordic = Organisation.objects.create(name="Nordic", slug="nordic", quota_orders=9)
    people = {
        "nobody": None,
        "owner": person("owner", "customer"),
        "member": person("member", "customer"),
        "other": person("other", "customer"),
        "roleless": person("roleless"),
        "reviewer": person("reviewer", "reviewer"),
        "operator": person("operator", "operator"),
    }
    for name, organisation in (("owner", alpine), ("member", alpine), ("other", nordic)):
        people[name].organisation = organisation
        people[name].save()
    return people


@pytest.fixture
def order(alps, cast):
    Revision.objects.update(review_status="approved")
    return place(cast["owner"], alps, Area.of_outline(polygons(box(15.2, 45.3, 15.6, 45.6))))


@pytest.fixture
def delivery(order, cast, as_):
    assert as_(cast["owner"]).post(f"/api/orders/{order.pk}/deliveries/", {}).status_code == 201
    run_delivery(order.deliveries.get().pk)
    return Delivery.objects.get()


def address(route, order, delivery):
    if route.startswith("deliveries/"):
        return address_of(delivery, "LICENCE.txt" if "name" in route else None)
    route = re.sub(r"<(int:)?number>", "1", route)
    return "/" + re.sub(r"<(int:)?pk>", str(getattr(order, "pk", order)), route)


def send(client, method, path, body):
    form = {"format": "multipart"} if method == "post" and not path.startswith("/api/") else {}
    return getattr(client, method)(path, body, **form) if body is not None else getattr(client, method)(path)


CASES = [
    (route, method, body, role, status)
    for route, rows in MATRIX.items()
    for method, body, statuses in rows
    for role, status in zip(ROLES, statuses, strict=True)
]


@pytest.mark.parametrize("route", MATRIX)
def test_each_role_gets_what_it_may(as_, cast, order, delivery, route):
    found, wanted = {}, {}
    for route_, method, body, role, status in CASES:
        if route_ == route:
            wanted[method, role] = status
            answer = send(as_(cast[role]), method, address(route, order, delivery), body)
            found[method, role] = answer.status_code
    assert found == wanted


@pytest.mark.parametrize("route", [route for route in MATRIX if "pk" in route])
@pytest.mark.parametrize("role", ["nobody", "other", "roleless"])
def test_a_stranger_cannot_tell_an_order_from_none(as_, cast, order, route, role):
    absent = order.pk + 1000
    for method, body, _ in MATRIX[route]:
        answers = []
        for key in (order.pk, absent):
            answer = send(as_(cast[role]), method, address(route, key, None), body)
            told = answer.content.decode() + answer.headers.get("Location", "")
            answers.append((answer.status_code, told.replace(f"orders/{key}/", "orders/N/")))
        assert answers[0] == answers[1]


def test_lists_hold_what_each_may_see(as_, cast, order, alps):
    mine = place(cast["other"], alps, Area.of_tiles([WEST]))
    seen = {
        name: [one["id"] for one in as_(person).get("/api/orders/").json()["results"]]
        for name, person in cast.items()
        if person
    }
    every = [mine.pk, order.pk]
    assert seen == {
        "owner": [order.pk],
        "member": [order.pk],
        "other": [mine.pk],
        "roleless": [],
        "reviewer": every,
        "operator": every,
    }


def test_an_order_stays_with_the_organisation_of_a_customer_who_leaves(as_, cast, order, person):
    owner, successor = cast["owner"], person("successor", "customer")
    successor.organisation, owner.organisation = owner.organisation, None
    successor.save()
    owner.save()
    assert as_(owner).get(f"/api/orders/{order.pk}/").status_code == 404
    assert as_(successor).get(f"/api/orders/{order.pk}/").status_code == 200
    assert as_(cast["member"]).get(f"/api/orders/{order.pk}/").json()["organisation"] == "Alpine"


def test_orders_of_before_are_not_brought_into_an_organisation(as_, cast, alps, customer):
    own = place(customer, alps, Area.of_tiles([WEST]))
    customer.organisation = cast["owner"].organisation
    customer.save()
    assert as_(cast["member"]).get(f"/api/orders/{own.pk}/").status_code == 404
    assert as_(customer).get(f"/api/orders/{own.pk}/").status_code == 200


def test_a_member_acts_on_the_orders_of_the_organisation(as_, cast, order, alps):
    member = as_(cast["member"])
    assert member.post(f"/api/orders/{order.pk}/deliveries/", {}).status_code == 201
    open_ = place(cast["owner"], alps, Area.of_tiles(["31UDQ"]))
    assert member.post(f"/api/orders/{open_.pk}/cancel/").json()["status"] == "cancelled"


def test_what_hangs_on_an_order_follows_it(as_, cast, secret):
    """Campaign, tiles, builds, revisions and editions of a private campaign, by way of an order on it."""
    from webapp.campaigns.models import Edition
    from webapp.keys import admission
    from webapp.keys.models import MapKey

    Order.objects.all().delete()
    Edition.publish(secret)
    owner, member, other = (cast[name] for name in ("owner", "member", "other"))
    build, revision = Build.objects.get(), Revision.objects.get()
    addresses = [
        "/api/campaigns/secret/",
        "/api/campaigns/secret/tiles/",
        f"/api/campaigns/secret/tiles/{WEST}/",
        "/api/campaigns/secret/editions/",
        f"/api/builds/{build.pk}/",
        f"/api/revisions/{revision.pk}/",
        "/tiles/secret/1/rgb/tilejson.json",
        "/use/secret/1/",
        "/stac/collections/secret.1",
    ]
    _, token = MapKey.make(member, "map")
    before = {path: as_(member).get(path).status_code for path in addresses}
    assert set(before.values()) == {404}, before
    place(owner, secret, Area.of_tiles([WEST]))
    for person, status in ((owner, 200), (member, 200), (other, 404), (None, 404)):
        found = {path: as_(person).get(path).status_code for path in addresses}
        if person is None:
            # Work is shown to nobody who has not signed in, and says so the same way everywhere.
            assert set(found.values()) <= {401, 404}, found
        else:
            assert set(found.values()) == {status}, (person, found)
    keyed = [f"{path}?key={token}" for path in addresses if path.startswith(("/tiles/", "/stac/"))]
    admission.forget()
    assert len(keyed) == 2 and {as_().get(path).status_code for path in keyed} == {200}
    member.organisation = None
    member.save()
    admission.forget()
    assert {as_().get(path).status_code for path in keyed} == {404}
    assert {as_(member).get(path).status_code for path in addresses} == {404}


def test_a_campaign_made_for_an_order_is_the_organisations(as_, cast, alps):
    Campaign.objects.filter(pk=alps.pk).update(catalog="https://example.org/stac")
    own = {"campaign": "alps", "tiles": [WEST], "start": "2023-07-01"}
    slug = as_(cast["owner"]).post("/api/orders/", own).json()["campaign"]
    assert slug != "alps" and Campaign.objects.get(slug=slug).owner is None
    assert as_(cast["member"]).post("/api/orders/", own).json()["campaign"] == slug
    assert as_(cast["other"]).get(f"/api/campaigns/{slug}/").status_code == 404
    owner = cast["owner"]
    owner.organisation = None
    owner.save()
    assert as_(owner).get(f"/api/campaigns/{slug}/").status_code == 404
