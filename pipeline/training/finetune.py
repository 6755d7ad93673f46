"""Training that starts from weights that are there: to fit a network to a place of one's own."""

import dataclasses
from pathlib import Path

import torch
from torch import nn

from pipeline.errors import ModelError, UsageError
from pipeline.networks import NAMES
from pipeline.networks.card import Card, file_sha256, read_card
from pipeline.networks.registry import WEIGHTS
from pipeline.training.config import Config

STEPS = 400
RATE = 5e-4
SEEDS = "1-24"
"""Of the simulated crops among the user's own, so that what was learnt before is not forgotten."""


def read_start(what: str, name: str, folder: Path = WEIGHTS) -> tuple[Card, Path]:
    """Return card and weights file that training is to start from.

    Args:
        what: the name of a network that ships, or a weights file with its card beside it.
        name: the network that is trained.
        folder: of the weights that ship.

    Raises:
        UsageError: there is no such file, or it is another network's.
        ModelError: the weights are not those of the card.
    """
    path = folder / f"{what}.safetensors" if what in NAMES else Path(what)
    if not path.is_file():
        raise UsageError(f"There are no weights to start from at {path}; give a name or a file.", "from")
    card = read_card(path.with_suffix(".json"))
    if card.name != name:
        raise UsageError(f"The weights {path} are of {card.name}, not of {name}.", "from")
    found = file_sha256(path)
    if found != card.sha256:
        raise ModelError(f"The weights {path} have the hash {found}, the card says {card.sha256}.")
    return card, path


def start_from(config: Config, card: Card, shorter: bool) -> Config:
    """Return the configuration for going on from a card's weights.

    What the network is (bands, classes, width, normalisation) is the card's.

    Args:
        config: of the network.
        card: of the weights.
        shorter: take `STEPS` at `RATE` on `SEEDS` instead of what the configuration says.

    Returns:
        The configuration; its version is the card's next minor one.
    """
    same = ("name", "kind", "bands", "classes", "width", "normalisation", "reach")
    changes = {key: getattr(card, key) for key in same}
    changes["version"] = next_version(card.version)
    changes["made_from"] = f"{card.name} {card.version}, SHA-256 {card.sha256}"
    changes["trained_on"] = (*card.trained_on, *(s for s in config.trained_on if s not in card.trained_on))
    changes["weaknesses"] = card.weaknesses or config.weaknesses
    # The lean of the first training is in the weights already.
    changes["lean"] = ()
    if shorter:
        changes |= {"steps": STEPS, "learning_rate": RATE, "seeds": SEEDS}
    return dataclasses.replace(config, **changes)


def next_version(version: str) -> str:
    """Return the version after, its minor number raised: "2.0.1" gives "2.1.0", "test" gives "test.1"."""
    parts = version.split(".")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        return f"{parts[0]}.{int(parts[1]) + 1}.0"
    return f"{version}.1"


def mixed(module: nn.Module, path: Path, keep: float) -> nn.Module:
    """Mix trained weights with those that training started from, in place; returns the module.

    Between the two, a network keeps more of what it knew and has most of what is new (Wortsman et al., 2022,
    "Robust fine-tuning of zero-shot models").

    Args:
        module: trained.
        path: the weights file that it started from.
        keep: share of the trained weights.
    """
    from safetensors.torch import load_file

    start = load_file(path)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.mul_(keep).add_(start[name].to(value.device), alpha=1 - keep)
    return module


def fill(module: nn.Module, path: Path) -> nn.Module:
    """Load a weights file into a module; returns it.

    Raises:
        ModelError: the shapes are others.
    """
    from safetensors.torch import load_file

    try:
        module.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ModelError(f"The weights {path} do not fit their card: {error}") from error
    return module
