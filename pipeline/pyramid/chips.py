"""Where chips lie: squares of Web Mercator, and which of them a tile reaches into."""

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform

from pipeline.grid import Tile

SIDE = 512
BASE_ZOOM = 8
HALF_WORLD = math.pi * 6378137.0
BASE_PIXELS = SIDE * 2**BASE_ZOOM
EDGE_POINTS = 21
WEB_MERCATOR = "EPSG:3857"


class Chip(NamedTuple):
    """One 512 x 512 square of the pyramid: zoom 0..8, column from the west, row from the north.

    It is the map tile of the same numbers at double size, so that both sizes of map tiles come from it.
    """

    z: int
    x: int
    y: int

    @property
    def parent(self) -> "Chip":
        """The chip one zoom lower that this one is a quarter of."""
        return Chip(self.z - 1, self.x // 2, self.y // 2)

    @property
    def children(self) -> tuple["Chip", ...]:
        """The four chips one zoom higher: upper left, upper right, lower left, lower right."""
        return tuple(Chip(self.z + 1, 2 * self.x + col, 2 * self.y + row) for row in (0, 1) for col in (0, 1))

    @property
    def geobox(self) -> GeoBox:
        """Its grid."""
        return _geobox(self.z, self.x * SIDE, self.y * SIDE, SIDE, SIDE)


class Span(NamedTuple):
    """A rectangle of the world's pixels at the base zoom; columns may run on past the antimeridian."""

    left: int
    top: int
    cols: int
    rows: int

    @property
    def geobox(self) -> GeoBox:
        """Its grid; beyond the antimeridian x grows on."""
        return _geobox(BASE_ZOOM, *self)


def _geobox(zoom: int, left: int, top: int, cols: int, rows: int) -> GeoBox:
    pixel = 2 * HALF_WORLD / 2**zoom / SIDE
    corner = Affine.translation(left * pixel - HALF_WORLD, HALF_WORLD - top * pixel)
    return GeoBox((rows, cols), corner @ Affine.scale(pixel, -pixel), WEB_MERCATOR)


@lru_cache(maxsize=32_768)
def span_of(tile: Tile) -> Span:
    """Give the pixels of the base zoom that hold a tile, with one pixel around."""
    left, bottom, right, top = tile.bounds
    along = np.linspace(0, 1, EDGE_POINTS)
    across, up = left + along * (right - left), bottom + along * (top - bottom)
    edges_x = np.concatenate([across, across, np.full_like(up, left), np.full_like(up, right)])
    edges_y = np.concatenate([np.full_like(across, bottom), np.full_like(across, top), up, up])
    xs, ys = (np.asarray(found) for found in transform(f"EPSG:{tile.epsg}", WEB_MERCATOR, edges_x, edges_y))
    xs = xs + 2 * HALF_WORLD * np.rint((xs[0] - xs) / (2 * HALF_WORLD))
    pixel = 2 * HALF_WORLD / BASE_PIXELS
    first_col = math.floor((xs.min() + HALF_WORLD) / pixel) - 1
    last_col = math.ceil((xs.max() + HALF_WORLD) / pixel) + 1
    first_row = math.floor((HALF_WORLD - ys.max()) / pixel) - 1
    last_row = math.ceil((HALF_WORLD - ys.min()) / pixel) + 1
    return Span(first_col % BASE_PIXELS, first_row, last_col - first_col, last_row - first_row)


@lru_cache(maxsize=32_768)
def chips_of(tile: Tile) -> frozenset[Chip]:
    """Give the chips of the base zoom that a tile reaches into."""
    span = span_of(tile)
    columns = range(span.left // SIDE, (span.left + span.cols - 1) // SIDE + 1)
    rows = range(span.top // SIDE, (span.top + span.rows - 1) // SIDE + 1)
    return frozenset(Chip(BASE_ZOOM, column % 2**BASE_ZOOM, row) for column in columns for row in rows)


def with_ancestors(chips: Iterable[Chip]) -> list[Chip]:
    """Give chips of the base zoom and all above them, sorted."""
    found = generation = set(chips)
    for _ in range(BASE_ZOOM):
        generation = {chip.parent for chip in generation}
        found = found | generation
    return sorted(found)


def lonlat_box(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """Give west, south, east, north in degrees of a square of Web Mercator, by zoom, column and row."""
    side = 360 / 2**z
    west = x * side - 180
    return west, _latitude(y + 1, z), west + side, _latitude(y, z)


def _latitude(row: int, zoom: int) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / 2**zoom))))
