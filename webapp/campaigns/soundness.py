"""Whether finished products still have the bytes they were finished with; making those again that do not."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import transaction

from webapp import storage
from webapp.campaigns.advance import advance, lock
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision
from webapp.campaigns.services import rebuild

log = logging.getLogger(__name__)

KINDS = (".tif", ".npz")
LISTS = ("scene_list.json",)


def fingerprints(folder: Path) -> dict[str, list[Any]]:
    """The products in a folder: name to [bytes, sha256 in hex].

    Raises:
        OSError: one cannot be read.
    """
    return {path.name: _fingerprint(path) for path in sorted(folder.glob("*")) if _counts(path)}


def _counts(path: Path) -> bool:
    named = path.suffix in KINDS or path.name in LISTS
    return named and not path.name.startswith(".") and path.is_file()


def _fingerprint(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]


def damage(made: Build | Revision) -> list[str]:
    """The names of its products that are missing, or other than when they were finished."""
    root = storage.root()
    return [name for name, known in made.files.items() if not root.holds(made.folder, name, *known)]


def damaged(campaign: Campaign) -> Iterator[tuple[CampaignTile, Build | Revision, list[str]]]:
    """What counts of a campaign's tiles and is damaged: tile, its build or revision, names of files."""
    rows = campaign.tiles.select_related("tile", "current_build", "current_revision")
    for row in rows.filter(current_build__isnull=False).iterator():
        for made in (row.current_build, row.current_revision):
            if made is not None and (names := damage(made)):
                yield row, made, names


def mend(tile: CampaignTile, made: Build | Revision, names: list[str]) -> str:
    """Have damaged products made again; gives the sentence that the history keeps.

    A build is made anew from its sources, and then the revisions that it goes into; a revision alone from
    its builds. Editions go on to show the revision that they were published with.
    """
    text = f"{', '.join(names)} of {made} changed on disk: it is made again"
    log.error("%s.", text)
    if isinstance(made, Build):
        rebuild(tile, text=text)
        return text
    with transaction.atomic():
        lock(tile.campaign)
        # With no inputs to stand for it is out of date, and what is out of date is made.
        Revision.objects.filter(pk=made.pk).update(inputs_hash="")
        made.remember(made.status, made.status, text)
        advance(tile.campaign, [tile.tile_id])
    return text
