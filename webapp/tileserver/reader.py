"""Reading a map tile or a point from the GeoTIFFs of several tiles, through rio-tiler."""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.warp import transform
from rio_tiler.errors import PointOutsideBounds
from rio_tiler.io import Reader

from pipeline.overlay import RIM, well_inside
from webapp.tileserver.layers import Layer

OPEN_FILES_PER_THREAD = 48
WEB_MERCATOR = CRS.from_epsg(3857)
HALF_WORLD = math.pi * 6378137.0
EDGE_POINTS = 21

Box = tuple[float, float, float, float]


class MapTile(NamedTuple):
    """One XYZ web-map image's place: zoom, column from the west, row from the north."""

    z: int
    x: int
    y: int

    def pixel(self, size: int) -> float:
        """Give the side of a pixel in Web-Mercator metres, for a picture of ``size`` pixels."""
        return 2 * HALF_WORLD / 2**self.z / size

    def corner(self) -> tuple[float, float]:
        """Give the upper-left corner in Web-Mercator metres."""
        side = self.pixel(1)
        return self.x * side - HALF_WORLD, HALF_WORLD - self.y * side


class OpenFile(NamedTuple):
    """A data set with the Web-Mercator boxes it lies in (two across the antimeridian)."""

    dataset: DatasetReader
    boxes: tuple[Box, ...]


class OpenFiles(threading.local):
    """The data sets that a thread keeps open, least recently used closed first.

    A product never changes under its name, so an open handle never goes stale; GDAL's handles must not
    be shared between threads.
    """

    def __init__(self, limit: int = OPEN_FILES_PER_THREAD):
        """Keep at most ``limit`` data sets open in each thread."""
        self.limit = limit
        self._open: OrderedDict[tuple[str, int | None], OpenFile] = OrderedDict()

    def get(self, path: str, overview: int | None = None) -> OpenFile:
        """Give the open data set of a path, or of one of its overviews (0 is the finest).

        Raises:
            rasterio.errors.RasterioIOError: the file is not there or is no raster.
        """
        key = (path, overview)
        file = self._open.pop(key, None)
        if file is None:
            options = {} if overview is None else {"overview_level": overview}
            dataset = rasterio.open(path, **options)
            file = OpenFile(dataset, mercator_boxes(dataset))
        self._open[key] = file
        while len(self._open) > self.limit:
            self._open.popitem(last=False)[1].dataset.close()
        return file

    def close(self) -> None:
        """Close what this thread holds open."""
        while self._open:
            self._open.popitem()[1].dataset.close()


open_files = OpenFiles()


def mercator_boxes(dataset: DatasetReader) -> tuple[Box, ...]:
    """Give the Web-Mercator boxes around a data set: one, or one on each side of the antimeridian."""
    left, bottom, right, top = dataset.bounds
    along = np.linspace(0, 1, EDGE_POINTS)
    across, up = left + along * (right - left), bottom + along * (top - bottom)
    edges_x = np.concatenate([across, across, np.full_like(up, left), np.full_like(up, right)])
    edges_y = np.concatenate([np.full_like(across, bottom), np.full_like(across, top), up, up])
    xs, ys = (np.asarray(values) for values in transform(dataset.crs, WEB_MERCATOR, edges_x, edges_y))
    if np.ptp(xs) <= HALF_WORLD:
        return (_around(xs, ys),)
    west, south, _, north = _around(xs[xs > 0], ys)
    _, _, east, _ = _around(xs[xs < 0], ys)
    return (west, south, HALF_WORLD, north), (-HALF_WORLD, south, east, north)


def _around(xs: np.ndarray, ys: np.ndarray) -> Box:
    return float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())


def best_overview(dataset: DatasetReader, decimation: float) -> int | None:
    """Give the coarsest overview that is still at least as fine as the picture, None for the file itself."""
    fine_enough = [level for level, factor in enumerate(dataset.overviews(1)) if factor <= decimation]
    return fine_enough[-1] if fine_enough else None


class Part(NamedTuple):
    """What one file shows of a picture: values (bands, h, w) of some rows and columns, and where it does.

    ``inside`` is where it also does all around.
    """

    place: tuple[slice, slice]
    values: np.ndarray
    valid: np.ndarray
    inside: np.ndarray


