"""Maps in the true formats, drawn from the truth of a simulated scene."""

import json

import numpy as np
import rasterio
import shapely
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import shapes
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject, transform_bounds

from pipeline.grid import Tile

CODE = np.array([0, 80, 30, 10, 50, 50, 60], np.uint8)
"""Landcover class -> WorldCover's code."""

PIXEL = 3 / 36_000
"""Degrees of a pixel of WorldCover."""


def write_worldcover(folder, geobox, codes, year=2021, pixel=PIXEL):
    """Write codes on a grid as WorldCover is published: in degrees, one band of 8 bits, under its name."""
    left, bottom, right, top = transform_bounds(str(geobox.crs), "EPSG:4326", *geobox.boundingbox.bbox)
    cols, rows = (int((high - low) / pixel) + 4 for low, high in ((left, right), (bottom, top)))
    profile = {"driver": "GTiff", "height": rows, "width": cols, "count": 1, "dtype": "uint8", "nodata": 0}
    transform = from_origin(left - 2 * pixel, top + 2 * pixel, pixel, pixel)
    out = np.zeros((rows, cols), np.uint8)
    reproject(
        codes,
        out,
        src_transform=geobox.affine,
        src_crs=str(geobox.crs),
        dst_transform=transform,
        dst_crs="EPSG:4326",
        resampling=Resampling.nearest,
    )
    path = folder / f"ESA_WorldCover_10m_{year}_v200_N45E012_Map.tif"
    with rasterio.open(path, "w", **profile, crs="EPSG:4326", transform=transform) as dataset:
        dataset.write(out, 1)
    return path


def lonlat(outline, geobox):
    into = Transformer.from_crs(str(geobox.crs), 4326, always_xy=True)
    return shapely.transform(outline, lambda points: np.column_stack(into.transform(*points.T)))


def land_use(classes, geobox):
    """Yield (landuse, outline in longitude and latitude) of the built ground of a class raster."""
    for value, words in ((4, "residential"), (5, "industrial")):
        built = (classes == value).astype(np.uint8)
        for outline, inside in shapes(built, mask=built.astype(bool), transform=geobox.affine):
            if inside:
                yield words, lonlat(shapely.geometry.shape(outline), geobox)


def write_geojson(path, features):
    """Write (tags, outline) as GeoJSON."""
    content = [
        {"type": "Feature", "properties": tags, "geometry": json.loads(shapely.to_geojson(outline))}
        for tags, outline in features
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": content}))
    return path


def words_for(maps, out, **changed):
    """The command's words; a value of None leaves one out."""
    asked = {**maps, "out": out, "date": "2021-07-01", **changed}
    pairs = (
        (f"--{name.replace('_', '-')}", str(value)) for name, value in asked.items() if value is not None
    )
    return ["labels", *(word for pair in pairs for word in pair)]


def grid(pixels=64, resolution=10.0):
    """A small grid in tile 33TWL."""
    affine = Tile.parse("33TWL").transform(resolution)
    return GeoBox((pixels, pixels), affine, "EPSG:32633")
