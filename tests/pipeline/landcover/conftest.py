from datetime import UTC, date, datetime

import numpy as np
import pytest
import torch

from pipeline.catalog.scene import Scene
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.networks import Chosen
from pipeline.networks.card import Card
from pipeline.networks.modules import build, tensors_of
from pipeline.networks.network import Network
from pipeline.networks.normalise import Normalisation
from pipeline.raster import Raster, encode, write_raster
from pipeline.settings import CampaignSettings

COARSE = 1200
OUTPUTS = {
    "water": (("nir", "red", "green"), ("other", "water")),
    "vegetation": (("nir", "red", "green"), ("other", "grass", "tree")),
    "buildings": (("red", "green", "blue"), ("other", "residential", "industrial")),
}


@pytest.fixture
def tile():
    return Tile.parse("33TWM")


@pytest.fixture
def settings():
    """Settings on a grid of 92 x 92 pixels, which no campaign offers, to be quick."""
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", COARSE)
    return coarse


def seeded_network(name, window=64):
    """A small network with seeded random weights, which runs as the shipped ones do."""
    bands, classes = OUTPUTS[name]
    card = Card(name, "test", "unet", bands, classes, 0.0625, Normalisation(), window, 32)
    torch.manual_seed(len(name))
    return Network(card, tensors_of(build(card)))


@pytest.fixture
def seeded_networks(monkeypatch):
    """The three networks with random weights in place of the shipped ones."""
    made = {name: seeded_network(name) for name in OUTPUTS}
    monkeypatch.setattr(Chosen, "load", lambda self, name: made[name])
    return made


@pytest.fixture
def make_scene(tmp_path, tile):
    """Write a scene's reflectance and cloud mask into the build folder `tmp_path`; gives the scene."""

    def write(name, cloud, seed=0):
        geobox = tile.geobox(COARSE)
        place = scene_folder(tmp_path, name)
        reflectance = np.random.default_rng(seed).uniform(0.02, 0.4, (4, *geobox.shape))
        write_raster(place / "reflectance.tif", Raster(encode(reflectance, cloud != 255), geobox), nodata=0)
        write_raster(place / "cloud.tif", Raster(cloud.astype(np.uint8)[None], geobox), nodata=255)
        moment = datetime(2023, 8, 1, 10, tzinfo=UTC)
        return Scene(name, tile.name, moment, "L2A", "05.09", "take", 10.0, {})

    return write
