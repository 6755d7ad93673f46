"""Rasters that take part in a blend: what each gives to a window of any grid, and its weight there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.distance import distance_to_false
from pipeline.ground import SOUTH_OFFSET, epsg_of, transformer
from pipeline.lowpass import smooth_parts
from pipeline.ramps import Ramps, edge_weight, smoothstep
from pipeline.raster import geobox_of, opened, padded
from pipeline.resample import Places, between_pixels


@dataclass(frozen=True)
class Prepare:
    """How pixels as stored, (bands, h, w), become what is blended.

    Attributes:
        valid: where they hold data, bool (h, w).
        values: what they mean, float64 (bands, h, w), given them and their window of the contributor.
        decoded: whether they are stored reflectance and the values that and nothing more.
        limits: least and greatest value that can be, to which values between pixels are held.
        sharp: whether a blend is to keep their detail, so that smooth part and detail are mixed apart.
    """

    valid: Callable[[NDArray], NDArray[np.bool_]]
    values: Callable[[NDArray, Window], NDArray[np.float64]]
    decoded: bool = False
    limits: tuple[float, float] = (-np.inf, np.inf)
    sharp: bool = False


@dataclass(frozen=True)
class Part:
    """What one contributor gives to a window: values (bands, h, w), weight (0 = nothing), footprint."""

    zone: int
    values: NDArray[np.float64]
    weight: NDArray[np.float64]
    inside: NDArray[np.bool_]


@contextmanager
def contributors(
    paths: Mapping[str, Path], prepare: Mapping[str, Prepare], ramps: Ramps
) -> Iterator[list["Contributor"]]:
    """Open the rasters that are blended, in order of name."""
    with ExitStack() as stack:
        yield [
            Contributor(name, stack.enter_context(opened(paths[name])), prepare[name], ramps)
            for name in sorted(paths)
        ]


class Contributor:
    """One raster that takes part in a blend.

    Args:
        name: the tile's name.
        dataset: its open raster, on the tile's grid.
        prepare: from stored pixels to values and validity.
        ramps: how its weight comes in.
    """

    def __init__(self, name: str, dataset: DatasetReader, prepare: Prepare, ramps: Ramps) -> None:
        self.name = name
        self.dataset, self.turn = dataset, Lock()
        self.prepare = prepare
        self.ramps = ramps
        self.geobox = geobox_of(dataset)
        self.epsg = epsg_of(self.geobox)
        self.resolution = self.geobox.affine.a
        self.reach = int(np.ceil(ramps.hole / self.resolution)) + 1

    def meets(self, target: GeoBox) -> bool:
        """Whether it may have a say in a window of the target's grid."""
        offset = self._pixel_offset(target)
        if offset is None:
            return self._may_meet(target, epsg_of(target))
        return all(
            first < count and first + length > 0
            for first, length, count in zip(offset, target.shape, self.geobox.shape, strict=True)
        )

    def own_window(self, target: GeoBox) -> Window | None:
        """Where a window of the target's grid lies in this raster; None where it does not, pixel on pixel."""
        offset = self._pixel_offset(target)
        if offset is None:
            return None
        (row, col), (height, width) = offset, target.shape
        inside = row >= 0 and col >= 0 and row + height <= self.geobox.shape[0]
        return Window(col, row, width, height) if inside and col + width <= self.geobox.shape[1] else None

    def stored(self, window: Window) -> NDArray:
        """The pixels of a window of this raster; threads take turns."""
        with self.turn:
            return self.dataset.read(window=window)

    def part(self, target: GeoBox) -> Part | None:
        """What it gives to a window of the target's grid; None where they do not meet."""
        offset = self._pixel_offset(target)
        if offset is not None:
            return self._aligned_part(target, *offset)
        return self._warped_part(target, epsg_of(target))

    def smooth(self, target: GeoBox, where: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Its smooth part (bands, n) at the pixels of a window of the target's grid where it has a say."""
        offset = self._pixel_offset(target)
        if offset is None:
            row, col = self._places(target, where)
        else:
            lines, columns = np.nonzero(where)
            row, col = lines + np.float64(offset[0] + 0.5), columns + np.float64(offset[1] + 0.5)
        return smooth_parts(self._filled, self.geobox.shape.yx, self.resolution, row, col)

    def _filled(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Values of a window of this raster, 0 where there is no data, and where there is."""
        stored = self.stored(window)
        valid = self.prepare.valid(stored)
        return np.where(valid, self.prepare.values(stored, window), 0.0), valid

    def _pixel_offset(self, target: GeoBox) -> tuple[int, int] | None:
        """Row and column of the target's first pixel in this raster; None where pixels are not aligned."""
        epsg = epsg_of(target)
        if epsg % 100 != self.epsg % 100 or target.affine.a != self.resolution:
            return None
        col = (target.affine.c - self.geobox.affine.c) / self.resolution
        row = (self.geobox.affine.f + self._northing_shift(epsg) - target.affine.f) / self.resolution
        if abs(col - round(col)) > 1e-6 or abs(row - round(row)) > 1e-6:
            return None
        return round(row), round(col)

    def _northing_shift(self, epsg: int) -> int:
        """What to add to this raster's northings to have those of another CRS of the same zone."""
        return SOUTH_OFFSET * ((epsg // 100 == 327) - (self.epsg // 100 == 327))

    def _aligned_part(self, target: GeoBox, row: int, col: int) -> Part | None:
        height, width = target.shape
        first_row, first_col = max(row, 0), max(col, 0)
        last_row = min(row + height, self.geobox.shape[0])
        last_col = min(col + width, self.geobox.shape[1])
        if last_row <= first_row or last_col <= first_col:
            return None
        window = Window(first_col, first_row, last_col - first_col, last_row - first_row)
        values, weight = self._read(window)
        weight *= self._edge_weight(
            np.arange(first_row, last_row)[:, None] + 0.5, np.arange(first_col, last_col)[None, :] + 0.5
        )
        place = slice(first_row - row, last_row - row), slice(first_col - col, last_col - col)
        part = Part(
            self.epsg % 100,
            np.zeros((len(values), height, width)),
            np.zeros((height, width)),
            np.zeros((height, width), bool),
        )
        part.values[(slice(None), *place)] = values
        part.weight[place] = weight
        part.inside[place] = True
        return part

    def _warped_part(self, target: GeoBox, epsg: int) -> Part | None:
        if not self._may_meet(target, epsg):
            return None
        row, col = self._places(target, np.s_[:, :])
        height, width = self.geobox.shape
        inside = (col >= 0) & (row >= 0) & (col <= width) & (row <= height)
        if not inside.any():
            return None
        values, weight = self._interpolated(row[inside], col[inside])
        part = Part(self.epsg % 100, np.zeros((len(values), *inside.shape)), np.zeros(inside.shape), inside)
        part.values[:, inside] = values
        part.weight[inside] = weight * self._edge_weight(row[inside], col[inside])
        return part

    def _places(
        self, target: GeoBox, where: NDArray[np.bool_] | tuple[slice, slice]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Row and column, in pixels from this raster's corner, of some of the target's pixel centres."""
        x, y = pixel_centres(target)
        u, v = transformer(epsg_of(target), self.epsg).transform(x[where], y[where])
        return (self.geobox.affine.f - v) / self.resolution, (u - self.geobox.affine.c) / self.resolution

    def _may_meet(self, target: GeoBox, epsg: int) -> bool:
        box = target.boundingbox
        steps = np.linspace(0, 1, 9)
        x, y = np.meshgrid(
            box.left + steps * (box.right - box.left), box.bottom + steps * (box.top - box.bottom)
        )
        u, v = transformer(epsg, self.epsg).transform(x.ravel(), y.ravel())
        own, slack = self.geobox.boundingbox, 1_000 + 2 * self.resolution
        return bool(
            u.max() > own.left - slack
            and u.min() < own.right + slack
            and v.max() > own.bottom - slack
            and v.min() < own.top + slack
        )

    def _interpolated(
        self, row: NDArray[np.float64], col: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values (bands, n) and hole weights (n) between the pixels around; see `between_pixels`."""
        height, width = self.geobox.shape
        rows, cols = Places.of(row - 0.5, height), Places.of(col - 0.5, width)
        (top, bottom), (left, right) = rows.span(), cols.span()
        outside = (max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0))
        top, bottom, left, right = max(top, 0), min(bottom, height), max(left, 0), min(right, width)
        values, weight = self._read(Window(left, top, right - left, bottom - top))
        found, weight = between_pixels(
            np.pad(values, ((0, 0), *outside)), np.pad(weight, outside), rows, cols
        )
        return np.clip(found, *self.prepare.limits, out=found), weight

    def _read(self, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values and hole weights of a window of this raster, read with an apron."""
        grown, inner = padded(window, self.reach, self.geobox.shape.yx)
        stored = self.stored(grown)
        valid = self.prepare.valid(stored)
        distance = distance_to_false(valid, self.ramps.hole / self.resolution)[inner]
        weight = smoothstep(distance * self.resolution / self.ramps.hole)
        values = self.prepare.values(stored[(slice(None), *inner)], window)
        return np.where(valid[inner], values, 0.0), weight

    def _edge_weight(self, row: NDArray[np.floating], col: NDArray[np.floating]) -> NDArray[np.float64]:
        """Weight by the distance to the raster's own edge; row and column in pixels from its corner."""
        height, width = self.geobox.shape
        distance = np.minimum(np.minimum(row, height - row), np.minimum(col, width - col)).astype(np.float64)
        return edge_weight(distance * self.resolution, self.ramps)


def pixel_centres(geobox: GeoBox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Easting and northing of the pixel centres, (h, w) each."""
    rows, cols = geobox.shape
    x = geobox.affine.c + (np.arange(cols) + 0.5) * geobox.affine.a
    y = geobox.affine.f + (np.arange(rows) + 0.5) * geobox.affine.e
    return tuple(np.meshgrid(x, y))
