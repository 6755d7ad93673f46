"""All migrations with data in the tables: from the first release's schema to today's, back, and forward."""

import hashlib
import json
from types import MappingProxyType

import pytest
import shapely
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pipeline.grid import Tile
from tests.webapp.one_of_each import PRIVATE, make_world
from tests.webapp.products import WEST
from tests.webapp.schemas import SETTINGS_OF_THEN, migrate
from webapp.campaigns.models import (
    Build,
    Campaign,
    CampaignTile,
    Edition,
    Override,
    Revision,
    fingerprint,
)
from webapp.orders.models import Delivery, Order
from webapp.review.answers import Drawing
from webapp.review.models import Review
from webapp.review.services import Wish, give

FIRST = [
    ("keys", None), ("notices", None), ("review", "0001_initial"), ("orders", "0001_initial"),
    ("campaigns", "0001_initial"), ("accounts", "0001_initial"),
]  # fmt: skip
MODELS = {
    "accounts": ("User",),
    "campaigns": (
        "GridTile", "Campaign", "CampaignTile", "Build", "Scene", "Revision", "RevisionInput", "Edition",
        "EditionTile", "Override", "Event",
    ),
    "orders": ("Order",),
    "review": ("Review",),
}  # fmt: skip
MODEL_NAMES = {name for names in MODELS.values() for name in names}
AOI = "MULTIPOLYGON(((15.2 45.3,15.6 45.3,15.6 45.6,15.2 45.6,15.2 45.3)))"


def today():
    return migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())


@pytest.fixture
def back(transactional_db, storage, queues):
    """Goes to the first release's schema and gives its models; today's is there again afterwards."""
    yield lambda: migrate(FIRST)
    today()


def rows(apps):
    """Every row of the first release's tables, by model, with the tables between them."""
    found = {}
    for app, names in MODELS.items():
        for name in names:
            model = apps.get_model(app, name)
            fields = [field.attname for field in model._meta.concrete_fields]
            found[name] = {row.pk: {key: getattr(row, key) for key in fields} for row in model.objects.all()}
            for many in model._meta.local_many_to_many:
                through = many.remote_field.through
                if through._meta.auto_created:
                    pairs = through.objects.values_list(many.m2m_column_name(), many.m2m_reverse_name())
                    found[f"{name}.{many.name}"] = set(pairs)
    return found


def fill(apps):
    """A campaign of the first release: published, ordered, reviewed; a tile has failed, one is at work."""
    campaigns, get = "campaigns", apps.get_model
    person = get("accounts", "User").objects.create(username="first", email="first@example.org")
    content = json.dumps(["/", SETTINGS_OF_THEN], sort_keys=True)
    campaign = get(campaigns, "Campaign").objects.create(
        slug="first", name="First", catalog="/", settings=SETTINGS_OF_THEN, owner=person,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
    )  # fmt: skip
    for grid in map(Tile.parse, (WEST, "33TXL", "33TWM")):
        get(campaigns, "GridTile").objects.create(
            name=grid.name, zone=grid.zone, epsg=grid.epsg, footprint=grid.footprint.wkt
        )
    tile, failed, at_work = (
        get(campaigns, "CampaignTile").objects.create(campaign=campaign, tile_id=name, status=status)
        for name, status in ((WEST, "wanted"), ("33TXL", "failed"), ("33TWM", "building"))
    )
    override = get(campaigns, "Override").objects.create(
        campaign_tile=tile, kind="scene_out", content={"scene": "S2A_1"}, by=person
    )
    build = get(campaigns, "Build").objects.create(
        campaign_tile=tile, number=1, stage="done", status="done", folder="first/33TWL/builds/1",
        overrides={"scenes_out": ["S2A_1"]}, report={"coverage": 0.99},
    )  # fmt: skip
    for row, status, stage in ((failed, "failed", "fetch"), (at_work, "running", "classify")):
        get(campaigns, "Build").objects.create(
            campaign_tile=row, number=1, stage=stage, status=status, error="No." if row == failed else "",
            folder=f"first/{row.tile_id}/builds/1",
        )  # fmt: skip
    get(campaigns, "Scene").objects.create(
        build=build, scene_id="S2B_2", datetime="2023-08-10T10:00:00Z", chosen=True, rank=1, cloud_cover=3.5
    )
    revision = get(campaigns, "Revision").objects.create(
        campaign_tile=tile, build=build, number=1, status="current", folder="first/33TWL/revisions/1",
        review_status="rejected", inputs_hash="0" * 64,
    )  # fmt: skip
    get(campaigns, "RevisionInput").objects.create(revision=revision, build=build)
    tile.status, tile.current_build, tile.current_revision = "composite", build, revision
    tile.save()
    edition = get(campaigns, "Edition").objects.create(campaign=campaign, number=1, published_by=person)
    get(campaigns, "EditionTile").objects.create(edition=edition, tile_id=WEST, revision=revision)
    get(campaigns, "Event").objects.create(
        subject="tile", subject_id=tile.pk, campaign=campaign, tile_name=WEST, after="composite", by=person
    )
    order = get("orders", "Order").objects.create(
        customer=person, campaign=campaign, aoi=AOI, status="ready", estimate={"area_km2": 1.5}
    )
    order.tiles.add(tile, failed)
    get("review", "Review").objects.create(
        revision=revision, reviewer=person, verdict="reject", reason="cloud", words="Look.",
        override=override, successor=build,
    )  # fmt: skip


