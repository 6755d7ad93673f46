"""A database of before, with campaigns, builds and editions in it, becomes one of today."""

import hashlib
import json

import pytest
from django.contrib.gis.geos import GEOSGeometry
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pipeline.grid import Tile
from pipeline.settings import CampaignSettings
from pipeline.tone.curve import default_curve
from tests.webapp.products import SETTINGS, WEST
from tests.webapp.schemas import SETTINGS_OF_THEN, migrate
from webapp.campaigns.models import Build, Campaign, Chip, Edition, GridTile, fingerprint
from webapp.campaigns.rings import names_within
from webapp.orders.services import campaign_of

OLD = ("campaigns", "0002_override_kinds")


@pytest.fixture
def of_before(transactional_db):
    """The models of before; today's tables are there again afterwards."""
    today = MigrationExecutor(connection).loader.graph.leaf_nodes()
    yield migrate([OLD])
    migrate(today)


@pytest.fixture
def filled(of_before, customer):
    """A campaign of before with a build, a revision and a published edition of one tile."""
    get = of_before.get_model
    content = json.dumps(["/", SETTINGS_OF_THEN], sort_keys=True)
    campaign = get("campaigns", "Campaign").objects.create(
        slug="before",
        name="Before",
        catalog="/",
        settings=SETTINGS_OF_THEN,
        fingerprint=hashlib.sha256(content.encode()).hexdigest(),
        owner_id=customer.pk,
    )
    footprint = GEOSGeometry(memoryview(Tile.parse(WEST).footprint.wkb), srid=4326)
    get("campaigns", "GridTile").objects.create(name=WEST, zone=33, epsg=32633, footprint=footprint)
    tile = get("campaigns", "CampaignTile").objects.create(campaign=campaign, tile_id=WEST, status="wanted")
    build = get("campaigns", "Build").objects.create(
        campaign_tile=tile, number=1, stage="done", status="done", folder="before/33TWL/builds/1"
    )
    revision = get("campaigns", "Revision").objects.create(
        campaign_tile=tile, build=build, number=1, status="current", folder="before/33TWL/revisions/1"
    )
    tile.status, tile.current_build, tile.current_revision = "composite", build, revision
    tile.save()
    edition = get("campaigns", "Edition").objects.create(campaign=campaign, number=1)
    get("campaigns", "EditionTile").objects.create(edition=edition, tile=tile.tile, revision=revision)
    return campaign.pk


def test_campaigns_of_before_keep_their_settings_and_can_be_named_anew(filled, customer):
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    campaign = Campaign.objects.get(pk=filled)
    wanted = CampaignSettings.from_json(SETTINGS | {"max_cloud": 60.0})
    assert campaign.pipeline_settings == wanted and wanted.fill_range is None
    assert campaign_of("/", wanted, customer) == campaign
    assert campaign_of("/", CampaignSettings.from_json(SETTINGS), customer) != campaign
    campaign.name = "Called otherwise"
    campaign.save()
    assert Campaign.objects.get(pk=filled).name == "Called otherwise"
    assert Build.objects.get(campaign_tile__campaign=filled).stage == "done"


def test_tiles_of_before_reach_into_chips_and_their_editions_are_measured(filled):
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    chips = Chip.objects.filter(campaign=filled)
    assert chips.filter(z=0).count() == 1 and all(chip.wanted for chip in chips)
    west, south, east, north = Edition.objects.get(campaign=filled).bounds
    tile = GridTile.objects.get(pk=WEST)
    assert tile.footprint.extent == pytest.approx((west, south, east, north))
    assert tile.near == sorted(names_within(WEST, 3))


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"share": 1, "margin": 0, "series": 5, "target_date": "2023-08-10"},
        {"tone": default_curve().to_json(), "networks": {"cloud": "1.0.0"}},
        {"fill_start": "2022-06-01", "fill_end": "2022-08-31", "max_cloud": 80},
    ],
)
def test_fingerprints_are_those_of_today_whichever_settings_were_chosen(transactional_db, asked):
    settings = CampaignSettings.from_json(SETTINGS | asked)
    try:
        rows = migrate([("campaigns", "0005_bounds_of_editions")]).get_model("campaigns", "Campaign").objects
        rows.create(slug="before", name="Before", catalog="/", settings=settings.to_json(), fingerprint="old")
    finally:
        migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    assert Campaign.objects.get(slug="before").fingerprint == fingerprint("/", settings)


@pytest.mark.parametrize(
    ("target", "inside"),
    [("2022-08-15", "2023-08-01"), ("2024-01-01", None), ("2023-08-10", "2023-08-10"), (None, None)],
)
def test_a_target_outside_of_the_range_is_brought_inside(transactional_db, target, inside):
    content = CampaignSettings.from_json(SETTINGS).to_json() | {"target_date": target}
    try:
        state = migrate([("campaigns", "0006_fingerprints_of_choices")])
        rows = state.get_model("campaigns", "Campaign").objects
        rows.create(slug="before", name="Before", catalog="/", settings=content, fingerprint="old")
    finally:
        migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    campaign = Campaign.objects.get(slug="before")
    wanted = CampaignSettings.from_json(SETTINGS | {"target_date": inside})
    assert campaign.pipeline_settings == wanted
    assert campaign.fingerprint == (fingerprint("/", wanted) if target != inside else "old")


def test_the_way_back_counts_all_settings_again(transactional_db):
    settings = CampaignSettings.from_json(SETTINGS)
    campaign = Campaign.objects.create(slug="now", name="Now", catalog="/", settings=settings.to_json())
    try:
        rows = migrate([("campaigns", "0005_bounds_of_editions")]).get_model("campaigns", "Campaign").objects
        content = json.dumps(["/", rows.get(pk=campaign.pk).settings], sort_keys=True)
        known = rows.get(pk=campaign.pk).fingerprint
        assert known == hashlib.sha256(content.encode()).hexdigest() != campaign.fingerprint
    finally:
        migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    again = Campaign.objects.get(pk=campaign.pk)
    assert again.fingerprint == fingerprint("/", again.pipeline_settings)


def test_on_the_way_back_pins_lose_their_hashes_and_stay_pins(transactional_db, storage):
    campaign = Campaign.objects.create(slug="now", name="Now", catalog="/", settings=SETTINGS)
    pins = campaign.settings["networks"]
    try:
        rows = migrate([("campaigns", "0008_lists_that_agree")]).get_model("campaigns", "Campaign")
        before = rows.objects.get(pk=campaign.pk)
        assert before.settings["networks"] == {name: pin.split("@")[0] for name, pin in pins.items()}
    finally:
        migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    again = Campaign.objects.get(pk=campaign.pk)
    assert again.fingerprint == fingerprint("/", again.pipeline_settings) != campaign.fingerprint
    again.networks.check()
    again.save()
    assert again.settings["networks"] == pins
