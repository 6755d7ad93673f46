"""Reading a map tile or a point from the GeoTIFFs of several tiles, through rio-tiler."""

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.io import DatasetReader
from rasterio.windows import Window
from rio_tiler.errors import PointOutsideBounds
from rio_tiler.io import Reader

from pipeline.overlay import RIM, well_inside
from pipeline.web_copy import BLOCK, EQUATOR_PIXEL, HALF_WORLD, WEB_MERCATOR, Box, mercator_boxes
from webapp.tileserver.layers import Layer

OPEN_FILES_PER_THREAD = 48
FAR_PIXELS = 0.01
PLACES_IN_MEMORY = 65_536


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


class WebGrid(NamedTuple):
    """Where a file lies among the pixels of map tiles: their zoom, and column and row of its first."""

    zoom: int
    left: int
    top: int


class OpenFile(NamedTuple):
    """A data set with the Web-Mercator boxes around it (two over the antimeridian), and its grid if any."""

    dataset: DatasetReader
    boxes: tuple[Box, ...]
    grid: WebGrid | None


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
            if key not in _places:
                if len(_places) >= PLACES_IN_MEMORY:
                    _places.clear()
                _places[key] = mercator_boxes(dataset), web_grid(dataset)
            file = OpenFile(dataset, *_places[key])
        self._open[key] = file
        while len(self._open) > self.limit:
            self._open.popitem(last=False)[1].dataset.close()
        return file

    def close(self) -> None:
        """Close what this thread holds open."""
        while self._open:
            key, file = self._open.popitem()
            file.dataset.close()
            _places.pop(key, None)


# Where files lie, for all threads: to find it takes longer than to open one.
_places: dict[tuple[str, int | None], tuple[tuple[Box, ...], WebGrid | None]] = {}
open_files = OpenFiles()


def web_grid(dataset: DatasetReader) -> WebGrid | None:
    """Give the place of a file whose pixels are those of map tiles of some zoom; None for any other."""
    if dataset.crs != WEB_MERCATOR:
        return None
    zoom = round(math.log2(EQUATOR_PIXEL / dataset.res[0]))
    pixel = EQUATOR_PIXEL / 2**zoom
    left, top = (dataset.transform.c + HALF_WORLD) / pixel, (HALF_WORLD - dataset.transform.f) / pixel
    far = max(abs(dataset.res[0] / pixel - 1) * dataset.width, abs(left - round(left)), abs(top - round(top)))
    return WebGrid(zoom, round(left), round(top)) if far < FAR_PIXELS else None


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
    alone = _read_full(paths[0], layer, tile, size) if len(paths) == 1 else None
    if alone is not None:
        return np.ma.MaskedArray(alone)
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


def _read_full(path: str, layer: Layer, tile: MapTile, size: int) -> np.ndarray | None:
    """Read a map tile from a file on its grid that has data at each pixel; None where that is not so."""
    found = _read_aligned(open_files.get(path), layer, tile, size, (slice(0, size), slice(0, size)), rim=0)
    return None if found is None or (found == layer.nodata).any() else found


def _read_aligned(
    file: OpenFile, layer: Layer, tile: MapTile, size: int, place: tuple[slice, slice], rim: int
) -> np.ndarray | None:
    """Read the rows and columns of a picture, and so many pixels around, from a file that has just these.

    Returns:
        (bands, h, w) uint8, no data beyond the file; None where its pixels are no others of this size.
    """
    if file.grid is None:
        return None
    finer = file.grid.zoom - tile.z - (size // BLOCK).bit_length() + 1
    if finer < 0 or (finer and 2**finer not in file.dataset.overviews(1)):
        return None
    rows, cols = place
    top = tile.y * size + rows.start - rim - (file.grid.top >> finer)
    left = tile.x * size + cols.start - rim - (file.grid.left >> finer)
    height, width = rows.stop - rows.start + 2 * rim, cols.stop - cols.start + 2 * rim
    high, wide = file.dataset.height >> finer, file.dataset.width >> finer
    first_row, last_row = max(top, 0), min(top + height, high)
    first_col, last_col = max(left, 0), min(left + width, wide)
    if first_row >= last_row or first_col >= last_col:
        return np.full((len(layer.indexes), height, width), layer.nodata, np.uint8)
    shape = (len(layer.indexes), last_row - first_row, last_col - first_col)
    window = Window(first_col << finer, first_row << finer, shape[2] << finer, shape[1] << finer)
    found = file.dataset.read(layer.indexes, window=window, out_shape=shape)
    if shape[1:] == (height, width):
        return found
    values = np.full((len(layer.indexes), height, width), layer.nodata, np.uint8)
    values[:, first_row - top : last_row - top, first_col - left : last_col - left] = found
    return values


def _lay(values: np.ndarray, empty: np.ndarray, part: Part, where: np.ndarray) -> None:
    fresh = empty[part.place] & where
    np.copyto(values[(slice(None), *part.place)], part.values, where=fresh)
    empty[part.place] &= ~fresh


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
    """Read a file's part of the picture, from the overview that fits."""
    found = _read_aligned(open_files.get(path), layer, tile, size, place, RIM)
    values = _warped(path, layer, tile, size, place) if found is None else _masked(found, layer)
    valid = ~np.ma.getmaskarray(values).any(axis=0)
    core = slice(RIM, -RIM), slice(RIM, -RIM)
    return Part(place, values.data[(slice(None), *core)], valid[core], well_inside(valid, RIM)[core])


def _masked(values: np.ndarray, layer: Layer) -> np.ma.MaskedArray:
    return np.ma.MaskedArray(values, mask=values == layer.nodata)


def _warped(
    path: str, layer: Layer, tile: MapTile, size: int, place: tuple[slice, slice]
) -> np.ma.MaskedArray:
    """Read a part with the rim around it from a file in any projection.

    rio-tiler warps at the file's own resolution: a whole world around a small file would take minutes.
    """
    pixel, (left, top), (rows, cols) = tile.pixel(size), tile.corner(), place
    dataset = open_files.get(path).dataset
    ground = pixel * (1.0 if open_files.get(path).grid else _mercator_shrink(open_files.get(path).boxes[0]))
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
    return reader.part(
        bounds,
        dst_crs=WEB_MERCATOR,
        bounds_crs=WEB_MERCATOR,
        height=rows.stop - rows.start + 2 * RIM,
        width=cols.stop - cols.start + 2 * RIM,
        indexes=layer.indexes,
        resampling_method=layer.resampling,
        reproject_method=layer.resampling,
    ).array


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
