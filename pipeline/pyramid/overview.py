"""The overview of one revision: all its products on the pixels of the base zoom."""

import math
from pathlib import Path

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import reproject

from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.pyramid.chips import WEB_MERCATOR, span_of
from pipeline.pyramid.parts import PARTS, Bytes, Part, empty
from pipeline.raster import profile
from pipeline.storage import whole_file

NAME = "overview.tif"
EARTH_RADIUS = 6378137.0
# Source pixels in a row that go into one pixel: fewer let their edges be seen, more take time.
FINENESS = 4
RESAMPLING = {"mean": Resampling.average, "mode": Resampling.mode, "first": Resampling.nearest}


def write_overview(tile: Tile, revision: Path, build: Path) -> Path:
    """Write overview.tif of a revision: mosaic, landcover, confidence and provenance in seven bands.

    A pure function of the products, on the absolute pixels of Web Mercator at zoom 8 with 512 x 512 chips
    (305.7 m at the equator): what two tiles hold of a pixel can be laid over each other without resampling.

    Args:
        tile: whose revision it is.
        revision: its folder, with mosaic.tif, landcover.tif and confidence.tif; the file goes there.
        build: the folder of its own build, with provenance.tif (and fill_provenance.tif, where holes are
            filled).

    Returns:
        The path.

    Raises:
        SourceError: a product is missing or broken.
        StorageError: the file cannot be written.
    """
    geobox = span_of(tile).geobox
    stack = empty(*geobox.shape.yx)
    for part in PARTS:
        folder = Path(revision if part.folder == "revision" else build)
        values = _warped(folder / part.product, part, geobox)
        if part.behind and (folder / part.behind).exists():
            behind = _warped(folder / part.behind, part, geobox)
            values = np.where(part.filled(values), values, behind)
        stack[part.bands] = values
    path = Path(revision) / NAME
    write_stack(path, stack, geobox)
    return path


def write_stack(path: Path, stack: Bytes, geobox: GeoBox) -> None:
    """Write seven bands as a GeoTIFF, band by band, so that one product is read alone."""
    options = profile(geobox, len(stack), "uint8", None) | {"interleave": "band", "tiled": True}
    with whole_file(path) as beside, rasterio.open(beside, "w", **options) as dataset:
        dataset.write(stack)


def _warped(path: Path, part: Part, geobox: GeoBox) -> Bytes:
    made = np.full((part.count, *geobox.shape.yx), part.empty, np.uint8)
    try:
        with rasterio.open(path) as dataset:
            level = overview_level(dataset, _ground_pixel(geobox))
        with rasterio.open(path, **({} if level is None else {"overview_level": level})) as dataset:
            reproject(
                rasterio.band(dataset, list(range(1, part.count + 1))),
                made,
                dst_transform=geobox.affine,
                dst_crs=WEB_MERCATOR,
                src_nodata=part.empty,
                dst_nodata=part.empty,
                resampling=RESAMPLING[part.rule],
                num_threads=1,
            )
    except RasterioError as error:
        raise SourceError(f"{path} cannot be read as a raster: {error}.") from error
    return made


def overview_level(dataset: DatasetReader, pixel: float) -> int | None:
    """Give the coarsest overview with at least four pixels along one of `pixel` metres, None for the file."""
    factors = dataset.overviews(1)
    fine = [level for level, factor in enumerate(factors) if factor * dataset.res[0] * FINENESS <= pixel]
    return fine[-1] if fine else None


def _ground_pixel(geobox: GeoBox) -> float:
    """Metres on the ground along the side of a pixel, in the middle of a Web-Mercator grid."""
    _, y = geobox.affine @ (0.0, geobox.shape.y / 2)
    return geobox.affine.a / math.cosh(y / EARTH_RADIUS)
