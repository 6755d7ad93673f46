"""What is measured: a network, or the landcover of three, as probabilities of classes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.networks import load
from pipeline.networks.card import read_card

LANDCOVER = ("water", "grass", "tree", "residential", "industrial", "barren")
LANDCOVER_NETWORKS = ("water", "vegetation", "buildings")


@dataclass(frozen=True)
class Judge:
    """What gives probabilities.

    Attributes:
        name: of the network, or "landcover".
        version: of the network, or of all three.
        classes: names of the classes, in order.
        probabilities: from reflectance (4, rows, cols) in the order R, G, B, NIR to (classes, rows, cols).
    """

    name: str
    version: str
    classes: tuple[str, ...]
    probabilities: Callable[[NDArray[np.float32]], NDArray[np.float32]]


def judge_of(name: str, weights: Path) -> Judge:
    """Return the judge of a network, or of "landcover", the combination of three.

    Raises:
        ModelError: the weights cannot be used.
    """
    if name == "landcover":
        return _landcover(weights)
    network = load(name, weights)
    return Judge(name, network.version, tuple(network.classes), network.probabilities)


def versions_of(name: str, weights: Path) -> dict[str, str]:
    """Return name to version of the networks behind a judge, from their cards."""
    names = LANDCOVER_NETWORKS if name == "landcover" else (name,)
    return {item: read_card(weights / f"{item}.json").version for item in names}


def _landcover(weights: Path) -> Judge:
    from pipeline.landcover.combine import combine

    networks = [load(name, weights) for name in LANDCOVER_NETWORKS]
    version = ", ".join(f"{network.name} {network.version}" for network in networks)
    return Judge(
        "landcover",
        version,
        LANDCOVER,
        lambda x: combine(*(network.probabilities(x) for network in networks)),
    )