def read_tile(paths: Sequence[str], layer: Layer, tile: MapTile, size: int) -> np.ma.MaskedArray | None:
    """Read one map tile, the first file with data at a pixel and around it winning.

    Pixels at the very edge of a file's data are made of fewer of its pixels, so they show only where no
    other file has anything better.

    Args:
        paths: files of the tiles that may touch the map tile, in order of preference.
        layer: what to read of each.
        tile: the map tile, in range for its zoom.
        size: rows and columns of the picture.

    Returns:
        (bands, size, size) in the files' type, masked where empty in any band; None where all is empty.

    Raises:
        rasterio.errors.RasterioIOError: a file cannot be read.
    """
    values = np.zeros((len(layer.indexes), size, size), np.uint8)
    empty, parts = np.ones((size, size), bool), []
    for path in paths:
        for box in open_files.get(path).boxes:
            place = _pixels_of(box, tile, size)
            if empty[place].any():
                part = _read_part(path, layer, tile, size, place)
                _lay(values, empty, part, part.inside)
                parts.append(part)
    for part in parts:
        _lay(values, empty, part, part.valid)
    if empty.all():
        return None
    return np.ma.MaskedArray(values, mask=np.broadcast_to(empty, values.shape))


def _lay(values: np.ndarray, empty: np.ndarray, part: Part, where: np.ndarray) -> None:
    fresh = empty[part.place] & where
    values[(slice(None), *part.place)][:, fresh] = part.values[:, fresh]
    empty[part.place][fresh] = False


def _pixels_of(box: Box, tile: MapTile, size: int) -> tuple[slice, slice]:
    """Give the picture's rows and columns that a box touches; empty slices where it does not."""
    pixel, (left, top) = tile.pixel(size), tile.corner()
    first_row, last_row = math.floor((top - box[3]) / pixel), math.ceil((top - box[1]) / pixel)
    first_col, last_col = math.floor((box[0] - left) / pixel), math.ceil((box[2] - left) / pixel)
    return (
        slice(min(max(first_row, 0), size), min(max(last_row, 0), size)),
        slice(min(max(first_col, 0), size), min(max(last_col, 0), size)),
    )


def _read_part(path: str, layer: Layer, tile: MapTile, size: int, place: tuple[slice, slice]) -> Part:
    """Read a file's part of the picture, from the overview that fits.

    rio-tiler warps at the file's own resolution: a whole world around a small file would take minutes.
    """
    pixel, (left, top), (rows, cols) = tile.pixel(size), tile.corner(), place
    dataset = open_files.get(path).dataset
    ground = pixel * _mercator_shrink(open_files.get(path).boxes[0])
    overview = best_overview(dataset, ground / dataset.res[0])
    reader = Reader(
        path, dataset=open_files.get(path, overview).dataset, colormap={}, options={"nodata": layer.nodata}
    )
    bounds = (
        left + (cols.start - RIM) * pixel,
        top - (rows.stop + RIM) * pixel,
        left + (cols.stop + RIM) * pixel,
        top - (rows.start - RIM) * pixel,
    )
    found = reader.part(
        bounds,
        dst_crs=WEB_MERCATOR,
        bounds_crs=WEB_MERCATOR,
        height=rows.stop - rows.start + 2 * RIM,
        width=cols.stop - cols.start + 2 * RIM,
        indexes=layer.indexes,
        resampling_method=layer.resampling,
        reproject_method=layer.resampling,
    ).array
    valid = ~np.ma.getmaskarray(found).any(axis=0)
    core = slice(RIM, -RIM), slice(RIM, -RIM)
    return Part(place, found.data[(slice(None), *core)], valid[core], well_inside(valid, RIM)[core])


def _mercator_shrink(box: Box) -> float:
    """Give how long a Web-Mercator metre is on the ground, in the middle of a box."""
    return 1 / math.cosh((box[1] + box[3]) / 2 / 6378137.0)


def read_point(
    paths: Sequence[str], layer: Layer, lon: float, lat: float
) -> tuple[str, tuple[int, ...]] | None:
    """Read the values under a point from the first file that has data there.

    Args:
        paths: files that may cover the point, in order of preference.
        layer: what to read of each.
        lon: degrees east.
        lat: degrees north.

    Returns:
        The file's path and its values by band, or None where all are empty.

    Raises:
        rasterio.errors.RasterioIOError: a file cannot be read.
    """
    for path in paths:
        dataset = open_files.get(path).dataset
        reader = Reader(path, dataset=dataset, colormap={}, options={"nodata": layer.nodata})
        try:
            values = reader.point(lon, lat, indexes=layer.indexes).array
        except PointOutsideBounds:
            continue
        if not np.ma.getmaskarray(values).any():
            return path, tuple(int(value) for value in values)
    return None
