"""Scene lists that agree: those of a block of tiles are chosen together, once each has one of its own.

A build whose list is to agree waits until no build of its block is without a list. Then a worker claims the
first of those that wait and chooses for all; so no two choose for the same builds.
"""

from collections.abc import Collection

from django.db import transaction

from pipeline.grid import Tile
from webapp.campaigns.advance import lock
from webapp.campaigns.models import Build, Campaign, CampaignTile
from webapp.campaigns.queue import hint_build
from webapp.campaigns.rings import block_of
from webapp.campaigns.states import ACTIVE, Stage


def without_settled_list(campaign: Campaign, name: str) -> list[Build]:
    """The builds of a tile's block whose list is not there yet or is to agree, by tile name."""
    rows = Build.objects.filter(
        status__in=ACTIVE,
        stage__in=(Stage.SCENE_LIST, Stage.AGREE),
        campaign_tile__campaign=campaign,
        campaign_tile__tile__zone=Tile.parse(name).zone,
    )
    rows = rows.select_related("campaign_tile__campaign", "campaign_tile__tile")
    found = rows.order_by("campaign_tile__tile_id")
    return [one for one in found if block_of(one.tile_name) == block_of(name)]


@transaction.atomic
def claim_first(build: Build) -> Build | None:
    """Claim the first of the builds that wait with this one; None while a list is missing or one is held."""
    lock(build.campaign)
    block = without_settled_list(build.campaign, build.tile_name)
    free = Build.objects.free().filter(pk__in=[one.pk for one in block], stage=Stage.AGREE).count()
    if not block or free < len(block):
        return None
    return block[0] if block[0].claim() else None


def others_waiting(build: Build) -> list[Build]:
    """The builds that wait with a claimed one."""
    block = without_settled_list(build.campaign, build.tile_name)
    return [one for one in block if one.stage == Stage.AGREE and one.pk != build.pk]


def hint_waiting(campaign: Campaign, name: str) -> None:
    """Tell the workers that the lists of a tile's block may be chosen together, where none is missing."""
    block = without_settled_list(campaign, name)
    if block and all(one.stage == Stage.AGREE for one in block):
        hint_build(block[0])


def with_settled_list(campaign: Campaign, names: Collection[str]) -> list[Build]:
    """Of each of some tiles the build whose list counts: one that fetches or is further, else the current."""
    tiles = CampaignTile.objects.filter(campaign=campaign, tile_id__in=names)
    active = Build.objects.filter(status__in=ACTIVE, campaign_tile__in=tiles)
    fetching = active.exclude(stage__in=(Stage.SCENE_LIST, Stage.AGREE))
    current = Build.objects.filter(current_of__in=tiles).exclude(
        campaign_tile__in=fetching.values("campaign_tile")
    )
    found = (fetching | current).select_related("campaign_tile__campaign", "campaign_tile__tile")
    return sorted(found, key=lambda one: one.tile_name)
