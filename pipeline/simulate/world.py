"""The made-up earth: one seed, one zone in whose metres every field is defined."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.simulate.noise import Places, hashed

# Nodes of the map between zones: 1920 m apart, straight lines between them are within 0.1 m.
_NODE = 1920.0


@dataclass(frozen=True)
class World:
    """A made-up earth.

    Attributes:
        seed: the same seed gives the same earth and the same weather.
        reference_tile: the tile whose zone's metres define all fields, near which orbits have their edges.
    """

    seed: int
    reference_tile: str
    epsg: int = field(init=False)
    centre: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        """Take zone and centre from the reference tile; `UsageError` when it is no tile."""
        tile = Tile.parse(self.reference_tile)
        left, bottom, right, top = tile.bounds
        object.__setattr__(self, "epsg", tile.epsg)
        object.__setattr__(self, "centre", ((left + right) / 2, (bottom + top) / 2))

    def field(self, name: str, *keys: int) -> int:
        """Seed of one named field (of one date, where `keys` say so)."""
        return int(hashed(self.seed, zlib.crc32(name.encode()), *keys))

    def draw(self, name: str, *keys: int) -> np.random.Generator:
        """A generator for one named choice."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode()), *keys])

    def places(self, geobox: GeoBox) -> Places:
        """Pixel centres of a north-up grid of any UTM zone in the world's metres."""
        affine = geobox.affine
        rows, columns = geobox.shape
        x = affine.c + (np.arange(columns) + 0.5) * affine.a
        y = affine.f + (np.arange(rows) + 0.5) * affine.e
        epsg = epsg_of(geobox)
        if epsg % 100 == self.epsg % 100:
            south = (epsg // 100 == 327) - (self.epsg // 100 == 327)
            return Places(x[None, :], y[:, None] - south * 1e7, float(affine.a))
        return _across_zones(x, y, epsg, self.epsg, float(affine.a))


def epsg_of(geobox: GeoBox) -> int:
    """EPSG code of a grid.

    Raises:
        UsageError: it is in no UTM zone (326xx, 327xx).
    """
    code = geobox.crs.to_epsg() if geobox.crs else None
    if code is None or code // 100 not in (326, 327):
        raise UsageError(f"A scene is simulated on a grid of a UTM zone, not of {geobox.crs}.")
    return int(code)


def _across_zones(x: np.ndarray, y: np.ndarray, epsg: int, target: int, resolution: float) -> Places:
    node_x = np.arange(np.floor(x.min() / _NODE), np.floor(x.max() / _NODE) + 2) * _NODE
    node_y = np.arange(np.floor(y.min() / _NODE), np.floor(y.max() / _NODE) + 2) * _NODE
    transformer = Transformer.from_crs(epsg, target, always_xy=True)
    east, north = transformer.transform(*np.meshgrid(node_x, node_y))
    return Places(_bilinear(east, x, y, node_x, node_y), _bilinear(north, x, y, node_x, node_y), resolution)


def _bilinear(
    values: np.ndarray, x: np.ndarray, y: np.ndarray, node_x: np.ndarray, node_y: np.ndarray
) -> np.ndarray:
    column, row = (x - node_x[0]) / _NODE, (y - node_y[0]) / _NODE
    i, j = np.floor(row).astype(int), np.floor(column).astype(int)
    fx, fy = column - j, (row - i)[:, None]
    across = values[:, j] * (1 - fx) + values[:, j + 1] * fx
    return across[i] * (1 - fy) + across[i + 1] * fy


def pixel_index(geobox: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Row and column numbers counted from the zone's origin, int64, (h, 1) and (1, w)."""
    affine = geobox.affine
    rows, columns = geobox.shape
    top, left = round(affine.f / affine.e), round(affine.c / affine.a)
    return (top + np.arange(rows))[:, None], (left + np.arange(columns))[None, :]
