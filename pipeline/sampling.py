"""A stratified random sample of the pixels of a map of several tiles, each place counted once."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio import DatasetReader
from rasterio.features import rasterize
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from pipeline.accuracy import allocate
from pipeline.raster import geobox_of, opened, window_geobox, windows

CODES = 7


@dataclass(frozen=True)
class Point:
    """A pixel of the sample.

    Attributes:
        tile: whose map shows it.
        lon, lat: of its middle, degrees.
        code: its class by the map.
    """

    tile: str
    lon: float
    lat: float
    code: int


@dataclass(frozen=True)
class Sample:
    """What was drawn.

    Attributes:
        pixels: of the map by class code, 1..6; what it does not show is left out.
        area: of a pixel in square metres.
        points: in random order.
    """

    pixels: Mapping[int, int]
    area: float
    points: tuple[Point, ...]


def draw_sample(
    maps: Mapping[str, Path],
    points: int,
    least: int,
    seed: int,
    within: BaseGeometry | None = None,
) -> Sample:
    """Draw pixels at random from each class of a map, without replacement.

    Where tiles overlap, a place belongs to the first of them by name that has data there, so that every place
    has the same chance.

    Args:
        maps: landcover.tif by tile name, all of one resolution.
        points: how many in all.
        least: of each class that the map shows.
        seed: of the generator.
        within: polygons in longitude and latitude that the sample is kept to.

    Raises:
        UsageError: the map shows nothing there, or the points are too few.
        SourceError: a map cannot be read.
    """
    generator = np.random.default_rng(seed)
    parts = [
        (name, window, np.bincount(codes.ravel(), minlength=CODES))
        for name in sorted(maps)
        for window, codes in _own_ground(name, maps, within)
    ]
    totals = sum((counts for _, _, counts in parts), np.zeros(CODES, np.int64))
    pixels = {code: int(totals[code]) for code in range(1, CODES) if totals[code]}
    chosen = {
        code: np.sort(generator.choice(pixels[code], count, replace=False))
        for code, count in allocate(pixels, points, least).items()
    }
    found = list(_placed(maps, within, parts, chosen))
    order = generator.permutation(len(found))
    return Sample(pixels, _pixel_area(maps), tuple(found[index] for index in order))


def _pixel_area(maps: Mapping[str, Path]) -> float:
    with opened(next(iter(maps.values()))) as dataset:
        return float(abs(dataset.transform.a * dataset.transform.e))


def _own_ground(
    name: str, maps: Mapping[str, Path], within: BaseGeometry | None, only: Sequence[Window] | None = None
) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
    """The windows of a tile's map, 0 where a tile before it shows the place or it lies outside."""
    with ExitStack() as stack:
        dataset = stack.enter_context(opened(maps[name]))
        first = [
            stack.enter_context(_on_grid(stack.enter_context(opened(maps[other])), dataset))
            for other in sorted(maps)
            if other < name and _near(maps[other], dataset)
        ]
        outline = None if within is None else _projected(within, dataset)
        for window in windows(dataset.shape) if only is None else only:
            codes = dataset.read(1, window=window)
            for other in first:
                codes[other.read(1, window=window) > 0] = 0
            if outline is not None:
                codes[~_inside(outline, dataset, window)] = 0
            yield window, codes


def _placed(
    maps: Mapping[str, Path],
    within: BaseGeometry | None,
    parts: Sequence[tuple[str, Window, NDArray[np.int64]]],
    chosen: Mapping[int, NDArray[np.int64]],
) -> Iterator[Point]:
    """The points of the chosen ranks: the windows that hold any are read once more."""
    passed = np.zeros(CODES, np.int64)
    wanted: dict[str, list[tuple[Window, dict[int, NDArray[np.int64]]]]] = {}
    for name, window, counts in parts:
        inside = {
            code: ranks[(ranks >= passed[code]) & (ranks < passed[code] + counts[code])] - passed[code]
            for code, ranks in chosen.items()
        }
        passed += counts
        if any(len(ranks) for ranks in inside.values()):
            wanted.setdefault(name, []).append((window, inside))
    for name, found in wanted.items():
        with opened(maps[name]) as dataset:
            there, grid = dataset.transform, dataset.crs.to_wkt()
        to_degrees = Transformer.from_crs(grid, 4326, always_xy=True)
        ground = _own_ground(name, maps, within, [window for window, _ in found])
        for (window, codes), (_, inside) in zip(ground, found, strict=True):
            for code, ranks in inside.items():
                rows, cols = (places[ranks] for places in np.nonzero(codes == code))
                xs, ys = there @ (cols + window.col_off + 0.5, rows + window.row_off + 0.5)
                lons, lats = to_degrees.transform(xs, ys)
                for lon, lat in zip(np.atleast_1d(lons), np.atleast_1d(lats), strict=True):
                    yield Point(name, round(float(lon), 7), round(float(lat), 7), code)


def _near(path: Path, dataset: DatasetReader) -> bool:
    """Whether another map may meet this one."""
    with opened(path) as other:
        west, south, east, north = transform_bounds(other.crs, dataset.crs, *other.bounds)
    bounds = dataset.bounds
    return west < bounds.right and east > bounds.left and south < bounds.top and north > bounds.bottom


def _on_grid(other: DatasetReader, dataset: DatasetReader) -> Any:
    """Another map on the grid of this one, the nearest pixel, 0 outside."""
    return WarpedVRT(
        other,
        crs=dataset.crs,
        transform=dataset.transform,
        width=dataset.width,
        height=dataset.height,
        src_nodata=0,
        nodata=0,
    )


def _projected(within: BaseGeometry, dataset: DatasetReader) -> BaseGeometry:
    into = Transformer.from_crs(4326, dataset.crs.to_wkt(), always_xy=True)
    return shapely.transform(within, lambda points: np.column_stack(into.transform(*points.T)))


def _inside(outline: BaseGeometry, dataset: DatasetReader, window: Window) -> NDArray[np.bool_]:
    part = window_geobox(geobox_of(dataset), window)
    found: NDArray[np.uint8] = rasterize(
        [(outline, 1)], out_shape=part.shape.yx, transform=part.affine, dtype="uint8"
    )
    return found.astype(bool)
