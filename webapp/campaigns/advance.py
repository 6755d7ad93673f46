"""What is now possible in a campaign: begins builds and revisions, queues them, settles orders.

A tile whose status has changed carries a mark until somebody has looked at what that makes possible, so that
what a step asks for does not depend on how large the campaign is. Calling this too often does no harm.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.dispatch import Signal

from webapp.campaigns import tidy, web_copies
from webapp.campaigns.models import Build, Campaign, CampaignTile, Chip, Revision
from webapp.campaigns.queue import hint_build, hint_pyramid, hint_revision, queued
from webapp.campaigns.rings import block_of
from webapp.campaigns.schedule import look, reach_of
from webapp.campaigns.states import ACTIVE, DUE, OPEN_ORDERS, TileStatus

# Sent at the end of each sweep, for work that no campaign knows of.
swept = Signal()

BATCH = 100
# Builds are begun some at a time, which takes as many questions as to begin one.
ROOM_SHARE = 1 / 40


@transaction.atomic
def advance(campaign: Campaign, around: Collection[str] | None = None, has_builds: bool = True) -> None:
    """Begin, queue and settle what the state allows.

    Args:
        campaign: the campaign.
        around: names of tiles that have changed; only what may depend on them is looked at. All where None.
        has_builds: whether builds of these tiles may wait that nobody was told of.
    """
    lock(campaign)
    begun = begin_builds(campaign)
    names = campaign.tiles.order_by("tile_id").values_list("tile_id", flat=True) if around is None else around
    for some in batches(sorted(names)):
        if has_builds:
            hint_builds(campaign, some, begun)
        look(campaign, reach_of(some) if around is not None else some)
        looked_at(campaign, some)
        settle_orders(campaign, some)


def lock(campaign: Campaign) -> None:
    """Let one at a time decide about a campaign, until the transaction ends."""
    Campaign.objects.select_for_update(no_key=True).only("pk").get(pk=campaign.pk)


def batches(names: Sequence[str]) -> Iterator[list[str]]:
    """The names in lists of bounded length."""
    rest = iter(names)
    while some := list(islice(rest, BATCH)):
        yield some


def begin_builds(campaign: Campaign) -> list[Build]:
    """Begin and queue builds of tiles that are wanted, as long as not too many are under way.

    What open orders wait for comes first, then the others by name, so that what is begun lies together.
    """
    most = settings.MOST_BUILDS_AT_ONCE
    room = most - campaign.tiles.filter(status=TileStatus.BUILDING).count()
    if room < max(1, ROOM_SHARE * most):
        return []
    wanted = campaign.tiles.filter(status=TileStatus.WANTED)
    first = ordered(campaign, wanted, room) if has_open_orders(campaign) else []
    others = wanted.exclude(pk__in=[tile.pk for tile in first]).order_by("tile_id")
    chosen = [*first, *others.select_related("campaign")[: room - len(first)]]
    if chosen and campaign.pipeline_settings.agree_datatakes:
        chosen = with_their_blocks(wanted, chosen)
    begun = Build.begin_all(chosen)
    for build in begun:
        hint_build(build)
    return begun


def ordered(campaign: Campaign, wanted: QuerySet, most: int) -> list[CampaignTile]:
    """Wanted tiles of open orders, and those around ordered tiles that have a composite and no mosaic yet."""
    of_orders = campaign.tiles.filter(orders__status__in=OPEN_ORDERS).distinct()
    waiting = of_orders.filter(status=TileStatus.COMPOSITE, current_revision=None).order_by("tile_id")
    rings = waiting.values_list("tile__near", flat=True)[:most]
    around = {name for near in rings for name in near}
    asked = wanted.filter(Q(orders__status__in=OPEN_ORDERS) | Q(tile_id__in=around)).distinct()
    return list(asked.order_by("tile_id").select_related("campaign")[:most])


def with_their_blocks(wanted: QuerySet, chosen: Sequence[CampaignTile]) -> list[CampaignTile]:
    """Tiles and all others that are wanted of their blocks, whose lists are chosen together."""
    blocks = {block_of(tile.tile_id) for tile in chosen}
    zones = {zone for zone, _, _ in blocks}
    rows = wanted.filter(tile__zone__in=zones).select_related("campaign").order_by("tile_id")
    return [tile for tile in rows if block_of(tile.tile_id) in blocks]


def hint_builds(campaign: Campaign, names: Collection[str], begun: Collection[Build]) -> None:
    """Queue the builds of some tiles that nobody works at, but those that were just begun."""
    free = Build.objects.free().filter(campaign_tile__campaign=campaign, campaign_tile__tile_id__in=names)
    free = free.exclude(pk__in=[build.pk for build in begun])
    for build in free.only("pk", "stage", "fence").order_by("pk"):
        hint_build(build)


def looked_at(campaign: Campaign, names: Collection[str]) -> None:
    """Take the mark from tiles: what their change made possible is begun."""
    campaign.tiles.filter(tile_id__in=names, is_changed=True).update(is_changed=False)


def has_open_orders(campaign: Campaign) -> bool:
    """Whether somebody waits for any tile of a campaign."""
    return campaign.orders.filter(status__in=OPEN_ORDERS).exists()


def settle_orders(campaign: Campaign, names: Collection[str]) -> None:
    """Bring the open orders that hold any of the tiles up to date, where nothing of them is under way."""
    if not has_open_orders(campaign):
        return
    held = CampaignTile.orders.through.objects.filter(
        order=OuterRef("pk"), campaigntile__campaign=campaign, campaigntile__tile_id__in=names
    )
    settle(campaign.orders.filter(Exists(held)))


def settle(orders: QuerySet) -> None:
    """Bring those orders up to date that are open and of which nothing is under way."""
    for order in orders.filter(status__in=OPEN_ORDERS).select_related("campaign").order_by("pk"):
        if not any(rows.filter(orders=order).exists() for rows in unfinished(order.campaign)):
            order.settle()


def unfinished(campaign: Campaign) -> Iterator[QuerySet]:
    """The tiles that orders wait for, from the fewest on."""
    own = Revision.objects.filter(campaign_tile=OuterRef("pk"))
    # What changed and nobody has looked at yet may be about to have a revision begun.
    yield campaign.tiles.filter(is_changed=True)
    composite = campaign.tiles.filter(status=TileStatus.COMPOSITE)
    yield composite.filter(Exists(own.filter(status__in=ACTIVE)))
    yield composite.filter(~Exists(own), current_revision__isnull=True)
    yield campaign.tiles.filter(status__in=DUE)


def sweep() -> int:
    """Advance every campaign in which something is due, and queue what maps want; gives their number."""
    tiles = CampaignTile.objects.filter(campaign=OuterRef("pk"))
    at_work = Revision.objects.filter(campaign_tile__campaign=OuterRef("pk"), status__in=ACTIVE)
    ordered = CampaignTile.orders.through.objects.filter(
        campaigntile__campaign=OuterRef("pk"), order__status__in=OPEN_ORDERS
    )
    due = Campaign.objects.filter(
        Exists(tiles.filter(status__in=DUE))
        | Exists(tiles.filter(is_changed=True))
        | Exists(at_work)
        | Exists(ordered)
    )
    campaigns = list(due.order_by("pk"))
    for campaign in campaigns:
        catch_up(campaign)
    hint_pyramids()
    web_copies.hint_due()
    tidy.hint_tidy()
    swept.send(sender=None)
    return len(campaigns)


def catch_up(campaign: Campaign) -> None:
    """Do what somebody was to do and did not: look at changed tiles, queue again what was lost."""
    changed = campaign.tiles.filter(is_changed=True).order_by("tile_id")
    for some in batches(list(changed.values_list("tile_id", flat=True))):
        advance(campaign, some)
    with transaction.atomic():
        lock(campaign)
        known = queued()
        begin_builds(campaign)
        free = Build.objects.free().filter(campaign_tile__campaign=campaign)
        for build in free.only("pk", "stage", "fence").order_by("pk").iterator():
            hint_build(build, known)
        ready = Revision.objects.free().filter(is_ready=True, campaign_tile__campaign=campaign)
        for revision in ready.only("pk", "fence").order_by("pk").iterator():
            hint_revision(revision, known)
        settle(campaign.orders.all())


def hint_pyramids() -> None:
    """Queue the low zooms of every campaign that has stale ones."""
    stale = Chip.objects.filter(is_stale=True).order_by().values_list("campaign").annotate(Max("wanted"))
    for key, token in stale:
        hint_pyramid(key, token)
