"""What a step asks for does not grow with the campaign; what nobody has looked at yet is not lost."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pipeline.grid import Tile
from pipeline.land import existing_tiles
from tests.webapp.products import EAST, WEST, make_campaign
from webapp.campaigns import jobs, stages
from webapp.campaigns.advance import begin_builds, settle, sweep
from webapp.campaigns.jobs import run_build, run_revision
from webapp.campaigns.models import Build, Campaign, CampaignTile, GridTile, Revision
from webapp.campaigns.queue import queue_of
from webapp.campaigns.rings import names_within
from webapp.campaigns.services import rebuild
from webapp.campaigns.states import ACTIVE
from webapp.campaigns.wanting import want_all
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db(transaction=True)

ZONE = [name for name in existing_tiles() if name.startswith(("33T", "33U", "33S", "32T", "32U"))]
FAR = "31UDQ"


def tile(name):
    return CampaignTile.objects.get(tile_id=name)


@pytest.fixture
def few_at_once(settings):
    settings.MOST_BUILDS_AT_ONCE = 8
    return settings


def begin(count):
    """A campaign of some tiles that lie together."""
    campaign = make_campaign()
    want_all(campaign, ZONE[:count])
    return campaign


def finish(build):
    """Run a build through all its stages, as its jobs do."""
    while build.status in ACTIVE:
        run_build(build.pk)
        build.refresh_from_db()


def finish_all(campaign, but=0):
    """Run builds and then revisions until only some tiles are left."""
    while campaign.tiles.due().count() > but:
        finish(Build.objects.filter(status__in=ACTIVE).order_by("pk").first())


def test_tiles_keep_which_lie_within_their_rings(db):
    GridTile.ensure([Tile.parse(name) for name in (WEST, FAR)])
    for row in GridTile.objects.all():
        assert row.near == sorted(names_within(row.name, 3)) and row.name in row.near


def revise(revision, current=None):
    """As `stages.revise` asks the database, without any raster."""
    assert stages.folders_of(revision)
    revision.path.mkdir(parents=True, exist_ok=True)
    return {"coverage": 1.0}


def steps_of(count):
    """The queries of the last build and of a revision of a campaign, whose tiles are all but one finished."""
    campaign = begin(count)
    finish_all(campaign, but=1)
    last = Build.objects.get(status__in=ACTIVE)
    with CaptureQueriesContext(connection) as built:
        finish(last)
    revision = Revision.objects.filter(campaign_tile=last.campaign_tile).get()
    with CaptureQueriesContext(connection) as revised:
        run_revision(revision.pk)
    revision.refresh_from_db()
    assert revision.status == "current"
    return len(built), len(revised)


def test_the_queries_of_a_tile_do_not_grow_with_the_campaign(
    storage, queues, quick, few_at_once, monkeypatch
):
    monkeypatch.setattr(stages, "revise", revise)
    small = steps_of(20)
    CampaignTile.objects.all().delete()
    Campaign.objects.all().delete()
    large = steps_of(200)
    assert large == small
    assert sum(large) <= 130


def test_a_sweep_asks_as_much_of_a_large_campaign_as_of_a_small_one(storage, queues, quick, few_at_once):
    campaign = begin(20)
    sweep()
    with CaptureQueriesContext(connection) as few:
        sweep()
    want_all(campaign, ZONE[:200])
    sweep()
    with CaptureQueriesContext(connection) as many:
        sweep()
    assert len(many) == len(few)


def test_builds_are_begun_as_room_is_made(storage, queues, quick, few_at_once):
    campaign = begin(20)
    assert campaign.tiles.filter(status="building").count() == 8
    assert [row.tile_id for row in campaign.tiles.filter(status="building")] == sorted(ZONE[:20])[:8]
    assert queues["download"].count == 8
    for done in range(1, 5):
        finish(Build.objects.filter(status__in=ACTIVE).order_by("pk").first())
        assert campaign.tiles.filter(status="building").count() == 8
        assert campaign.tiles.filter(status="composite").count() == done
    finish_all(campaign)
    assert campaign.tiles.filter(status="composite").count() == 20


def test_what_an_order_waits_for_is_begun_first(storage, queues, few_at_once, customer):
    few_at_once.MOST_BUILDS_AT_ONCE = 2
    campaign = make_campaign()
    want_all(campaign, ZONE[:10])
    last = campaign.tiles.order_by("tile_id").last()
    order = campaign.orders.create(customer=customer, aoi=last.tile.footprint)
    order.tiles.set([last])
    few_at_once.MOST_BUILDS_AT_ONCE = 3
    begin_builds(campaign)
    last.refresh_from_db()
    assert last.status == "building" and Build.objects.count() == 3


def test_what_an_ordered_tile_is_blended_with_is_begun_first(storage, queues, quick, few_at_once, customer):
    campaign = make_campaign()
    want_all(campaign, [WEST])
    finish_all(campaign)
    few_at_once.MOST_BUILDS_AT_ONCE = 0
    want_all(campaign, [FAR, EAST])
    order = campaign.orders.create(customer=customer, aoi=tile(WEST).tile.footprint)
    order.tiles.set([tile(WEST)])
    few_at_once.MOST_BUILDS_AT_ONCE = 1
    begin_builds(campaign)
    assert [tile(name).status for name in (FAR, EAST)] == ["wanted", "building"]


def test_tiles_whose_lists_agree_are_begun_by_whole_blocks(storage, queues, few_at_once):
    few_at_once.MOST_BUILDS_AT_ONCE = 1
    campaign = make_campaign(agree_datatakes=True)
    want_all(campaign, [WEST, EAST, "33TWM", FAR])
    begun = {row.tile_id for row in campaign.tiles.filter(status="building")}
    assert begun == {FAR}
    finish_first = campaign.tiles.get(tile_id=FAR)
    CampaignTile.objects.filter(pk=finish_first.pk).update(status="idle")
    begin_builds(campaign)
    assert {row.tile_id for row in campaign.tiles.filter(status="building")} == {WEST, EAST, "33TWM"}


def test_a_changed_tile_is_marked_until_somebody_has_looked(storage, queues, quick, monkeypatch):
    campaign = make_campaign()
    want_all(campaign, [WEST])
    monkeypatch.setattr(jobs, "advance", lambda *args, **kwargs: None)
    finish(Build.objects.get())
    assert tile(WEST).status == "composite" and tile(WEST).is_changed
    assert not Revision.objects.exists(), "the worker ended before it could look"
    sweep()
    assert not tile(WEST).is_changed
    assert Revision.objects.get().is_ready
    assert f"revision-{Revision.objects.get().pk}-0" in queues["cpu"].job_ids


def test_the_end_of_a_revision_leaves_the_mark_of_a_build(storage, queues, quick):
    """Whoever looks at a tile alone has not looked at those around it."""
    campaign = make_campaign()
    want_all(campaign, [WEST])
    finish_all(campaign)
    CampaignTile.objects.update(is_changed=True)
    run_revision(Revision.objects.get().pk)
    assert tile(WEST).current_revision and tile(WEST).is_changed


def test_what_became_due_while_a_revision_ran_is_begun_with_its_end(storage, queues, quick, monkeypatch):
    """Also where the worker is killed right after, since the look at the tile beside found one at work."""
    campaign = make_campaign()
    want_all(campaign, [WEST, EAST])
    finish_all(campaign)

    def blend(revision, current=None):
        rebuild(tile(EAST))
        finish_all(campaign)
        monkeypatch.setattr(jobs, "advance", lambda *args, **kwargs: None)
        return revise(revision)

    monkeypatch.setattr(stages, "revise", blend)
    first = Revision.objects.get(campaign_tile__tile_id=WEST)
    run_revision(first.pk)
    first.refresh_from_db()
    assert first.status == "current"
    assert Revision.objects.get(campaign_tile__tile_id=WEST, status__in=ACTIVE).number == 2


def test_an_order_is_not_settled_while_nobody_has_looked_at_a_change(storage, queues, quick, work, customer):
    campaign = make_campaign()
    order = place(customer, campaign, Area.of_tiles([WEST]))
    finish_all(campaign)
    run_revision(Revision.objects.get().pk)
    order.refresh_from_db()
    assert order.status == "ready"
    type(order).objects.update(status="running")
    CampaignTile.objects.update(is_changed=True)
    settle(campaign.orders.all())
    order.refresh_from_db()
    assert order.status == "running"
    sweep()
    order.refresh_from_db()
    assert order.status == "ready"


def test_a_ready_revision_whose_hint_was_lost_is_queued_by_the_sweep(storage, queues, quick):
    campaign = make_campaign()
    want_all(campaign, [WEST, FAR])
    finish_all(campaign)
    for queue in queues.values():
        queue.empty()
    sweep()
    hinted = {f"revision-{key}-0" for key in Revision.objects.values_list("pk", flat=True)}
    assert len(hinted) == 2 and hinted <= set(queues["cpu"].job_ids)


def test_a_revision_that_waits_again_is_not_ready_any_more(storage, queues, quick):
    campaign = make_campaign()
    want_all(campaign, [WEST, EAST])
    finish_all(campaign)
    CampaignTile.objects.filter(tile_id=EAST).update(status="wanted")
    revision = Revision.objects.get(campaign_tile__tile_id=WEST)
    assert revision.is_ready
    run_revision(revision.pk)
    revision.refresh_from_db()
    assert revision.status == "waiting" and not revision.is_ready
    for queue in queues.values():
        queue.empty()
    begin_builds(campaign)
    finish_all(campaign)
    revision.refresh_from_db()
    assert revision.is_ready


def test_an_order_is_settled_once_its_last_tile_is_finished(storage, queues, quick, work, customer):
    campaign = make_campaign()
    order = place(customer, campaign, Area.of_tiles([WEST, EAST]))
    first, last = Build.objects.order_by("pk")
    finish(first)
    order.refresh_from_db()
    assert order.status == "running"
    finish(last)
    work()
    order.refresh_from_db()
    assert order.status == "ready"


def test_a_queue_is_kept_as_long_as_it_is_set_up_alike(queues, settings):
    assert queue_of("cpu") is queue_of("cpu")
    before = queue_of("cpu")
    settings.RQ_QUEUES = {name: one | {"DEFAULT_TIMEOUT": 900} for name, one in settings.RQ_QUEUES.items()}
    assert queue_of("cpu") is not before and queue_of("cpu")._default_timeout == 900
