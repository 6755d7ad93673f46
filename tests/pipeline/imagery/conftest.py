from datetime import UTC, date, datetime

import numpy as np
import pytest
import torch

from pipeline.catalog.scene import Asset, Scene
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.networks import Chosen
from pipeline.networks.card import Card
from pipeline.networks.modules import build, tensors_of
from pipeline.networks.network import Network
from pipeline.networks.normalise import Normalisation
from pipeline.raster import BANDS, Raster, encode, write_raster
from pipeline.settings import CampaignSettings
from tests.file_server import file_server
from tests.pipeline.catalog.making import write_bands

COARSE = 600
SHAPE = (183, 183)


@pytest.fixture
def tile():
    return Tile.parse("33TWM")


@pytest.fixture
def settings():
    """Settings on a grid of 183 x 183 pixels, which no campaign offers, to be quick."""
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", COARSE)
    return coarse


def scene_of(name, tile, assets=None):
    return Scene(
        name, tile.name, datetime(2023, 8, 1, 10, tzinfo=UTC), "L2A", "05.09", "t", 10.0, assets or {}
    )


@pytest.fixture
def make_mask(tmp_path, tile):
    """Write a scene's cloud mask into the build folder `tmp_path`; gives the scene."""

    def write(name, cloud):
        path = scene_folder(tmp_path, name) / "cloud.tif"
        write_raster(path, Raster(cloud.astype(np.uint8)[None], tile.geobox(COARSE)), nodata=255)
        return scene_of(name, tile)

    return write


@pytest.fixture
def make_fetched(tmp_path, tile):
    """Write reflectance.tif into the build folder, 30 columns of it empty; gives scene and pixels."""

    def write(name):
        values = np.random.default_rng(3).uniform(0.02, 0.5, (4, *SHAPE))
        valid = np.ones(SHAPE, bool)
        valid[:, :30] = False
        stored = encode(values, valid)
        path = scene_folder(tmp_path, name) / "reflectance.tif"
        write_raster(path, Raster(stored, tile.geobox(COARSE)), nodata=0)
        return scene_of(name, tile), stored

    return write


@pytest.fixture
def make_source(tmp_path, tile):
    """Write the four bands of a scene as local files of DN = reflectance x 10000; gives scene and pixels."""

    def write(name):
        geobox = tile.geobox(COARSE)
        numbers = np.random.default_rng(4).integers(100, 5_000, (4, *SHAPE)).astype(np.uint16)
        assets = {}
        for band, values in zip(BANDS, numbers, strict=True):
            path = tmp_path / "source" / name / f"{band}.tif"
            write_raster(path, Raster(values[None], geobox), nodata=0)
            assets[band] = Asset(str(path))
        return scene_of(name, tile, assets), numbers

    return write


@pytest.fixture
def files(tmp_path):
    (tmp_path / "far").mkdir()
    with file_server(tmp_path / "far") as server:
        yield server


@pytest.fixture
def far_scene(files, tile):
    """A scene at http addresses, in blocks of 16 pixels; gives it and its DN."""
    numbers = np.random.default_rng(4).integers(100, 5_000, (4, *SHAPE))
    options = {"driver": "GTiff", "tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"}
    paths = write_bands(files.folder, numbers, tile=tile.name, resolution=COARSE, **options)
    assets = {band: Asset(files.at(path)) for band, path in zip(BANDS, paths.values(), strict=True)}
    return scene_of("late", tile, assets), numbers


@pytest.fixture
def seeded_cloud_network(monkeypatch):
    """A small network with seeded random weights in place of the shipped one; it runs the same way."""
    card = Card("cloud", "test", "unet", BANDS, ("clear", "cloud", "shadow"), 0.0625, Normalisation(), 64, 32)
    torch.manual_seed(2)
    network = Network(card, tensors_of(build(card)))
    monkeypatch.setattr(Chosen, "load", lambda self, name: {"cloud": network}[name])
    return network
