"""The grid of a delivered file: the area in a projection, on pixels that lie where the tiles' do."""

import math
from collections.abc import Sequence

import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from rasterio.warp import calculate_default_transform
from shapely.geometry.base import BaseGeometry

from pipeline.delivery.source import TileSource
from pipeline.errors import UsageError
from pipeline.raster import geobox_of, opened

WGS84 = CRS.from_epsg(4326)
STEP_DEGREES = 0.02
MOST_PIXELS = 2**34
WIDEST_DEGREES = 180


def in_crs(area: BaseGeometry, crs: CRS) -> BaseGeometry:
    """An area in longitude and latitude brought into another system, with points every 0.02 degrees."""
    to = Transformer.from_crs(WGS84, crs, always_xy=True)
    dense = shapely.segmentize(area, STEP_DEGREES)
    moved = shapely.transform(dense, lambda x, y: to.transform(x, y), interleaved=False)
    return moved if moved.is_valid else shapely.make_valid(moved)


def utm_of(sources: Sequence[TileSource], area: BaseGeometry) -> CRS:
    """The UTM zone of the tiles that hold most of the area."""
    share: dict[int, float] = {}
    for source in sources:
        part = source.tile.footprint.intersection(area).area
        share[source.tile.epsg] = share.get(source.tile.epsg, 0.0) + part
    return CRS.from_epsg(max(sorted(share), key=lambda epsg: share[epsg]))


def grid_of(sources: Sequence[TileSource], area: BaseGeometry, crs: CRS | None) -> GeoBox:
    """The smallest grid around the area that the tiles cover.

    Args:
        sources: the tiles.
        area: polygons in longitude and latitude.
        crs: of the grid; None for the UTM zone of the tiles, whose pixels it then shares.

    Raises:
        UsageError: the grid would be absurdly large, or nothing of the area is on the tiles.
    """
    covered = area.intersection(shapely.union_all([one.tile.footprint for one in sources]))
    if covered.is_empty:
        raise UsageError("No tile of the delivery has ground in the area.", "aoi")
    target = crs or utm_of(sources, area)
    outline = in_crs(covered, target)
    if not all(map(math.isfinite, outline.bounds)):
        raise UsageError(f"{target.name} cannot show this area: choose another projection.", "projection")
    if target.is_geographic and outline.bounds[2] - outline.bounds[0] > WIDEST_DEGREES:
        raise UsageError(
            "The area lies on both sides of the antimeridian: ask for one file per tile, or for UTM.",
            "projection",
        )
    left, top, size = _pixels(sources, target)
    west, south, east, north = outline.bounds
    first, last = math.floor((west - left) / size), math.ceil((east - left) / size)
    upper, lower = math.floor((top - north) / size), math.ceil((top - south) / size)
    cols, rows = max(last - first, 1), max(lower - upper, 1)
    if cols * rows > MOST_PIXELS:
        raise UsageError(
            f"One file would have {cols} x {rows} pixels: ask for one file per tile.", "per_tile"
        )
    affine = Affine(size, 0, left + first * size, 0, -size, top - upper * size)
    return GeoBox((rows, cols), affine, f"EPSG:{target.to_epsg()}")


def _pixels(sources: Sequence[TileSource], crs: CRS) -> tuple[float, float, float]:
    """A corner that pixels lie on, and their size in units of the system."""
    own = [one for one in sources if CRS.from_epsg(one.tile.epsg) == crs]
    with opened((own or list(sources))[0].folder / "mosaic.tif") as dataset:
        geobox = geobox_of(dataset)
        if own:
            return geobox.affine.c, geobox.affine.f, geobox.affine.a
        affine, _, _ = calculate_default_transform(
            dataset.crs, crs.to_wkt(), dataset.width, dataset.height, *dataset.bounds
        )
    return 0.0, 0.0, affine.a
