import dataclasses
import socket

import pytest
import torch
from safetensors.torch import save_file

from pipeline.networks.card import Card, file_sha256
from pipeline.networks.network import build
from pipeline.networks.normalise import Normalisation
from pipeline.training.config import CONFIGS


@pytest.fixture
def few(monkeypatch):
    """Few and small simulated crops."""
    monkeypatch.setattr("pipeline.training.datasets.simulated.CROPS_PER_SEED", 3)
    monkeypatch.setattr("pipeline.training.datasets.simulated.PREVIEWS_PER_SEED", 1)
    monkeypatch.setattr("pipeline.training.validation.CROPS", 4)


@pytest.fixture
def tiny(tmp_path):
    """Make a copy of the shipped configuration of a network, small enough for a test; returns its path."""

    def write(name, source, lines=""):
        text = (CONFIGS / f"{name}.toml").read_text(encoding="utf-8")
        kept = [
            line
            for line in text.split("[sources]")[0].splitlines()
            if not line.startswith(("width", "crop", "batch"))
        ]
        path = tmp_path / f"{name}-tiny.toml"
        head = f"width = 0.0625\nbatch = 2\ncrop = 32\n{lines}\n"
        path.write_text(head + "\n".join(kept) + f"\n[sources]\n{source} = 1.0\n")
        return path

    return write


@pytest.fixture
def crops(few, tmp_path):
    """Draw the crops of some seeds into a cache; returns its folder."""
    from pipeline.training.datasets.simulated import cache_folder, kinds_for, write_seed

    def draw(name, source, *seeds):
        (kind,) = kinds_for([source], name)
        folder = cache_folder(tmp_path / "cache", kind, 32)
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            write_seed(seed, folder, kind, 32)
        return tmp_path / "cache"

    return draw


@pytest.fixture
def free_port():
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