def check(owner="first"):
    """What the first release's campaign is to today's models."""
    campaign = Campaign.objects.get(slug="first")
    assert campaign.owner.username == owner and campaign.pipeline_settings.max_cloud == 60
    campaign.full_clean(exclude=["catalog"])
    assert sorted(campaign.tiles.values_list("tile_id", "status")) == [
        ("33TWL", "composite"), ("33TWM", "building"), ("33TXL", "failed"),
    ]  # fmt: skip
    (edition,) = campaign.editions.all()
    assert edition.bounds and edition.tiles.get().revision == Revision.objects.get()
    assert campaign.chips.exists()
    override = Override.objects.get()
    assert (override.kind, override.content) == ("exclude", {"scene": "S2A_1"})
    review = Review.objects.get()
    assert list(review.overrides.all()) == [override] and review.successor == Build.objects.get(status="done")
    order = Order.objects.get()
    assert order.organisation is None and order.tiles.count() == 2
    assert Order.objects.visible_to(campaign.owner).get() == order
    assert Build.objects.get(status="failed").error == "No."
    assert CampaignTile.objects.get(tile_id=WEST).current_build.scenes.get().rank == 1


def test_a_database_of_the_first_release_becomes_one_of_today_and_back(back):
    apps = back()
    fill(apps)
    before = rows(apps)
    assert all(before[name] for names in MODELS.values() for name in names)
    today()
    check()
    apps = back()
    after = rows(apps)
    assert differences(before, after) == {}
    today()
    check()


def differences(before, after, fields=MappingProxyType({})):
    """What is not as it was: by model, key and field, with both values; of some models these fields alone."""
    found = {}
    for name, old in before.items():
        if isinstance(old, set):
            if old != after[name]:
                found[name] = (old, after[name])
            continue
        for key in old.keys() | after[name].keys():
            one, other = old.get(key), after[name].get(key)
            if one is None or other is None:
                found[name, key] = (one, other)
            else:
                changed = {k: (one[k], other[k]) for k in fields.get(name, one) if one[k] != other[k]}
                found |= {(name, key): changed} if changed else {}
    return found


@pytest.fixture
def full(transactional_db, storage, queues, settings):
    """Today's database with one of each, and what a release of before does not know."""
    settings.SECOND_OPINION_SHARE = 1.0
    world = make_world()
    tile = CampaignTile.objects.get(campaign__slug=PRIVATE)
    reviewer = world.people["reviewer"]
    Revision.objects.filter(pk=tile.current_revision_id).update(review_status="unreviewed")
    Review.objects.filter(revision=tile.current_revision_id).delete()
    scenes = list(tile.current_build.scenes.values_list("scene_id", flat=True))
    square = shapely.multipolygons([shapely.box(15.3, 45.5, 15.35, 45.55)])
    wishes = [Wish("exclude", {"scene": scenes[0]}), Wish("force", {"scene": scenes[1]})]
    drawn = [Drawing("classes", square, 3, "Wood."), Drawing("cloud", square)]
    give(reviewer, tile.current_revision, "reject", "classes", "Twice.", wishes, drawn)
    Build.objects.filter(campaign_tile=tile, status="waiting").update(stage="fill")
    public = CampaignTile.objects.exclude(pk=tile.pk).first()
    revision = public.revisions.order_by("number").last()
    Review.objects.create(revision=revision, reviewer=reviewer, verdict="reject", reason="haze")
    Build.objects.create(campaign_tile=public, number=9, stage="agree", folder="x/33TWL/builds/9")
    Delivery.objects.filter(order__campaign__slug=PRIVATE).update(status="removed")
    return world


def versions_alone(campaign):
    """A row of a campaign whose pins of networks have lost their hashes, as they do on the way back."""
    pins = {name: pin.partition("@")[0] for name, pin in campaign["settings"]["networks"].items()}
    return campaign | {"settings": campaign["settings"] | {"networks": pins}, "fingerprint": None}


def test_a_full_database_of_today_goes_back_and_forward(full, back):
    before = rows(today())
    kinds = set(Override.objects.values_list("kind", flat=True))
    assert kinds == {"exclude", "force", "mask", "classes"}
    apps = back()
    then = rows(apps)
    kept = ("User", "GridTile", "CampaignTile", "Scene", "Revision", "Edition", "EditionTile", "Order")
    assert [name for name in kept if then[name].keys() != before[name].keys()] == []
    assert {one["kind"] for one in then["Override"].values()} == {"scene_out"}
    assert {one["stage"] for one in then["Build"].values()} == {"done", "compose", "scene_list"}
    asked = [one["revision_id"] for one in then["Review"].values()]
    assert sorted(asked) == sorted({one["revision_id"] for one in before["Review"].values()})
    after = rows(today())
    known = {name: table for name, table in before.items() if name in kept} | {
        "Campaign": {key: versions_alone(row) for key, row in before["Campaign"].items()},
        "Order.tiles": before["Order.tiles"],
    }
    after["Campaign"] = {key: versions_alone(row) for key, row in after["Campaign"].items()}
    fields = {name: next(iter(table.values())) for name, table in then.items() if name in MODEL_NAMES}
    assert differences(known, after, fields) == {}, "of what the first release knows"
    campaign = Campaign.objects.get(slug=PRIVATE)
    campaign.networks.check()
    assert campaign.fingerprint == fingerprint(campaign.catalog, campaign.pipeline_settings)
    assert all(edition.bounds for edition in Edition.objects.all())
