"""The networks as torch modules, and the tensors of a module as those of a weights file."""

import torch
from torch import nn

from pipeline.networks.card import Card
from pipeline.networks.haze import HazeNet
from pipeline.networks.plan import Tensors
from pipeline.networks.unet import UNet


def build(card: Card) -> nn.Module:
    """Return the untrained module that a card describes."""
    if card.kind == "haze":
        return HazeNet(len(card.bands), card.width)
    return UNet(len(card.bands), len(card.classes), card.width)


def tensors_of(module: nn.Module) -> Tensors:
    """Return a module's tensors by name, as a weights file has them."""
    return {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}


def filled(card: Card, tensors: Tensors) -> nn.Module:
    """Return the module that a card describes with these tensors in it."""
    module = build(card)
    module.load_state_dict({key: torch.from_numpy(value) for key, value in tensors.items()})
    return module
