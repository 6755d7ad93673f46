"""Copies of a revision's products laid out for web maps: each 256 x 256 block is a map tile of one zoom.

A map tile is then one block of the file, at its own zoom or an overview, with nothing to warp. The products
themselves, in UTM, stay the record.
"""

import math
from pathlib import Path

import numpy as np
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.shutil import copy as copy_raster
from rasterio.warp import transform

from pipeline.errors import SourceError, StorageError
from pipeline.storage import read_json, whole_file, write_json

FOLDER = "web"
LIST = "copies.json"
BLOCK = 256
FIRST_ZOOM = 9
HALF_WORLD = math.pi * 6378137.0
EQUATOR_PIXEL = 2 * HALF_WORLD / BLOCK
EDGE_POINTS = 21
WEB_MERCATOR = CRS.from_epsg(3857)
# How the finest zoom is warped, and how each lower zoom comes from the one above.
RULES = {
    "mosaic.tif": ("bilinear", "average"),
    "landcover.tif": ("nearest", "mode"),
    "confidence.tif": ("bilinear", "average"),
}

Box = tuple[float, float, float, float]


def native_zoom(resolution: float, latitude: float) -> int:
    """Give the first zoom whose pixels are at least as fine as those of `resolution` metres at a latitude."""
    return max(0, math.ceil(math.log2(EQUATOR_PIXEL * math.cos(math.radians(latitude)) / resolution)))


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


def path_of(folder: Path, product: str) -> Path:
    """Give the place of the copy of a product of a revision's folder."""
    return Path(folder) / FOLDER / product


def write_web_copies(folder: Path, threads: int = 1) -> tuple[str, ...]:
    """Write the copies of all products of a revision that have none, and then the list of those there are.

    Args:
        folder: the revision's, with mosaic.tif, landcover.tif and confidence.tif.
        threads: that warp and pack.

    Returns:
        The products that have a copy. None has where the tile lies over the antimeridian, as the copy would
        span the world, or where it is so coarse that the pyramid of low zooms shows all of it.

    Raises:
        SourceError: a product is missing or broken.
        StorageError: a copy cannot be written.
    """
    folder = Path(folder)
    found = tuple(
        product
        for product in RULES
        if path_of(folder, product).exists()
        or write_web_copy(folder / product, path_of(folder, product), threads)
    )
    write_json(path_of(folder, LIST), {"products": list(found)})
    return found


def list_of(folder: Path) -> tuple[str, ...] | None:
    """Give the products of a revision's folder that have a copy; None before all were made."""
    path = path_of(folder, LIST)
    return tuple(read_json(path)["products"]) if path.exists() else None


def write_web_copy(source: Path, target: Path, threads: int = 1) -> bool:
    """Write the copy of one product, a COG on the grid of map tiles from its own zoom down to zoom 9.

    Returns:
        Whether there is one now; see `write_web_copies`.

    Raises:
        SourceError: the product is missing or broken.
        StorageError: the copy cannot be written.
    """
    try:
        with rasterio.open(source) as dataset:
            boxes, pixel = mercator_boxes(dataset), dataset.res[0]
    except RasterioError as error:
        raise SourceError(f"{source} cannot be read as a raster: {error}.") from error
    zoom = native_zoom(pixel, latitude_of((boxes[0][1] + boxes[0][3]) / 2))
    if len(boxes) > 1 or zoom < FIRST_ZOOM:
        return False
    warp, halve = RULES[source.name]
    try:
        with whole_file(target) as beside:
            copy_raster(
                source,
                beside,
                driver="COG",
                tiling_scheme="GoogleMapsCompatible",
                zoom_level=zoom,
                aligned_levels=zoom - FIRST_ZOOM + 1,
                overview_count=zoom - FIRST_ZOOM,
                warp_resampling=warp,
                overview_resampling=halve,
                blocksize=BLOCK,
                add_alpha="no",
                compress="zstd",
                level=1,
                predictor="yes",
                num_threads=str(threads),
                BIGTIFF="IF_SAFER",
            )
    except (RasterioError, CPLE_BaseError) as error:
        raise StorageError(f"{target} could not be written: {str(error).rstrip('.')}.") from error
    return True


def latitude_of(northing: float) -> float:
    """Give the latitude in degrees of a Web-Mercator northing."""
    return math.degrees(math.atan(math.sinh(northing / 6378137.0)))
