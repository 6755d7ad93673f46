"""Removes what killed workers have left in the storage, and work files that are over, after a grace time."""

import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import django_rq
from django.conf import settings
from redis.exceptions import RedisError

from webapp.campaigns import networks, pyramid, tidy_bucket
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.queue import hint
from webapp.campaigns.states import ACTIVE, QUEUE_OF_REVISION
from webapp.campaigns.work_files import SCENES, without_work

log = logging.getLogger(__name__)

LOOKED_KEY = "earthquilt:tidied"
PART = ".part"
PROBE = ".now-"
SOURCE = "source"


def hint_tidy() -> None:
    """Queue the look for what was left, unless one was queued a short while ago.

    It comes first, for where builds never end nothing that waits for them is ever done.
    """
    try:
        connection = django_rq.get_connection(QUEUE_OF_REVISION)
        if not connection.set(LOOKED_KEY, "1", nx=True, ex=max(settings.ORPHAN_SECONDS // 4, 1)):
            return
    except RedisError:
        return
    hint(QUEUE_OF_REVISION, "webapp.campaigns.tidy.run_tidy", 0, "tidy", at_front=True)


def run_tidy(key: int = 0) -> int:
    """Remove what was left in all campaigns; gives how many files and folders."""
    look = tidy_bucket.tidy if settings.STORAGE_BUCKET else tidy
    removed = 0
    for campaign in Campaign.objects.order_by("pk"):
        removed += len(look(campaign)) + pyramid.prune(campaign)
    if not settings.STORAGE_BUCKET:
        removed += len(tidy_weights())
    if removed:
        log.info("%d files and folders that nobody needs were removed.", removed)
    return removed


def tidy(campaign: Campaign) -> list[Path]:
    """Remove the files of a campaign that were never finished or are over, and that nobody goes on with."""
    if not campaign.path.is_dir():
        return []
    before = now_of(campaign.path) - settings.ORPHAN_SECONDS
    removed = remove_older(beside_tiles(campaign), before)
    for tile in campaign.tiles.order_by("tile_id").iterator():
        removed += remove_older(left_behind(tile), before)
    return removed


def tidy_weights() -> list[Path]:
    """Remove copies of weights that were never finished."""
    folder = Path(settings.STORAGE_ROOT) / networks.FOLDER
    if not folder.is_dir():
        return []
    return remove_older(sorted(folder.glob(f"*/.*{PART}")), now_of(folder) - settings.ORPHAN_SECONDS)


def remove_older(found: Iterable[Path], before: float) -> list[Path]:
    """Remove those files and folders in which nothing was written since a moment; gives them."""
    removed = []
    for path in found:
        if newest(path) < before:
            remove(path)
            removed.append(path)
    return removed


def beside_tiles(campaign: Campaign) -> Iterator[Path]:
    """Unfinished files of a campaign outside of its tiles' folders: packed editions, low zooms, and so on."""
    names = set(campaign.tiles.values_list("tile_id", flat=True))
    for path in sorted(campaign.path.iterdir()):
        if path.name not in names:
            yield from filter(is_under_way, sorted(path.rglob("*")) if path.is_dir() else [path])


def is_under_way(path: Path) -> bool:
    """Whether a file has the name of one that is being written."""
    return path.is_file() and (
        path.name.startswith(PROBE) or (path.name.startswith(".") and PART in path.name)
    )


def left_behind(tile: CampaignTile) -> Iterator[Path]:
    """What may be removed of a tile: folders of no row, and unfinished and work files that nobody is at."""
    for kind, model in (("builds", Build), ("revisions", Revision)):
        for folder in sorted((tile.path / kind).glob("*")):
            # Asked after the folder was seen: a row is there before its folder is.
            row = model.objects.filter(
                campaign_tile=tile, folder=str(folder.relative_to(settings.STORAGE_ROOT))
            ).first()
            if row is None:
                yield folder
            elif row.status not in ACTIVE:
                yield from unfinished(folder)
    yield from filter(is_under_way, sorted(tile.path.glob(".*")))
    for build in without_work(tile):
        if (build.path / SCENES).is_dir():
            yield build.path / SCENES


def unfinished(folder: Path) -> Iterator[Path]:
    """Files under way, folders for work and downloads in the folder of a build or revision."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            of_a_scene = path.name == SOURCE and path.parent.parent.name == "scenes"
            if of_a_scene or (path.name.startswith(".") and path.parent == folder):
                yield path
        elif path.name.startswith(".") and PART in path.name and SOURCE not in path.parts:
            yield path


def now_of(folder: Path) -> float:
    """The time by the clock that dates the files of a folder, seconds since 1970."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=PROBE) as probe:
        probe.write(b"0")
        probe.flush()
        return Path(probe.name).stat().st_mtime


def newest(path: Path) -> float:
    """When a file, or anything in a folder, was last written; later than all where it has gone meanwhile."""
    try:
        return max(one.stat().st_mtime for one in (path, *path.rglob("*")))
    except FileNotFoundError:
        return float("inf")


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
