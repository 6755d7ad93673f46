"""Weights for shipping: NAME.safetensors, the card NAME.json, and NAME.md for people."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.networks.card import Card, file_sha256, read_card
from pipeline.storage import write_bytes


def leant(module: nn.Module, lean: Sequence[float]) -> nn.Module:
    """Add to the scores that a U-Net gives its classes, in place; returns it.

    Args:
        module: trained.
        lean: what is added, one for each class; empty = nothing.

    Raises:
        UsageError: there are not as many as classes.
    """
    if lean:
        head = cast(nn.Conv2d, module.head)
        if len(lean) != head.out_channels:
            raise UsageError(f"{len(lean)} values of `lean` for {head.out_channels} classes.", "lean")
        with torch.no_grad():
            cast(Tensor, head.bias).add_(torch.tensor(lean))
    return module


def export(module: nn.Module, card: Card, folder: Path) -> Card:
    """Write weights and cards into a folder; returns the card with the weights' hash."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{card.name}.safetensors"
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, path)
    card = dataclasses.replace(card, sha256=file_sha256(path))
    write_cards(card, folder)
    return card


def record(name: str, folder: Path, command: str, figures: dict[str, Any]) -> None:
    """Add the figures that a command gave to a network's cards."""
    card = read_card(folder / f"{name}.json")
    write_cards(dataclasses.replace(card, figures={**card.figures, command: figures}), folder)


def illustrate(name: str, folder: Path, command: str, picture: bytes) -> None:
    """Put a picture that a command drew beside a network's weights, and into its cards."""
    write_bytes(folder / f"{name}.png", picture)
    write_cards(dataclasses.replace(read_card(folder / f"{name}.json"), picture=command), folder)


def write_cards(card: Card, folder: Path) -> None:
    """Write both cards of a network."""
    card.write(folder / f"{card.name}.json")
    (folder / f"{card.name}.md").write_text(describe(card), encoding="utf-8")


def describe(card: Card) -> str:
    """Return the card for people, in Markdown."""
    kind = "U-Net with VGG16's 13 convolutions as encoder" if card.kind == "unet" else "three convolutions"
    lines = [
        f"# {card.name}",
        "",
        f"Version {card.version}; {kind}, width {card.width}.",
        f"Reads {', '.join(card.bands)} as reflectance (square root, clipped to "
        f"0..{card.normalisation.high}); tells {', '.join(card.classes)}.",
        *([f"Scores are divided by {card.temperature} first."] if card.temperature != 1 else []),
        "",
        *_weaknesses(card),
        "## Trained on",
        "",
        *(f"- {sentence}" for sentence in card.trained_on),
        *([f"- Started from {card.made_from}."] if card.made_from else []),
        "",
        *_places(card),
        f"{_making(card)}; SHA-256 of the file: `{card.sha256}`.",
    ]
    if card.figures:
        lines += ["", "## Measured", ""]
    for command, values in card.figures.items():
        lines += [f"`{command}`", "", *_table(values), ""]
    return "\n".join(lines).rstrip() + "\n"


def _weaknesses(card: Card) -> list[str]:
    lines = [f"- {sentence}" for sentence in card.weaknesses]
    if card.picture:
        lines += [""] if lines else []
        lines += [f"![worst, middling and best cases]({card.name}.png)", "", f"Drawn by `{card.picture}`."]
    return ["## What it is not good at", "", *lines, ""] if lines else []


def _places(card: Card) -> list[str]:
    names = {"train": "Trained on", "validation": "Looked at for choices", "test": "Kept for tests"}
    lines = [
        f"- {names[split]}: {'; '.join(card.places[split])}" for split in names if card.places.get(split)
    ]
    return ["Places, each in one split only:", "", *lines, ""] if lines else []


def _making(card: Card) -> str:
    about = card.training
    if not about:
        return f"Made by a `python -m pipeline train {card.name}` of which nothing was kept"
    told = f"`{about['command']}`"
    if about.get("lost"):
        made = f"Made by an earlier {told} in {about['steps']} steps"
        return f"{made}; {about['lost']} were not kept, and the command makes other weights today"
    hours = f"{about['seconds'] / 3600:.1f} hours for {about['steps']} steps on {about['machine']}"
    run = f"({hours}, torch {about['torch']})"
    given = [words for flag, words in _NOT_IN_A_COMMAND.items() if f" {flag} " in about["command"]]
    if given:
        return f"Made by {told} with {' and '.join(given)} {run}"
    return f"{told} makes the weights again {run}"


def _table(values: dict[str, Any]) -> list[str]:
    spreads = values.get("intervals", {})
    rows = [
        f"- {key.replace('_', ' ')}: {value}{_spread(spreads.get(key))}"
        for key, value in values.items()
        if key in _SUMMARY
    ]
    classes = values.get("classes", {})
    if not classes:
        return rows
    rows += ["", "| class | precision | recall | F1 | IoU |", "| --- | --- | --- | --- | --- |"]
    for name, of in classes.items():
        cells = ("-" if of[key] is None else f"{of[key]:.3f}" for key in ("precision", "recall", "f1", "iou"))
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def _spread(interval: Sequence[float] | None) -> str:
    return f" ({interval[0]} to {interval[1]})" if interval else ""


_SUMMARY = ("pixels", "previews", "patches", "overall_accuracy", "mean_iou", "auc", "ece", "scores")

_NOT_IN_A_COMMAND = {
    "--config": "that configuration",
    "--from": "the weights it started from",
    "--encoder": "those of its encoder",
    "--data": "those data sets",
}
"""What a card's command names but does not hold, so that alone it does not make the weights."""
