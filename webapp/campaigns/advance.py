"""What is now possible in a campaign: begins builds and revisions, queues them, settles orders.

Everything is read from the database, so calling it too often does no harm, and calling it again repairs
whatever was lost.
"""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Max, Q
from django.dispatch import Signal

from webapp.campaigns import tidy, web_copies
from webapp.campaigns.models import Build, Campaign, Chip, Revision
from webapp.campaigns.queue import hint_build, hint_pyramid, hint_revision
from webapp.campaigns.rings import Neighbourhood, names_around
from webapp.campaigns.states import ACTIVE, OPEN_ORDERS, RevisionStatus, TileStatus

# Sent at the end of each sweep, for work that no campaign knows of.
swept = Signal()


@transaction.atomic
def advance(campaign: Campaign, around: Collection[str] | None = None) -> None:
    """Begin, queue and settle what the state allows.

    Args:
        campaign: the campaign.
        around: names of tiles that have changed; only what may depend on them is looked at. All where None.
    """
    lock(campaign)
    begin_builds(campaign, around)
    reach = None if around is None else names_around(around)
    hint_builds(campaign, reach)
    near = Neighbourhood(campaign, reach)
    targets = near.tiles.keys() if reach is None else near.tiles.keys() & reach
    begin_revisions(campaign, near, targets)
    hint_revisions(campaign, near, targets)
    settle_orders(campaign, targets)


def lock(campaign: Campaign) -> None:
    """Let one at a time decide about a campaign, until the transaction ends."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def begin_builds(campaign: Campaign, names: Collection[str] | None) -> None:
    """Begin a build of each tile that is wanted and has none."""
    wanted = campaign.tiles.filter(status=TileStatus.WANTED)
    if names is not None:
        wanted = wanted.filter(tile_id__in=names)
    for tile in wanted.order_by("tile_id"):
        Build.begin(tile)


def hint_builds(campaign: Campaign, names: Collection[str] | None) -> None:
    """Queue the builds that nobody works at."""
    free = Build.objects.free().filter(campaign_tile__campaign=campaign)
    if names is not None:
        free = free.filter(campaign_tile__tile_id__in=names)
    for build in free.order_by("pk"):
        hint_build(build)


def begin_revisions(campaign: Campaign, near: Neighbourhood, names: Collection[str]) -> None:
    """Begin a revision of each tile whose inputs have changed, unless one is at work or failed on them."""
    stale = [near.tiles[name] for name in sorted(names) if near.is_stale(name)]
    rows = Revision.objects.filter(campaign_tile__in=stale).filter(
        Q(status__in=ACTIVE) | Q(status=RevisionStatus.FAILED)
    )
    known = list(rows.values_list("campaign_tile_id", "status", "inputs_hash"))
    active = {key for key, status, _ in known if status in ACTIVE}
    failed = {(key, inputs) for key, status, inputs in known if status == RevisionStatus.FAILED}
    for tile in stale:
        if tile.pk not in active and (tile.pk, near.inputs_hash(tile.tile_id)) not in failed:
            Revision.begin(tile)


def hint_revisions(campaign: Campaign, near: Neighbourhood, names: Collection[str]) -> None:
    """Queue the revisions that wait for nothing and that nobody works at."""
    free = Revision.objects.free().filter(campaign_tile__campaign=campaign, campaign_tile__tile_id__in=names)
    for revision in free.select_related("campaign_tile").order_by("pk"):
        if near.is_ready(revision.tile_name):
            hint_revision(revision)


def settle_orders(campaign: Campaign, names: Collection[str]) -> None:
    """Bring the open orders that hold any of the tiles up to date."""
    orders = campaign.orders.filter(status__in=OPEN_ORDERS, tiles__tile_id__in=names)
    for order in orders.distinct().order_by("pk"):
        order.settle()


def sweep() -> int:
    """Advance every campaign in which something is due, and queue what maps want; gives their number."""
    due = Campaign.objects.filter(
        Q(tiles__status__in=(TileStatus.WANTED, TileStatus.BUILDING))
        | Q(tiles__revisions__status__in=ACTIVE)
        | Q(orders__status__in=OPEN_ORDERS)
    )
    campaigns = list(due.distinct().order_by("pk"))
    for campaign in campaigns:
        advance(campaign)
    hint_pyramids()
    web_copies.hint_due()
    tidy.hint_tidy()
    swept.send(sender=None)
    return len(campaigns)


def hint_pyramids() -> None:
    """Queue the low zooms of every campaign that has stale ones."""
    stale = Chip.objects.filter(is_stale=True).order_by().values_list("campaign").annotate(Max("wanted"))
    for key, token in stale:
        hint_pyramid(key, token)
