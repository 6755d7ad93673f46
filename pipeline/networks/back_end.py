"""What runs a network: torch where there is a GPU, else what the card says; imported when it is used."""

import ctypes
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError
from pipeline.networks.card import BACK_ENDS, Card
from pipeline.networks.parts import Part
from pipeline.networks.plan import Tensors

if TYPE_CHECKING:
    from pipeline.networks.on_openvino import SideBySide

DRIVER = "libcuda.so.1"


class BackEnd(Protocol):
    """A network ready to run; safe in several threads at once.

    Attributes:
        name: one of `BACK_ENDS`.
        ahead: windows that are made ready while it works on one.
    """

    name: str
    ahead: int

    def probabilities(self, inputs: NDArray[np.float32], wanted: Part) -> NDArray[np.float32]:
        """Return probabilities (classes, rows, cols) of a normalised window.

        Args:
            inputs: (bands, rows, cols); the sides are multiples of `plan.STRIDE`.
            wanted: rows and columns whose probabilities are returned.
        """
        ...

    def score(self, inputs: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
        """Return the probability that a normalised preview (bands, rows, cols) is hazy.

        Args:
            inputs: any rows and columns.
            valid: where there is data.
        """
        ...

    def release(self) -> None:
        """Give back what is kept from one window for the next."""
        ...


def back_end(card: Card, tensors: Tensors, asked: str = "") -> BackEnd:
    """Make weights ready to run.

    Args:
        card: of the weights.
        tensors: of the weights file, by name.
        asked: one of `BACK_ENDS`; empty = torch where there is a GPU, else the card's.

    Raises:
        ModelError: there is no such back end.
    """
    name = asked or ("torch" if has_gpu() else card.back_end)
    if name not in BACK_ENDS:
        raise ModelError(f"There is no back end {name!r} for networks; there are {', '.join(BACK_ENDS)}.")
    if name == "torch":
        from pipeline.networks.on_torch import OnTorch

        return OnTorch(card, tensors)
    from pipeline.networks.on_openvino import OnOpenvino

    return OnOpenvino(card, tensors)


def together(networks: Sequence[tuple[Card, Tensors, BackEnd]]) -> "SideBySide | None":
    """What runs several U-Nets on one raster in less memory than they take apart; None = nothing does."""
    if len(networks) < 2 or any(one.name != "openvino" for _, _, one in networks):
        return None
    from pipeline.networks.on_openvino import SideBySide

    return SideBySide([(card, tensors) for card, tensors, _ in networks])


def has_gpu() -> bool:
    """Whether torch can use a GPU; torch, which takes seconds and memory, is asked only where a driver is."""
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    import torch

    return torch.cuda.is_available()
