import dataclasses

import pytest
import torch
from safetensors.torch import save_file

from pipeline.networks.card import Card, file_sha256
from pipeline.networks.network import build
from pipeline.networks.normalise import Normalisation


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
