"""What the networks are made of, told without loading any library that runs them: layers and their sizes."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pipeline.networks.card import Card
from pipeline.networks.parts import reach

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels at width 1 and number of convolutions of each encoder stage, as in VGG16."""

CENTRE = 2
"""Convolutions between encoder and decoder."""

STRIDE = 2 ** len(STAGES)
"""Rows and columns given to a U-Net must be multiples of this."""

REACH = reach([depth for _, depth in STAGES], CENTRE)
"""Pixels around an output that it depends on, where windows lie on multiples of `STRIDE`."""

HAZE = (32, 64, 64)
"""Channels at width 1 of the haze network's three convolutions."""

EPSILON = 1e-5
"""What batch normalisation adds to a variance."""

Shapes = dict[str, tuple[int, ...]]
Tensors = Mapping[str, NDArray[Any]]
"""Those of a weights file, by name."""


def channels(counts: tuple[int, ...], width: float) -> list[int]:
    """Numbers of channels at a width."""
    return [max(4, round(count * width)) for count in counts]


def shapes(card: Card) -> Shapes:
    """The shape of each tensor of a weights file, by its name."""
    return _haze(card) if card.kind == "haze" else _unet(card)


def _unet(card: Card) -> Shapes:
    counts = channels(tuple(count for count, _ in STAGES), card.width)
    found: Shapes = {}
    inputs = len(card.bands)
    for stage, (outputs, (_, depth)) in enumerate(zip(counts, STAGES, strict=True)):
        for step in range(depth):
            found |= _convolution(f"encoder.{stage}.{step}", inputs, outputs)
            inputs = outputs
    for step in range(CENTRE):
        found |= _convolution(f"centre.{step}", inputs, inputs)
    for step, skip in enumerate(reversed(counts)):
        found |= _convolution(f"reduce.{step}", inputs, skip)
        found |= _convolution(f"decoder.{step}", 2 * skip, skip)
        inputs = skip
    classes = len(card.classes)
    return found | {"head.weight": (classes, inputs, 1, 1), "head.bias": (classes,)}


def _haze(card: Card) -> Shapes:
    found: Shapes = {}
    inputs = len(card.bands)
    for step, outputs in enumerate(channels(HAZE, card.width)):
        found[f"convs.{step}.weight"] = (outputs, inputs, 3, 3)
        found |= _norm(f"norms.{step}", outputs)
        inputs = outputs
    return found | {"head.weight": (1, 2 * inputs), "head.bias": (1,)}


def _convolution(name: str, inputs: int, outputs: int) -> Shapes:
    return {f"{name}.conv.weight": (outputs, inputs, 3, 3)} | _norm(f"{name}.norm", outputs)


def _norm(name: str, size: int) -> Shapes:
    values = {f"{name}.{part}": (size,) for part in ("weight", "bias", "running_mean", "running_var")}
    return values | {f"{name}.num_batches_tracked": ()}
