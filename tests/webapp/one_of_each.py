"""One of each thing that has an address, in a private and a public campaign, and everybody who may ask."""

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import override_settings
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient
from shapely.geometry import box

from pipeline.delivery.options import DeliveryOptions
from pipeline.grid import Tile
from pipeline.product_item import write_item
from pipeline.storage import write_bytes
from tests.webapp import products
from webapp.accounts.models import Organisation, User
from webapp.campaigns import comparison
from webapp.campaigns.models import Edition, Revision
from webapp.keys.models import MapKey
from webapp.notices.models import Endpoint
from webapp.notices.outbox import write, write_test
from webapp.orders.downloads import address_of
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Delivery
from webapp.orders.services import Area, place, polygons
from webapp.review import queue, sample
from webapp.review.models import QueueEntry
from webapp.review.services import give
from webapp.tileserver.jobs import packed_path

PRIVATE, PUBLIC = "zz-private", "zz-public"
ABSENT = "zz-absent"
ITEM = f"{products.WEST}_20230801_20230831"
PEOPLE = ("owner", "colleague", "other", "roleless", "reviewer", "operator")
KEYS = ("own_key", "key_elsewhere", "others_key")
VIEWERS = ("nobody", *PEOPLE, *KEYS)
# Those to whom the private campaign is another organisation's; the others' key is the other customer's.
STRANGERS = ("nobody", "other", "roleless", "others_key")
# What is the private campaign's or its owner's alone.
MARKS = (PRIVATE, "Zz-Private", "zz-owner", "zz-colleague", "Zz Alpine")
SLUG_OF_ROLE = {"owner": "customer", "colleague": "customer", "other": "customer"}


@dataclass
class Things:
    """What one campaign has, by the names that addresses have for it.

    Attributes:
        words: for `<name>` in a route.
        keys: for `<pk>`, by the part of the route before it.
    """

    words: dict[str, object] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)


@dataclass
class World:
    """All there is.

    Attributes:
        people: by their part, without nobody.
        clients: by viewer.
        tokens: keys of maps, by viewer.
        private: things of a campaign that an order of Alpine's has made visible to its members.
        public: things of a public campaign with an order of the other customer's.
        absent: names and numbers of nothing.
    """

    people: dict[str, User]
    clients: dict[str, APIClient]
    tokens: dict[str, str]
    private: Things
    public: Things
    absent: Things


@contextmanager
def world_in(folder):
    """Everything, in a transaction that is taken back at the end, with its files in a folder."""
    changed = {
        "STORAGE_ROOT": folder / "storage",
        "SECOND_OPINION_SHARE": 1.0,
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    }
    with override_settings(**changed), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)


@contextmanager
def taken_back():
    """What the block changes in the database is taken back at its end."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_person(name, organisation=None):
    """A person of the role of that name, customers by their part in the cast."""
    role = SLUG_OF_ROLE.get(name, name)
    made = User.objects.create_user(
        f"zz-{name}", email=f"{name}@example.org", password="pass", organisation=organisation
    )
    if role != "roleless":
        made.groups.add(Group.objects.get_or_create(name=role)[0])
    return made


def make_world():
    """Everything; the storage must be a folder of the test's own."""
    alpine = Organisation.objects.create(name="Zz Alpine", slug="zz-alpine")
    nordic = Organisation.objects.create(name="Zz Nordic", slug="zz-nordic")
    homes = {"owner": alpine, "colleague": alpine, "other": nordic}
    people = {name: make_person(name, homes.get(name)) for name in PEOPLE}
    private, public, absent = (
        make_things(slug, customer, people)
        for slug, customer in ((PRIVATE, "owner"), (PUBLIC, "other"), (ABSENT, None))
    )
    tokens = {
        name: MapKey.make(people[person], f"of {person}")
        for name, person in zip(KEYS, ("owner", "owner", "other"), strict=True)
    }
    elsewhere = products.make_campaign("elsewhere")
    tokens["key_elsewhere"][0].campaigns.set([elsewhere])
    clients = {name: APIClient() for name in VIEWERS}
    for name, person in people.items():
        clients[name].force_login(person)
    return World(
        people, clients, {name: token for name, (_, token) in tokens.items()}, private, public, absent
    )


