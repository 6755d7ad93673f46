"""What an edition, or the desk, shows where: the files of its tiles and the ground they cover.

Tiles are found by the database's spatial index, so that a map tile costs the same in a campaign of 20,000
tiles as in one of two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from django.contrib.gis.geos import Polygon
from django.db.models import QuerySet

from pipeline.pyramid import BASE_ZOOM, lonlat_box
from webapp import storage
from webapp.campaigns.models import Campaign, CampaignTile, Edition, EditionTile
from webapp.campaigns.models.edition import extent_of
from webapp.tileserver.layers import Layer
from webapp.tileserver.once import Once

BOUNDS_IN_MEMORY = 1024
CELLS_IN_MEMORY = 8192
MOST_LATITUDE = 85.0
# Degrees by which rounding may put a map tile outside of the square that it is a part of.
HAIR = 1e-9
Box = tuple[float, float, float, float]
_cells = Once(CELLS_IN_MEMORY)


class TooMany(Exception):
    """More tiles than were asked for."""


@dataclass(frozen=True)
class Source:
    """The products of one tile: its revision's folder and its own build's, under the storage root."""

    tile: str
    revision_id: int
    build_id: int
    revision_folder: str
    build_folder: str

    def path(self, layer: Layer) -> str:
        """Give the file that a layer is read from."""
        return storage.root().source(self.unit(layer), layer.product)

    def path_behind(self, layer: Layer) -> str | None:
        """Give the file that shows where no tile has data in the layer's own, if there is one."""
        return storage.root().address(self.unit(layer), layer.behind) if layer.behind else None

    def unit(self, layer: Layer) -> str:
        """Give the folder that the file lies in, below the storage root."""
        return self.build_folder if layer.folder == "build" else self.revision_folder


def paths_of(sources: Sequence[Source], layer: Layer) -> dict[str, Source]:
    """Give the files that a layer is read from, in order of preference, and whose each is."""
    behind = ((source.path_behind(layer), source) for source in sources) if layer.behind else ()
    return {source.path(layer): source for source in sources} | {path: s for path, s in behind if path}


class Placed(NamedTuple):
    """A source with the boxes in degrees around its ground; two over the antimeridian."""

    source: Source
    boxes: tuple[Box, ...]

    def meets(self, box: Box) -> bool:
        """Whether its ground may meet a box in degrees."""
        west, south, east, north = box
        return any(b[0] <= east and b[2] >= west and b[1] <= north and b[3] >= south for b in self.boxes)


@dataclass(frozen=True)
class Coverage:
    """The tiles of an edition or of the desk, findable by place.

    Attributes:
        rows: one per tile with a mosaic.
        revision: the name of the relation from a row to its revision.
        bounds: west, south, east, north in degrees around all tiles: those of the edition, or for the desk
            those of the campaign, finished or not; None where there are none.
        frozen: number of the edition, whose sources are remembered; None for the desk, whose change.
    """

    rows: QuerySet
    revision: str
    bounds: Box | None
    frozen: int | None = None

    def touching(self, box: Box, most: int | None = None) -> list[Source]:
        """Give the sources whose ground may meet a box in degrees, in order of tile name.

        Args:
            box: west, south, east, north.
            most: more than so many are refused.

        Raises:
            TooMany: there are more.
        """
        cell = _cell_around(box) if self.frozen else None
        near = self._near(box, most) if cell is None else _remembered(self.frozen, cell)
        found = [placed.source for placed in near if placed.meets(box)]
        if most and len(found) > most:
            raise TooMany(f"More than {most} tiles lie there.")
        return found

    def _near(self, box: Box, most: int | None = None) -> list[Placed]:
        """Ask the database; where there are more than `most`, one more than that comes back."""
        names = [f"{self.revision}__{name}" for name in ("id", "build_id", "folder", "build__folder")]
        near = self.rows.filter(tile__footprint__bboverlaps=Polygon.from_bbox(box)).order_by("tile_id")
        found = near.values_list("tile_id", *names, "tile__footprint")[: most and most + 1]
        if most and len(found) > most:
            raise TooMany(f"More than {most} tiles lie there.")
        return [Placed(Source(*values), tuple(p.extent for p in outline)) for *values, outline in found]

    def reaches(self, box: Box) -> bool:
        """Whether a box in degrees meets the bounds."""
        if self.bounds is None:
            return False
        west, south, east, north = self.bounds
        return west < box[2] and east > box[0] and south < box[3] and north > box[1]


def _cell_around(box: Box) -> tuple[int, int] | None:
    """Give the square of zoom 8 that a box lies in, None where it reaches over an edge."""
    side = 2**BASE_ZOOM
    lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if abs(lat) >= MOST_LATITUDE or not -180 <= lon < 180:
        return None
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
    cell = int((lon + 180) / 360 * side), int(row)
    west, south, east, north = lonlat_box(BASE_ZOOM, *cell)
    inside = (
        west - HAIR <= box[0] and south - HAIR <= box[1] and box[2] <= east + HAIR and box[3] <= north + HAIR
    )
    return cell if inside else None


def _remembered(edition_id: int, cell: tuple[int, int]) -> list[Placed]:
    """Give the sources about a square of zoom 8 of an edition, which never change."""
    west, south, east, north = lonlat_box(BASE_ZOOM, *cell)
    around = west - HAIR, south - HAIR, east + HAIR, north + HAIR
    return _cells.get((edition_id, cell), lambda: _coverage(edition_id, None)._near(around))


def coverage_of_edition(edition: Edition) -> Coverage:
    """Give what an edition shows."""
    return _coverage(edition.pk, tuple(edition.bounds) if edition.bounds else None)


def _coverage(edition_id: int, bounds: Box | None) -> Coverage:
    return Coverage(EditionTile.objects.filter(edition=edition_id), "revision", bounds, edition_id)


def coverage_of_desk(campaign: Campaign) -> Coverage:
    """Give the newest revisions of a campaign, as reviewers and operators see them."""
    rows = CampaignTile.objects.filter(campaign=campaign)
    bounds = _bounds_of_campaign(campaign.pk, rows.count())
    return Coverage(rows.filter(current_revision__isnull=False), "current_revision", bounds)


@lru_cache(maxsize=BOUNDS_IN_MEMORY)
def _bounds_of_campaign(campaign_id: int, tiles: int) -> Box | None:
    """Give the bounds; ``tiles``, how many there are, tells one answer from the next as they only grow."""
    return extent_of(CampaignTile.objects.filter(campaign=campaign_id))
