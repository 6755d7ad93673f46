"""Blending of overlapping rasters by weights that depend on the place and the files alone.

The weight of a contributor at a place is `edge_weight` of the distance to its own edge x smoothstep(distance
to its nearest empty pixel), times a ramp around the meridian where another zone's tile covers the place too.
It is never zero where the contributor has data. Contributors are summed in order of name in float64, each by
its share of all weights, so that whoever computes a place gets the same bits, in windows of any size. Where
one alone has data its share is 1, and its values stay as they are to the bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from pipeline.ramps import Ramps, edge_weight, smoothstep, zone_weight
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
    """

    valid: Callable[[NDArray], NDArray[np.bool_]]
    values: Callable[[NDArray, Window], NDArray[np.float64]]
    decoded: bool = False
    limits: tuple[float, float] = (-np.inf, np.inf)


@dataclass(frozen=True)
class Part:
    """What one contributor gives to a window: values (bands, h, w), weight (0 = nothing), footprint."""

    zone: int
    values: NDArray[np.float64]
    weight: NDArray[np.float64]
    inside: NDArray[np.bool_]


@dataclass(frozen=True)
class Blended:
    """A blended window.

    Attributes:
        values: float64 (bands, h, w), 0 where not valid.
        valid: bool (h, w), where any contributor has data.
        footprints: int64 (h, w), bit i set where contributor i covers the place, with data or without.
    """

    values: NDArray[np.float64]
    valid: NDArray[np.bool_]
    footprints: NDArray[np.int64]


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
        x, y = pixel_centres(target)
        u, v = transformer(epsg, self.epsg).transform(x, y)
        col = (u - self.geobox.affine.c) / self.resolution
        row = (self.geobox.affine.f - v) / self.resolution
        height, width = self.geobox.shape
        inside = (col >= 0) & (row >= 0) & (col <= width) & (row <= height)
        if not inside.any():
            return None
        values, weight = self._interpolated(row[inside], col[inside])
        part = Part(self.epsg % 100, np.zeros((len(values), *inside.shape)), np.zeros(inside.shape), inside)
        part.values[:, inside] = values
        part.weight[inside] = weight * self._edge_weight(row[inside], col[inside])
        return part

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


def alone(target: GeoBox, sources: Sequence[Contributor]) -> tuple[Contributor, Window] | None:
    """The contributor that has a window of the target's grid to itself, and where that lies in it, if any."""
    meeting = [source for source in sources if source.meets(target)]
    window = meeting[0].own_window(target) if len(meeting) == 1 else None
    return None if window is None else (meeting[0], window)


def blend_window(target: GeoBox, sources: Sequence[Contributor], bands: int) -> Blended:
    """Blend a window of the target's grid from contributors in order of name."""
    if one := alone(target, sources):
        return _unblended(*one, sources.index(one[0]))
    shape = target.shape
    total, weights = np.zeros((bands, *shape)), np.zeros(shape)
    footprints = np.zeros(shape, np.int64)
    found = parts_of(target, sources)
    for position, part in found:
        weights += part.weight
        footprints |= part.inside.astype(np.int64) << position
    valid = weights > 0
    for _, part in found:
        total += part.values * np.divide(part.weight, weights, out=np.zeros(shape), where=valid)
    return Blended(total, valid, footprints)


def _unblended(source: Contributor, window: Window, position: int) -> Blended:
    """A window of one contributor alone, which needs no weights."""
    stored = source.stored(window)
    valid = source.prepare.valid(stored)
    values = source.prepare.values(stored, window)
    footprints = np.full(valid.shape, 1 << position, np.int64)
    return Blended(values if valid.all() else np.where(valid, values, 0.0), valid, footprints)


def parts_of(target: GeoBox, sources: Sequence[Contributor]) -> list[tuple[int, Part]]:
    """What each source gives to a window of the target's grid, by position; weights have the zones' ramps."""
    found = [(position, part) for position, source in enumerate(sources) if (part := source.part(target))]
    zone = epsg_of(target) % 100
    foreign = np.zeros(target.shape, bool)
    for _, part in found:
        if part.zone != zone:
            foreign |= part.inside
    if foreign.any():
        ramp = _zone_ramps(target, foreign, sources[0].ramps.zone)
        for _, part in found:
            part.weight[foreign] *= ramp(part.zone)
    return found


def pixel_centres(geobox: GeoBox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Easting and northing of the pixel centres, (h, w) each."""
    rows, cols = geobox.shape
    x = geobox.affine.c + (np.arange(cols) + 0.5) * geobox.affine.a
    y = geobox.affine.f + (np.arange(rows) + 0.5) * geobox.affine.e
    return tuple(np.meshgrid(x, y))


def _zone_ramps(
    target: GeoBox, where: NDArray[np.bool_], width: float
) -> Callable[[int], NDArray[np.float64]]:
    x, y = pixel_centres(target)
    longitude, latitude = transformer(epsg_of(target), 4326).transform(x[where], y[where])
    return lambda zone: zone_weight(zone, longitude, latitude, width)
