"""Means of reflectance over square cells of ground that lie on absolute coordinates."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from pipeline.errors import StorageError
from pipeline.storage import whole_file

CELL = 480
SOUTH_OFFSET = 10_000_000
FULL_CELL = 0.9
GREEN, NIR = 1, 3
NODE = 20


@dataclass(frozen=True)
class Cells:
    """Cell means of one image.

    Cell (i, k) of the arrays covers eastings from (column + k) * size and southings from (row + i) * size;
    the southing is minus the northing counted from the equator, in both hemispheres.

    Attributes:
        epsg: the UTM zone.
        size: metres.
        column, row: of the first cell.
        mean: float32 (4, h, w), reflectance of the land pixels; 0 where there are none.
        count: int32 (h, w), land pixels that were averaged.
        land: float32 (h, w), their share among the pixels with data, 0..1.
        full: pixels of a whole cell.
    """

    epsg: int
    size: int
    column: int
    row: int
    mean: NDArray[np.float32]
    count: NDArray[np.int32]
    land: NDArray[np.float32]
    full: int

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Bool (h, w): cells that are land, and averaged, nearly all over."""
        return self.count >= FULL_CELL * self.full

    def save(self, path: Path) -> None:
        """Write to an .npz file, whole or not at all."""
        meta = np.array([self.epsg, self.size, self.column, self.row, self.full], np.int64)
        with whole_file(path) as beside, beside.open("wb") as file:
            np.savez(file, mean=self.mean, count=self.count, land=self.land, meta=meta)

    @classmethod
    def load(cls, path: Path) -> "Cells":
        """Read what `save` wrote.

        Raises:
            StorageError: the file is missing or broken.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                epsg, size, column, row, full = (int(value) for value in stored["meta"])
                return cls(epsg, size, column, row, stored["mean"], stored["count"], stored["land"], full)
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise StorageError(f"{path} is no file of cell means: {error}.") from error


def land(reflectance: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where ground is land and not water or snow: near infrared above green (NDWI below 0).

    Args:
        reflectance: (4, h, w) of R, G, B, NIR; NaN is not land.
    """
    return reflectance[NIR] > reflectance[GREEN]


def epsg_of(geobox: GeoBox) -> int:
    """EPSG code of a grid in a UTM zone."""
    code = geobox.crs.epsg if geobox.crs is not None else None
    if code is None:
        raise StorageError(f"The grid {geobox.crs} is in no UTM zone with an EPSG code.")
    return int(code)


