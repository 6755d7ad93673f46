"""Removes from a bucket what killed and overtaken workers have left, after a grace time."""

import logging
from datetime import timedelta

import django_rq
from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now
from redis.exceptions import RedisError

from webapp import storage
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.states import QUEUE_OF_REVISION
from webapp.campaigns.work_files import SCENES, past, without_work

log = logging.getLogger(__name__)

# What ended is looked at as often as fits into so many grace times, and longer while nobody has looked.
LOOKED_AT_TIMES = 3
LOOKED_KEY = "earthquilt:tidied-bucket:"


def tidy(campaign: Campaign) -> list[str]:
    """Remove units of no row, and objects that no manifest names of work that has ended; gives the units."""
    removed, (now, lately) = [], lately_ended(campaign)
    for tile in campaign.tiles.order_by("tile_id").iterator():
        removed += remove_units_of_no_row(campaign, tile)
        removed += prune_ended(tile, lately)
        removed += drop_work_files(tile, lately)
    note_look(campaign, now)
    return removed


def lately_ended(campaign: Campaign) -> tuple[float, timedelta | None]:
    """The time now, by the database's clock, and how far back to look: beyond the last look that ended.

    Without one known, all work is looked at: what nobody looked at in time would stay for ever.
    """
    now = Campaign.objects.annotate(now=Now()).get(pk=campaign.pk).now.timestamp()
    try:
        last = django_rq.get_connection(QUEUE_OF_REVISION).get(f"{LOOKED_KEY}{campaign.pk}")
    except RedisError:
        last = None
    if last is None:
        return now, None
    return now, timedelta(seconds=LOOKED_AT_TIMES * settings.ORPHAN_SECONDS + max(0.0, now - float(last)))


def note_look(campaign: Campaign, began: float) -> None:
    """Remember when a look at the whole campaign began."""
    try:
        django_rq.get_connection(QUEUE_OF_REVISION).set(f"{LOOKED_KEY}{campaign.pk}", began)
    except RedisError as error:
        log.warning("The next look at the bucket is at all work, since Redis does not answer: %s", error)


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


def drop_work_files(tile: CampaignTile, lately: timedelta | None) -> list[str]:
    """Remove the work files of builds that came to need them no more lately."""
    root = storage.bucket_root()
    builds = without_work(tile, lately).values_list("folder", flat=True)
    return [f"{unit}/{SCENES}" for unit in builds if root.drop(unit, [f"{SCENES}/*"])]


def prune_ended(tile: CampaignTile, lately: timedelta | None) -> list[str]:
    """Remove what no manifest names of builds and revisions that ended a grace time ago, and that lately."""
    root, ended = (
        storage.bucket_root(),
        past("finished_at", timedelta(seconds=settings.ORPHAN_SECONDS), lately),
    )
    rows: list[QuerySet] = [tile.builds.filter(ended), tile.revisions.filter(ended)]
    units = [unit for found in rows for unit in found.values_list("folder", flat=True)]
    return [unit for unit in units if root.prune(unit, settings.ORPHAN_SECONDS)]
