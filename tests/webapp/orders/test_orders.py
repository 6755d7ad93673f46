import pytest

from pipeline.errors import UsageError
from pipeline.settings import CampaignSettings
from tests.webapp.products import EAST, SETTINGS, WEST, make_campaign
from webapp.campaigns.advance import advance
from webapp.campaigns.models import Build, Campaign, Event
from webapp.orders.models import Order
from webapp.orders.services import Area, campaign_of, estimate, place

pytestmark = pytest.mark.django_db

FAR = "31UDQ"


def settings_(**changes):
    return CampaignSettings.from_json(SETTINGS | changes)


def finish(order, **status):
    """Give tiles a status as their builds would, and let the campaign advance."""
    for name, (state, text) in status.items():
        tile = order.campaign.tiles.get(tile_id=name.removeprefix("T"))
        tile.builds.update(status="failed")
        tile.move(state, status_text=text)
    advance(order.campaign)
    order.refresh_from_db()


@pytest.fixture
def campaign(storage, queues):
    return make_campaign()


def test_placing_an_order_begins_its_builds(campaign, customer, queues, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        order = place(customer, campaign, Area.of_tiles([WEST, EAST]))
    assert order.status == "placed" and order.tiles.count() == 2
    assert Build.objects.filter(status="waiting", stage="scene_list").count() == 2
    assert queues["download"].count == 2
    assert Event.objects.filter(subject="order", after="placed", by=customer).count() == 1


def test_one_build_serves_all_orders_of_a_tile(campaign, customer, colleague):
    place(customer, campaign, Area.of_tiles([WEST]))
    place(colleague, campaign, Area.of_tiles([WEST]))
    assert Build.objects.count() == 1


def test_an_order_of_what_is_there_is_ready_at_once(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST]))
    assert order.status == "ready" and order.finished_at and order.progress()["share"] == 1
    assert order.estimate["share_built"] == 1


def test_estimates_count_area_tiles_and_what_is_built(alps):
    figures = estimate(Area.of_tiles([WEST, EAST]), alps)
    assert figures["tiles"] == [WEST, EAST] and figures["share_built"] == 0.5
    assert 2 * 100 * 100 < figures["area_km2"] < 2 * 110 * 110
    assert estimate(Area.of_tiles([WEST]), None)["share_built"] == 0


def test_an_empty_tile_is_told_and_the_order_is_ready(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST, FAR]))
    finish(order, T31UDQ=("empty", "No scene of 31UDQ was found."))
    assert order.status == "ready"
    assert order.status_text == "31UDQ has no scene that serves: No scene of 31UDQ was found."


def test_a_customer_is_not_told_where_the_source_lies(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST, FAR]))
    finish(order, T31UDQ=("empty", f"No scene of 31UDQ was found in {alps.catalog}."))
    assert order.status_text.endswith("No scene of 31UDQ was found in the campaign's source.")


def test_an_order_with_nothing_but_empty_tiles_has_failed(campaign, customer):
    order = place(customer, campaign, Area.of_tiles([WEST]))
    finish(order, T33TWL=("empty", "No scene."))
    assert order.status == "failed" and "No scene." in order.status_text


def test_an_order_with_a_failed_tile_has_failed_when_the_others_are_finished(alps, customer):
    order = place(customer, alps, Area.of_tiles([WEST, FAR, "30UXB"]))
    finish(order, T31UDQ=("failed", "S2A is broken."))
    assert order.status == "placed"
    finish(order, T30UXB=("empty", "No scene."))
    assert order.status == "failed" and "31UDQ failed: S2A is broken." in order.status_text


def test_a_failed_order_opens_again_when_its_tile_is_tried_again(campaign, customer, operator):
    from webapp.campaigns.services import rebuild

    order = place(customer, campaign, Area.of_tiles([WEST]))
    finish(order, T33TWL=("failed", "broken"))
    rebuild(campaign.tiles.get(), operator)
    order.refresh_from_db()
    assert order.status == "running" and order.status_text == ""


def test_cancelling_leaves_tiles_that_others_want(campaign, customer, colleague):
    mine = place(customer, campaign, Area.of_tiles([WEST, EAST]))
    place(colleague, campaign, Area.of_tiles([EAST]))
    mine.cancel(customer)
    assert mine.status == "cancelled"
    states = dict(campaign.tiles.values_list("tile_id", "status"))
    assert states == {WEST: "idle", EAST: "building"}
    assert campaign.tiles.get(tile_id=WEST).builds.get().status == "superseded"
    with pytest.raises(UsageError, match="cannot be cancelled"):
        mine.cancel(customer)


def test_a_tile_that_was_given_up_can_be_ordered_again(campaign, customer):
    place(customer, campaign, Area.of_tiles([WEST])).cancel(customer)
    place(customer, campaign, Area.of_tiles([WEST]))
    assert [build.status for build in Build.objects.order_by("number")] == ["superseded", "waiting"]


def test_equal_settings_share_a_campaign(campaign, customer, tmp_path):
    one = campaign_of(str(tmp_path), settings_(), customer)
    assert campaign_of(str(tmp_path), settings_(), customer) == one
    assert campaign_of(str(tmp_path), settings_(max_cloud=10), customer) != one
    assert campaign_of(str(tmp_path / ".." / tmp_path.name), settings_(), customer) == one


def test_a_private_campaign_is_not_shared_with_others(customer, colleague, tmp_path):
    mine = campaign_of(str(tmp_path), settings_(), customer)
    assert campaign_of(str(tmp_path), settings_(), colleague) != mine
    public = campaign_of(str(tmp_path), settings_(), customer, is_public=True)
    assert public != mine and campaign_of(str(tmp_path), settings_(), colleague, is_public=True) == public


@pytest.mark.parametrize("catalog", ["", "/nowhere/catalog.json"])
def test_a_catalog_that_is_not_there_is_refused(customer, catalog):
    with pytest.raises(UsageError) as caught:
        campaign_of(catalog, settings_(), customer)
    assert caught.value.field == "catalog" and not Campaign.objects.exists()


@pytest.mark.parametrize("names", [[], ["33TWX!"], ["99ZZZ"]])
def test_unknown_tiles_are_refused(names):
    with pytest.raises(UsageError):
        Area.of_tiles(names)


def test_nothing_is_left_of_an_order_that_cannot_be_placed(campaign, customer, monkeypatch):
    monkeypatch.setattr("webapp.orders.services.advance", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        place(customer, campaign, Area.of_tiles([WEST]))
    assert not Order.objects.exists() and not campaign.tiles.exists()
