"""A simulated scene and maps of its truth."""

import datetime as dt

import numpy as np
import pytest

from pipeline.grid import Tile
from pipeline.raster import BANDS, Raster, encode, write_raster
from pipeline.training.datasets.drawing import draw, square, world_of
from tests.pipeline.training.recipe.maps import CODE, land_use, write_geojson, write_worldcover


@pytest.fixture(scope="session")
def drawn():
    """A clear simulated scene of 256 x 256 pixels of 10 m that holds both kinds of built ground."""
    for seed in range(8000, 8040):
        world = world_of(seed)
        tile = Tile.parse(world.reference_tile)
        for row, col in ((0.3, 0.3), (0.5, 0.5), (0.7, 0.6)):
            geobox = square(tile, 10, 256, row, col)
            scene = draw(world, geobox, dt.date(2021, 7, 1), cloud_cover=0, hazy=False)
            counts = np.bincount(scene.classes.ravel(), minlength=7)
            if counts[4] > 2000 and counts[5] > 500:
                return scene, geobox
    raise AssertionError("no seed has both kinds of built ground")


@pytest.fixture(scope="session")
def maps(drawn, tmp_path_factory):
    """The scene as a raster, WorldCover and OpenStreetMap drawn from its truth: a dict of paths."""
    scene, geobox = drawn
    folder = tmp_path_factory.mktemp("maps")
    write_raster(
        folder / "scene.tif",
        Raster(encode(scene.reflectance), geobox),
        nodata=0,
        descriptions=BANDS,
        reflectance=True,
    )
    cloud = np.zeros((1, *geobox.shape.yx), np.uint8)
    write_raster(folder / "clear.tif", Raster(cloud, geobox), nodata=255)
    features = [({"landuse": words}, outline) for words, outline in land_use(scene.classes, geobox)]
    return {
        "scene": folder / "scene.tif",
        "cloud": folder / "clear.tif",
        "worldcover": write_worldcover(folder, geobox, CODE[scene.classes]),
        "osm": write_geojson(folder / "osm.geojson", features),
    }
