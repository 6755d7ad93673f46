"""What an edition shows that another does not: tile by tile, and counted on the ground by the workers."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.difference import COMPARED
from pipeline.edition_change import Changed, change_on_own_ground
from pipeline.errors import EarthquiltError, StorageError
from pipeline.grid import Tile
from pipeline.storage import read_json, write_json
from webapp import storage
from webapp.campaigns.models import Edition, Revision
from webapp.campaigns.queue import hint

log = logging.getLogger(__name__)

QUEUE = "cpu"
KM2 = 1e6
Kind = Literal["new", "gone", "changed"]


@dataclass(frozen=True)
class Line:
    """A tile that two editions show differently.

    Attributes:
        tile: its name.
        kind: "new" in the later one, "gone" from it, or "changed".
        before, after: the revisions.
    """

    tile: str
    kind: Kind
    before: Revision | None
    after: Revision | None


@dataclass(frozen=True)
class Counted:
    """What changed in all tiles that were counted.

    Attributes:
        km2: by class before (rows) and after (columns), float64 (7, 7) by code, 0 = no data; the diagonal is
            what stayed, in the tiles that changed.
        moved_km2: of the mosaic that moved by more than 2 levels.
        tiles: how many were counted.
        left: how many are still to be.
    """

    km2: np.ndarray
    moved_km2: float
    tiles: int
    left: int

    @property
    def changed_km2(self) -> float:
        """Ground of another class."""
        return float(self.km2.sum() - np.trace(self.km2))


def compare(before: Edition, after: Edition) -> list[Line]:
    """The tiles that two editions of a campaign show differently, by name."""
    old, new = ({row.tile_id: row.revision for row in _rows(edition)} for edition in (before, after))
    found = []
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        if one != other:
            kind: Kind = "new" if one is None else "gone" if other is None else "changed"
            found.append(Line(name, kind, one, other))
    return found


def counted(before: Edition, after: Edition, lines: Sequence[Line]) -> Counted:
    """Add up what the workers have counted so far of the tiles that changed."""
    km2, moved, tiles = np.zeros((7, 7)), 0.0, 0
    changed = [line for line in lines if line.kind == "changed"]
    there = set(storage.root().children(_folder(before, after)))
    for line in changed:
        found = _kept(before, after, line.tile, there)
        if found:
            km2 += found.classes * found.pixel_area / KM2
            moved += found.moved * found.pixel_area / KM2
            tiles += 1
    return Counted(km2, moved, tiles, len(changed) - tiles)


def hint_count(before: Edition, after: Edition) -> None:
    """Tell the workers, once the transaction is over, to count what changed between two editions."""
    hint(QUEUE, "webapp.campaigns.comparison.run_count", f"{before.pk}:{after.pk}", _name(before, after))


def hint_count_since_last(edition: Edition) -> None:
    """Have counted what changed since the edition before, if there is one."""
    last = edition.campaign.editions.standing().filter(number__lt=edition.number).first()
    if last:
        hint_count(last, edition)


def run_count(key: str) -> None:
    """Count, tile by tile, what is not counted yet; the job that RQ runs."""
    pair = [Edition.objects.select_related("campaign").filter(pk=int(one)).first() for one in key.split(":")]
    before, after = pair
    if before is None or after is None:
        return
    shown = before.tiles.filter(tile_id__in=after.tiles.values("tile_id")).values_list("tile_id", flat=True)
    others = [Tile.parse(name) for name in shown]
    there = set(storage.root().children(_folder(before, after)))
    for line in compare(before, after):
        if line.before and line.after and not _kept(before, after, line.tile, there):
            tile = Tile.parse(line.tile)
            near = {one.name for one in tile.ring(1)}
            try:
                old, new = line.before.bring(*COMPARED), line.after.bring(*COMPARED)
                found = change_on_own_ground(tile, old, new, [one for one in others if one.name in near])
                write_json(storage.place_of(_file(before, after, line.tile)), found.to_json())
                storage.root().keep(_file(before, after, line.tile))
            except EarthquiltError as error:
                log.error("%s of %s cannot be compared with %s: %s", line.tile, before, after, error)


def _kept(before: Edition, after: Edition, tile: str, there: Collection[str]) -> Changed | None:
    """What was counted of a tile; None where its file is not among those that are there, or is broken."""
    if f"{tile}.json" not in there:
        return None
    try:
        return Changed.from_json(read_json(storage.root().bring_file(_file(before, after, tile))))
    except (StorageError, KeyError, TypeError, ValueError):
        return None


def _folder(before: Edition, after: Edition) -> str:
    return f"{before.campaign.slug}/comparisons/{before.number}-{after.number}"


def _file(before: Edition, after: Edition, tile: str) -> str:
    return f"{_folder(before, after)}/{tile}.json"


def _name(before: Edition, after: Edition) -> str:
    return f"comparison-{before.pk}-{after.pk}"


def _rows(edition: Edition) -> Any:
    return edition.tiles.select_related("revision__build")