def make_things(slug, customer, people):
    """A campaign with one of each, ordered by a customer; without one, only the names of nothing."""
    if customer is None:
        return nothing()
    campaign = products.make_campaign(slug, public=slug == PUBLIC)
    row = products.make_tile(campaign, products.WEST)
    campaign.name = "Zz-Private" if slug == PRIVATE else "Zz-Public"
    campaign.save()
    build = products.make_scenes(row)
    products.make_picture(build)
    write_bytes(build.path / "scene_list.json", b'{"scenes": []}')
    first = Edition.publish(campaign)
    order = place(people[customer], campaign, Area.of_outline(polygons(box(15.2, 45.3, 15.6, 45.6))))
    review = give(people["reviewer"], row.current_revision, "approve", words=f"zz words of {slug}")
    queue.ask_second(row.current_revision)
    entry = QueueEntry.objects.get(revision=row.current_revision, kind="second")
    delivery = make_delivery(order, people[customer])
    # The second edition differs from the first.
    products.make_revision(row, values=(160, 130, 90, 200), landcover=2)
    give(people["reviewer"], row.current_revision, "approve")
    second = Edition.publish(campaign)
    comparison.run_count(f"{first.pk}:{second.pk}")
    assessment = sample.begin(campaign, 12, 2, people["operator"], order)
    sample.run_sample(assessment.pk)
    moment = datetime(2023, 8, 15, tzinfo=UTC)
    settings = campaign.pipeline_settings
    for revision in Revision.objects.filter(campaign_tile__campaign=campaign):
        item = write_item(revision.path, Tile.parse(products.WEST), settings, {"coverage": 0.99}, [moment])
        assert item.id == ITEM
    write_bytes(packed_path(first, "rgb", "pmtiles"), b"PMTiles")
    endpoint, _ = Endpoint.make(people[customer], f"https://{slug}.example.org/hook", ["order.ready"])
    (notice,) = write("order.ready", order, mail=False)
    key, _ = MapKey.make(people[customer], f"zz key of {slug}")
    write_test(endpoint)
    keys = {
        "builds": build.pk, "revisions": row.current_revision_id, "orders": order.pk, "keys": key.pk,
        "webhooks": endpoint.pk, "notices": notice.pk, "reviews": review.pk, "queue": entry.pk,
        "assessments": assessment.pk, "accuracy": assessment.pk,
    }  # fmt: skip
    words = {
        "slug": slug, "campaign": slug, "build": build.pk, "scene": build.scenes.first().pk,
        "point": assessment.points.first().pk, "token": address_of(delivery).split("/")[2],
        "collection": f"{slug}.1", "item": ITEM,
    }  # fmt: skip
    return Things(words, keys)


def make_delivery(order, person):
    """The first delivery of an order, ready."""
    delivery = Delivery.begin(order, DeliveryOptions(), person)
    run_delivery(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == "ready", delivery.error
    return delivery


def nothing():
    """Names and numbers that nothing has."""
    names = (
        "builds",
        "revisions",
        "orders",
        "keys",
        "webhooks",
        "notices",
        "reviews",
        "queue",
        "assessments",
    )
    words = {"slug": ABSENT, "campaign": ABSENT, "build": 99_999_999, "scene": 99_999_999}
    words |= {"point": 99_999_999, "token": "no:token", "collection": f"{ABSENT}.1", "item": ITEM}
    return Things(words, dict.fromkeys((*names, "accuracy"), 99_999_999))


def routes():
    """Every route of the web application with its view, as `api/builds/<pk>/`."""

    def walk(patterns, before=""):
        for one in patterns:
            text = before + re.sub(r"<\w+:", "<", str(one.pattern))
            if isinstance(one, URLPattern):
                yield simplify_regex(text).removeprefix("/").replace("\\", ""), one.callback
            else:
                yield from walk(one.url_patterns, text)

    return list(walk(get_resolver().url_patterns))
