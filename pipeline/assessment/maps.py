"""Mosaics as a web map shows them: warped to Web Mercator, the first tile with data winning."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from pipeline.overlay import well_inside
from pipeline.raster import opened

WEB_MERCATOR = "EPSG:3857"
HALF_WORLD = 20_037_508.342789244
MAP_TILE = 256
# Zooms up to this one come from the pyramid, whose pixels are means.
MEANS_TO = 8


def mercator_grid(paths: Mapping[str, Path], zoom: int) -> GeoBox:
    """The pixels of a zoom, with map tiles of 256 x 256, that hold all of some rasters."""
    pixel = 2 * HALF_WORLD / MAP_TILE / 2**zoom
    boxes = []
    for path in paths.values():
        with opened(path) as dataset:
            boxes.append(transform_bounds(dataset.crs, WEB_MERCATOR, *dataset.bounds))
    west, south, east, north = (
        f(side) for f, side in zip((min, min, max, max), zip(*boxes, strict=True), strict=True)
    )
    left, top = math.floor((west + HALF_WORLD) / pixel), math.floor((HALF_WORLD - north) / pixel)
    right, bottom = math.ceil((east + HALF_WORLD) / pixel), math.ceil((HALF_WORLD - south) / pixel)
    affine = Affine(pixel, 0, left * pixel - HALF_WORLD, 0, -pixel, HALF_WORLD - top * pixel)
    return GeoBox((bottom - top, right - left), affine, WEB_MERCATOR)


def ground_pixel(grid: GeoBox) -> float:
    """Metres on the ground of a Web-Mercator pixel in the middle of a grid."""
    box = grid.boundingbox
    return float(grid.affine.a / math.cosh((box.bottom + box.top) / 2 / 6_378_137.0))


def read_on(path: Path, grid: GeoBox, zoom: int, labels: bool = False) -> NDArray[np.uint8]:
    """A raster (bands, h, w) on a part of the pixels of a zoom, as the tile server and the pyramid read it.

    Bilinear from the coarsest overview that is still as fine; the mean of the pixels up to `MEANS_TO`; labels
    by the nearest one.
    """
    kind = Resampling.average if zoom <= MEANS_TO else Resampling.bilinear
    with opened(path) as whole:
        fine = ground_pixel(grid) / whole.res[0]
        levels = [level for level, factor in enumerate(whole.overviews(1)) if factor <= fine]
    options = {"overview_level": levels[-1]} if levels and zoom > MEANS_TO else {}
    with rasterio.open(path, **options) as dataset:
        return warped(dataset, grid, Resampling.nearest if labels else kind)


def warped(dataset: DatasetReader, grid: GeoBox, resampling: Resampling) -> NDArray:
    """All bands of an open raster on a grid in Web Mercator, 0 where it has no data."""
    rows, cols = grid.shape.yx
    with WarpedVRT(
        dataset,
        crs=WEB_MERCATOR,
        transform=grid.affine,
        width=cols,
        height=rows,
        src_nodata=0,
        nodata=0,
        resampling=resampling,
    ) as source:
        return np.asarray(source.read())


def first_wins(versions: Mapping[str, NDArray[np.uint8]], order: Iterable[str]) -> NDArray[np.uint8]:
    """The map (bands, h, w) of several tiles: the first in an order that has data shows, away from its edge.

    As on the tile server, what lies at the edge of a tile's data shows only where no other tile has anything.
    """
    names, shown = list(order), np.zeros_like(next(iter(versions.values())))
    turn = winner(np.stack([(versions[name] != 0).all(axis=0) for name in names]))
    for number, name in enumerate(names, start=1):
        shown[:, turn == number] = versions[name][:, turn == number]
    return shown


def winner(valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Which of several pictures, in order of preference, shows at each pixel.

    Args:
        valid: bool (n, h, w), where each has data.

    Returns:
        uint8 (h, w): 1 for the first, 0 where none has data.
    """
    candidates = np.concatenate([np.stack([well_inside(one) for one in valid]), valid])
    found = candidates.argmax(axis=0) % len(valid) + 1
    return np.where(valid.any(axis=0), found, 0).astype(np.uint8)
