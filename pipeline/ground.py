"""Means of reflectance over square cells of ground that lie on absolute coordinates."""

from dataclasses import dataclass, replace
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

    def part(self, top: int, left: int, bottom: int, right: int) -> "Cells":
        """The cells of rows from top to bottom and columns from left to right, which must be among them."""
        at = slice(top - self.row, bottom - self.row), slice(left - self.column, right - self.column)
        mean = np.ascontiguousarray(self.mean[:, *at])
        return replace(self, column=left, row=top, mean=mean, count=self.count[at], land=self.land[at])

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


@lru_cache(maxsize=256)
def transformer(source: int, target: int) -> Transformer:
    """Eastings and northings, or longitudes and latitudes, from one EPSG code to another."""
    return Transformer.from_crs(source, target, always_xy=True)


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
