from datetime import UTC, date, datetime

import numpy as np
import pytest

from pipeline.catalog.scene import Scene
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.raster import Raster, encode, write_raster
from pipeline.settings import CampaignSettings

COARSE = 600


@pytest.fixture
def tile():
    return Tile.parse("33TWM")


@pytest.fixture
def settings():
    """Settings on a grid of 183 x 183 pixels, which no campaign offers, to be quick."""
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", COARSE)
    return coarse


@pytest.fixture
def make_scene(tmp_path, tile):
    """Write a scene's reflectance and cloud mask into the build folder `tmp_path`; gives the scene."""

    def write(name, reflectance, cloud, resolution=COARSE):
        geobox = tile.geobox(resolution)
        place = scene_folder(tmp_path, name)
        stored = encode(np.broadcast_to(reflectance, (4, *geobox.shape)), cloud != 255)
        write_raster(place / "reflectance.tif", Raster(stored, geobox), nodata=0)
        write_raster(place / "cloud.tif", Raster(cloud.astype(np.uint8)[None], geobox), nodata=255)
        moment = datetime(2023, 8, 1, 10, tzinfo=UTC)
        return Scene(name, tile.name, moment, "L2A", "05.09", "take", 10.0, {})

    return write


@pytest.fixture
def surface():
    """Land of 183 x 183 pixels with texture, reflectance (4, h, w)."""
    rng = np.random.default_rng(1)
    texture = 0.8 + 0.4 * rng.random((183, 183))
    return np.array([0.06, 0.07, 0.05, 0.3])[:, None, None] * texture
