"""Removes from a bucket what killed and overtaken workers have left, after a grace time."""

from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from webapp import storage
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.work_files import SCENES, without_work

# Of work that ended longer ago than so many times the grace time, what was left has gone already.
LOOKED_AT_TIMES = 3


def tidy(campaign: Campaign) -> list[str]:
    """Remove units of no row, and objects that no manifest names of work that has ended; gives the units."""
    removed = []
    for tile in campaign.tiles.order_by("tile_id").iterator():
        removed += remove_units_of_no_row(campaign, tile)
        removed += prune_ended(tile)
        removed += drop_work_files(tile)
    return removed


def remove_units_of_no_row(campaign: Campaign, tile: CampaignTile) -> list[str]:
    """Remove builds and revisions of a tile that the database does not know."""
    root, removed = storage.bucket_root(), []
    for kind, model in (("builds", Build), ("revisions", Revision)):
        above = f"{campaign.slug}/{tile.tile_id}/{kind}"
        units = [f"{above}/{number}" for number in root.children(above)]
        # Asked after the units were seen: a row is there before its unit is.
        known = set(model.objects.filter(folder__in=units).values_list("folder", flat=True))
        removed += [
            unit for unit in units if unit not in known and root.remove_old(unit, settings.ORPHAN_SECONDS)
        ]
    return removed


def drop_work_files(tile: CampaignTile) -> list[str]:
    """Remove the work files of builds that need them no more."""
    root, since = storage.bucket_root(), LOOKED_AT_TIMES * timedelta(seconds=settings.ORPHAN_SECONDS)
    builds = without_work(tile, since).values_list("folder", flat=True)
    return [f"{unit}/{SCENES}" for unit in builds if root.drop(unit, [f"{SCENES}/*"])]


def prune_ended(tile: CampaignTile) -> list[str]:
    """Remove what no manifest names of builds and revisions that ended some grace times ago."""
    root, grace = storage.bucket_root(), timedelta(seconds=settings.ORPHAN_SECONDS)
    span = {"finished_at__lt": Now() - grace, "finished_at__gt": Now() - LOOKED_AT_TIMES * grace}
    rows: list[QuerySet] = [tile.builds.filter(**span), tile.revisions.filter(**span)]
    units = [unit for found in rows for unit in found.values_list("folder", flat=True)]
    return [unit for unit in units if root.prune(unit, settings.ORPHAN_SECONDS)]