def southing(epsg: int, northing: NDArray[np.floating] | float) -> NDArray[np.floating] | float:
    """Metres south of the equator, from a northing of its CRS."""
    return (SOUTH_OFFSET if epsg // 100 == 327 else 0) - northing


def cell_size(resolution: float) -> int:
    """Side of a cell in metres: the common one, or the nearest whole number of pixels."""
    return round(resolution) * max(round(CELL / resolution), 1)


class CellSums:
    """Sums over cells, fed window by window.

    Args:
        geobox: the grid of the whole image.
    """

    def __init__(self, geobox: GeoBox) -> None:
        self.epsg = epsg_of(geobox)
        self.resolution = geobox.affine.a
        self.size = cell_size(self.resolution)
        columns, rows = self._indices(geobox)
        self.column, self.row = int(columns[0]), int(rows[0])
        self.shape = int(rows[-1]) - self.row + 1, int(columns[-1]) - self.column + 1
        self.sums = np.zeros((4, *self.shape))
        self.count = np.zeros(self.shape)
        self.data = np.zeros(self.shape)

    def add(self, reflectance: NDArray[np.floating], use: NDArray[np.bool_], geobox: GeoBox) -> None:
        """Add a window.

        Args:
            reflectance: (4, h, w), NaN = no data.
            use: bool (h, w), pixels that may be averaged (those on land are).
            geobox: the window's grid.
        """
        columns, rows = self._indices(geobox)
        flat = ((rows - self.row) * self.shape[1])[:, None] + (columns - self.column)[None, :]
        use = use & np.isfinite(reflectance).all(axis=0)
        averaged = use & land(reflectance)
        self.data += self._binned(flat[use])
        self.count += self._binned(flat[averaged])
        for band in range(4):
            self.sums[band] += self._binned(flat[averaged], reflectance[band][averaged])

    def cells(self) -> Cells:
        """The means of what was added."""
        mean = self.sums / np.maximum(self.count, 1)
        share = self.count / np.maximum(self.data, 1)
        full = max(round(self.size / self.resolution), 1) ** 2
        return Cells(
            self.epsg,
            self.size,
            self.column,
            self.row,
            mean.astype(np.float32),
            self.count.astype(np.int32),
            share.astype(np.float32),
            full,
        )

    def _binned(
        self, index: NDArray[np.int64], weights: NDArray[np.floating] | None = None
    ) -> NDArray[np.float64]:
        counted = np.bincount(index, weights, self.shape[0] * self.shape[1])
        return counted.astype(np.float64).reshape(self.shape)

    def _indices(self, geobox: GeoBox) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows, cols = geobox.shape
        x = geobox.affine.c + (np.arange(cols) + 0.5) * self.resolution
        y = geobox.affine.f - (np.arange(rows) + 0.5) * self.resolution
        south = southing(self.epsg, y)
        return np.floor(x / self.size).astype(np.int64), np.floor(south / self.size).astype(np.int64)


@dataclass(frozen=True)
class SharedGround:
    """The cells that are usable in two images.

    Attributes:
        means: float64 (2, 4, n), reflectance of each image.
        places: float64 (2, 2, n), metres south and east of the cells' centres in each image's own zone.
    """

    means: NDArray[np.float64]
    places: NDArray[np.float64]


def shared_means(first: Cells, second: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of two images on the ground that is usable in both, float64 (4, n) each; see `shared_ground`."""
    means = shared_ground(first, second).means
    return means[0], means[1]


def shared_ground(first: Cells, second: Cells) -> SharedGround:
    """The ground that is usable in two images.

    In one zone these are the same cells. Across a zone edge the cells of `first` are compared with `second`
    interpolated between the four cells around the same place.

    Raises:
        StorageError: the cells of the two are not of one size.
    """
    if first.size != second.size:
        raise StorageError(f"Cell means of {first.size} m and {second.size} m cannot be compared.")
    if first.epsg % 100 == second.epsg % 100:
        return _same_cells(first, second)
    return _warped_cells(first, second)


def _same_cells(first: Cells, second: Cells) -> SharedGround:
    top, left = max(first.row, second.row), max(first.column, second.column)
    bottom = min(first.row + first.count.shape[0], second.row + second.count.shape[0])
    right = min(first.column + first.count.shape[1], second.column + second.count.shape[1])
    if bottom <= top or right <= left:
        return SharedGround(np.zeros((2, 4, 0)), np.zeros((2, 2, 0)))
    parts = [
        (slice(top - cells.row, bottom - cells.row), slice(left - cells.column, right - cells.column))
        for cells in (first, second)
    ]
    both = first.usable[parts[0]] & second.usable[parts[1]]
    means = [
        cells.mean[:, part[0], part[1]][:, both].astype(np.float64)
        for cells, part in zip((first, second), parts, strict=True)
    ]
    rows, cols = np.nonzero(both)
    place = np.stack([(rows + top + 0.5) * first.size, (cols + left + 0.5) * first.size])
    return SharedGround(np.stack(means), np.stack([place, place]))


def _warped_cells(first: Cells, second: Cells) -> SharedGround:
    x, south, u, there = _centres(first, second.epsg)
    height, width = second.count.shape
    within = (u > second.column * second.size) & (u < (second.column + width) * second.size)
    within &= (there > second.row * second.size) & (there < (second.row + height) * second.size)
    rows, cols = np.nonzero(first.usable & within)
    u, there = u[rows, cols], there[rows, cols]
    value, whole = _between_cells(second, there, u)
    own = first.mean[:, rows[whole], cols[whole]].astype(np.float64)
    places = np.stack([np.stack([south[rows], x[cols]])[:, whole], np.stack([there, u])[:, whole]])
    return SharedGround(np.stack([own, value]), places)


def _centres(
    cells: Cells, epsg: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Eastings (w) and southings (h) of the cells' centres, and both (h, w) in another zone.

    The latter are linear between every `NODE`-th cell, less than a metre from the exact ones.
    """
    height, width = cells.count.shape
    rows, cols = (np.arange(0, size + NODE, NODE) for size in (height, width))
    x, south = (
        (start + 0.5 + line) * cells.size for start, line in ((cells.column, cols), (cells.row, rows))
    )
    to_other = transformer(cells.epsg, epsg)
    u, v = to_other.transform(*np.meshgrid(x, southing(cells.epsg, south)))
    down, across = _linear_shares(height, rows), _linear_shares(width, cols)
    eastings, southings = (down @ np.asarray(field) @ across.T for field in (u, southing(epsg, v)))
    own_x, own_south = (
        (start + 0.5 + np.arange(count, dtype=np.float64)) * cells.size
        for start, count in ((cells.column, width), (cells.row, height))
    )
    return own_x, own_south, eastings, southings


def _linear_shares(size: int, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares (size, nodes) of the two nodes around each cell."""
    return np.maximum(0.0, 1 - np.abs(np.arange(size)[:, None] - nodes) / NODE)


@lru_cache(maxsize=256)
def transformer(source: int, target: int) -> Transformer:
    """Eastings and northings, or longitudes and latitudes, from one EPSG code to another."""
    return Transformer.from_crs(source, target, always_xy=True)


def _between_cells(
    cells: Cells, south: NDArray[np.float64], east: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Means (4, k) at the k of n places whose four cells around are all usable, and which those are, (n)."""
    across, down = east / cells.size - 0.5 - cells.column, south / cells.size - 0.5 - cells.row
    left, top = np.floor(across).astype(int), np.floor(down).astype(int)
    height, width = cells.count.shape
    whole = (left >= 0) & (top >= 0) & (left < width - 1) & (top < height - 1)
    corners = ((0, 0), (0, 1), (1, 0), (1, 1))
    for below, beside in corners:
        whole[whole] &= cells.usable[top[whole] + below, left[whole] + beside]
    left, top, across, down = left[whole], top[whole], across[whole], down[whole]
    value = np.zeros((4, left.size))
    for below, beside in corners:
        near = (1 - np.abs(across - left - beside)) * (1 - np.abs(down - top - below))
        value += near * cells.mean[:, top + below, left + beside]
    return value, whole
