"""Weights of small networks that always tell the same, as a user might register them."""

import dataclasses

import torch
from safetensors.torch import save_file

from pipeline.networks.card import file_sha256, read_card
from pipeline.networks.modules import build
from pipeline.networks.registry import WEIGHTS


def write_own(folder, name="buildings", said=None, **changes):
    """Write weights and card of a network that tells one class everywhere; gives the card.

    Args:
        folder: made where it is missing.
        name: the network; what its card does not have in `changes` is as in the one that ships.
        said: the class; the last one where None.
        changes: fields of the card.
    """
    shipped = read_card(WEIGHTS / f"{name}.json")
    small = {
        "version": "7.0.0",
        "width": 0.0625,
        "places": {},
        "figures": {},
        "training": {},
        "made_from": "",
    }
    card = dataclasses.replace(shipped, **{**small, **changes})
    torch.manual_seed(3)
    module = build(card)
    with torch.no_grad():
        told = card.classes.index(said) if said else len(card.classes) - 1
        module.head.weight.zero_()
        module.head.bias.copy_(scores(told, card))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    save_file(module.state_dict(), path)
    card = dataclasses.replace(card, sha256=file_sha256(path))
    card.write(folder / f"{name}.json")
    (folder / f"{name}.md").write_text(f"# {name}\n", encoding="utf-8")
    return card


def scores(told, card):
    if card.kind == "haze":
        return torch.tensor([8.0 if told else -8.0])
    return 8 * torch.nn.functional.one_hot(torch.tensor(told), len(card.classes))
