"""Small networks, small tiles, and a real scene."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipeline import grid
from pipeline.networks.card import Card, file_sha256
from pipeline.networks.modules import build
from pipeline.networks.normalise import Normalisation
from pipeline.raster import read_raster


@pytest.fixture
def make_card():
    """Make the card of a small cloud network; keywords replace its fields."""
    fields = {
        "name": "cloud",
        "version": "test",
        "kind": "unet",
        "bands": ("red", "green", "blue", "nir"),
        "classes": ("clear", "cloud", "shadow"),
        "width": 0.0625,
        "normalisation": Normalisation(),
        "window": 64,
        "margin": 256,
    }
    return lambda **changes: Card(**{**fields, **changes})


@pytest.fixture
def make_weights(tmp_path, make_card):
    """Write seeded random weights with a card that fits them; returns their folder."""

    def write(**changes):
        torch.manual_seed(1)
        card = make_card(**changes)
        path = tmp_path / f"{card.name}.safetensors"
        save_file(build(card).state_dict(), path)
        dataclasses.replace(card, sha256=file_sha256(path)).write(tmp_path / f"{card.name}.json")
        return tmp_path

    return write


@pytest.fixture
def weights(make_weights):
    return make_weights()


@pytest.fixture
def make_tiles_small(monkeypatch):
    """Give every tile, until the test ends, this many metres a side from its upper-left corner."""

    def forget():
        grid._parse.cache_clear()
        grid._neighbours.cache_clear()

    def shrink(size):
        monkeypatch.setattr(grid, "SIZE", size)
        forget()

    yield shrink
    monkeypatch.undo()
    forget()


@pytest.fixture(scope="session")
def alpine_reflectance(shared_data):
    """33TWL on 2023-08-20, 915 x 915 pixels with cumulus and shadows, NaN where it is empty."""
    place = shared_data / "alpine_33TWL_33TWM" / "S2B_33TWL_20230820_0_L2A"
    numbers = np.concatenate(
        [read_raster(place / f"{name}.tif").data for name in ("B04", "B03", "B02", "B08")]
    )
    return np.where((numbers > 0).all(axis=0), numbers.astype(np.float32) / 10_000, np.nan)
