"""What an edition, or the desk, shows where: the files of its tiles and the ground they cover."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.contrib.gis.geos import MultiPolygon

from webapp.campaigns.models import Campaign, CampaignTile, Edition
from webapp.tileserver.layers import Layer
from webapp.tileserver.reader import MapTile

EDITIONS_IN_MEMORY = 64
Box = tuple[float, float, float, float]


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
        folder = self.build_folder if layer.folder == "build" else self.revision_folder
        return str(Path(settings.STORAGE_ROOT) / folder / layer.product)


@dataclass(frozen=True)
class Coverage:
    """The sources of an edition or of the desk, findable by place.

    Attributes:
        sources: one per tile with a mosaic, in order of tile name.
        boxes: (n, 4) west, south, east, north in degrees; a tile over the antimeridian has two.
        owners: (n,) index into ``sources`` of each box.
        bounds: around all tiles of the campaign, finished or not; None where it has none.
    """

    sources: tuple[Source, ...]
    boxes: np.ndarray
    owners: np.ndarray
    bounds: Box | None

    def touching(self, box: Box) -> list[Source]:
        """Give the sources whose ground may meet a box in degrees, in order of tile name."""
        west, south, east, north = box
        b = self.boxes
        meets = (b[:, 0] <= east) & (b[:, 2] >= west) & (b[:, 1] <= north) & (b[:, 3] >= south)
        return [self.sources[index] for index in np.unique(self.owners[meets])]

    def reaches(self, box: Box) -> bool:
        """Whether a box in degrees meets the bounds."""
        if self.bounds is None:
            return False
        west, south, east, north = self.bounds
        return west < box[2] and east > box[0] and south < box[3] and north > box[1]


def lonlat_box(tile: MapTile) -> Box:
    """Give west, south, east, north of a map tile in degrees."""
    side = 360 / 2**tile.z
    west = tile.x * side - 180
    return west, _latitude(tile.y + 1, tile.z), west + side, _latitude(tile.y, tile.z)


def _latitude(row: int, zoom: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**zoom))))


def coverage_of_edition(edition: Edition) -> Coverage:
    """Give what an edition shows; kept in memory, as an edition never changes."""
    return _coverage_of_edition(edition.pk)


@lru_cache(maxsize=EDITIONS_IN_MEMORY)
def _coverage_of_edition(edition_id: int) -> Coverage:
    rows = (
        Edition.objects.get(pk=edition_id)
        .tiles.order_by("tile_id")
        .values_list(
            "tile_id",
            "tile__footprint",
            "revision_id",
            "revision__build_id",
            "revision__folder",
            "revision__build__folder",
        )
    )
    return _coverage(rows)


def coverage_of_desk(campaign: Campaign) -> Coverage:
    """Give the newest revisions of a campaign, as reviewers and operators see them, in one query."""
    rows = CampaignTile.objects.filter(campaign=campaign).order_by("tile_id")
    return _coverage(
        rows.values_list(
            "tile_id",
            "tile__footprint",
            "current_revision_id",
            "current_revision__build_id",
            "current_revision__folder",
            "current_revision__build__folder",
        )
    )


def _coverage(rows: Iterable[tuple[Any, ...]]) -> Coverage:
    sources: list[Source] = []
    boxes: list[Box] = []
    owners: list[int] = []
    everywhere: list[Box] = []
    for name, footprint, revision_id, build_id, revision_folder, build_folder in rows:
        parts = _parts(footprint)
        everywhere += parts
        if revision_id is not None:
            owners += [len(sources)] * len(parts)
            boxes += parts
            sources.append(Source(name, revision_id, build_id, revision_folder, build_folder))
    return Coverage(
        tuple(sources), np.array(boxes, float).reshape(-1, 4), np.array(owners, int), _around(everywhere)
    )


def _parts(footprint: MultiPolygon) -> list[Box]:
    return [polygon.extent for polygon in footprint]


def _around(boxes: list[Box]) -> Box | None:
    if not boxes:
        return None
    west, south, east, north = np.array(boxes).T
    return float(west.min()), float(south.min()), float(east.max()), float(north.max())
