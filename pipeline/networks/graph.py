"""The networks as OpenVINO graphs, built from their weights: of any number of rows and columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openvino import Model
from openvino import opset13 as ops

from pipeline.networks.card import Card
from pipeline.networks.parts import Part, levels
from pipeline.networks.plan import CENTRE, EPSILON, HAZE, STAGES, STRIDE, Tensors

Node = Any
"""OpenVINO's nodes and outputs, which its package does not type."""

ROWS_COLS = (2, 3)


def cuts(shape: Sequence[int], wanted: Part) -> NDArray[np.int64]:
    """The parts that a U-Net's graph cuts out of its features, in the order in which it does.

    Args:
        shape: rows and columns of the input, multiples of `STRIDE`.
        wanted: rows and columns of the output.

    Returns:
        (2 n, 2): of each part the first row and column, then the ends.
    """
    low, steps = levels(shape, wanted, len(STAGES))
    parts = [step.skip for step in reversed(steps)] + [low]
    for step in steps:
        parts += [step.reduced, step.raised, step.merged]
    return np.array([end for rows, cols in parts for end in zip(_ends(rows), _ends(cols), strict=True)])


def unet(card: Card, tensors: Tensors, softmax: bool = True) -> Model:
    """A U-Net whose inputs are bands (1, bands, rows, cols) and `cuts`.

    Args:
        card: of the weights.
        tensors: of the weights file, by name.
        softmax: whether the output is probabilities (1, classes, rows, cols); else it is scores.
    """
    whole = ops.parameter([1, len(card.bands), -1, -1], np.float32, name="bands")
    parts = _Cuts(ops.parameter([len(cuts((STRIDE, STRIDE), (slice(0, STRIDE),) * 2)), 2], np.int64, "cuts"))
    x, skips = whole, []
    for stage, (_, depth) in enumerate(STAGES):
        for step in range(depth):
            x = _convolution(x, tensors, f"encoder.{stage}.{step}")
        skips.append(parts.cut(x))
        x = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
    for step in range(CENTRE):
        x = _convolution(x, tensors, f"centre.{step}")
    x = parts.cut(x)
    for step, skip in enumerate(reversed(skips)):
        x = _doubled(parts.cut(_convolution(x, tensors, f"reduce.{step}")))
        x = parts.cut(_convolution(ops.concat([parts.cut(x), skip], 1), tensors, f"decoder.{step}"))
    x = ops.convolution(x, tensors["head.weight"], [1, 1], [0, 0], [0, 0], [1, 1])
    x = ops.add(x, tensors["head.bias"].reshape(1, -1, 1, 1))
    if softmax:
        x = ops.softmax(ops.divide(x, np.float32(card.temperature)), 1)
    return Model([x], [whole, parts.all], card.name)


def haze(card: Card, tensors: Tensors) -> Model:
    """The haze network, whose inputs are bands (1, bands, rows, cols) and valid (1, 1, rows, cols), 0 or 1.

    Its output is the probability that a preview is hazy, (1, 1).
    """
    bands = ops.parameter([1, len(card.bands), -1, -1], np.float32, name="bands")
    valid = ops.parameter([1, 1, -1, -1], np.float32, name="valid")
    x = bands
    for step in range(len(HAZE)):
        x = _normed(x, tensors[f"convs.{step}.weight"], tensors, f"norms.{step}", stride=2)
    size = ops.gather(ops.shape_of(x), np.array(ROWS_COLS), np.int64(0))
    weight = ops.adaptive_avg_pool(valid, size)
    total = ops.maximum(_sum(weight), np.float32(1e-3))
    mean = ops.divide(_sum(ops.multiply(x, weight)), total)
    spread = ops.power(ops.subtract(x, mean), np.float32(2))
    variance = ops.divide(_sum(ops.multiply(spread, weight)), total)
    features = ops.concat([mean, ops.sqrt(ops.add(variance, np.float32(1e-6)))], 1)
    flat = ops.squeeze(features, np.array(ROWS_COLS))
    score = ops.add(ops.matmul(flat, tensors["head.weight"], False, True), tensors["head.bias"])
    return Model([ops.sigmoid(ops.divide(score, np.float32(card.temperature)))], [bands, valid], card.name)


def joined(models: Sequence[Model]) -> Model:
    """One graph of several; inputs and outputs are theirs, one after the other."""
    results = [result for model in models for result in model.get_results()]
    return Model(results, [given for model in models for given in model.get_parameters()], "joined")


class _Cuts:
    """Cuts parts out of features, each by the next pair of rows of `cuts`."""

    def __init__(self, all_: Node) -> None:
        self.all = all_
        self._next = 0

    def cut(self, x: Node) -> Node:
        first, end = (ops.gather(self.all, np.int64(self._next + more), np.int64(0)) for more in (0, 1))
        self._next += 2
        return ops.slice(x, first, end, np.array([1, 1]), np.array(ROWS_COLS))


def _ends(part: slice) -> tuple[int, int]:
    return part.start, part.stop


def _convolution(x: Node, tensors: Tensors, name: str) -> Node:
    return _normed(x, tensors[f"{name}.conv.weight"], tensors, f"{name}.norm")


def _normed(x: Node, filters: NDArray[Any], tensors: Tensors, norm: str, stride: int = 1) -> Node:
    """A 3 x 3 convolution with the batch normalisation folded into it, and ReLU."""
    weight, bias, mean, variance = (
        tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = weight / np.sqrt(variance + np.float32(EPSILON))
    folded = np.ascontiguousarray(filters * factor[:, None, None, None])
    x = ops.convolution(x, folded, [stride, stride], [1, 1], [1, 1], [1, 1])
    return ops.relu(ops.add(x, (bias - mean * factor).reshape(1, -1, 1, 1)))


def _doubled(x: Node) -> Node:
    """Each pixel four times."""
    return ops.interpolate(
        x,
        np.array([2, 2], np.float32),
        "nearest",
        "scales",
        axes=np.array(ROWS_COLS),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _sum(x: Node) -> Node:
    return ops.reduce_sum(x, np.array(ROWS_COLS), keep_dims=True)
