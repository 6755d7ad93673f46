"""The GPU that is measured with `--device cuda`."""

from typing import Any

from script.lib.bench.measure import Bench
from script.lib.say import Trouble

DEVICES = ("cpu", "cuda")
NO_GPU = (
    "There is no GPU here that torch can use: `--device cuda` wants an NVIDIA driver, a card that "
    "CUDA_VISIBLE_DEVICES does not hide, and a torch that is built for CUDA ({torch} is installed)."
)


def card_of(bench: Bench) -> dict[str, Any]:
    """Name, memory and CUDA of the GPU that a worker would use.

    Raises:
        Trouble: there is none.
    """
    card = bench.task("gpu").answer
    if not card["name"]:
        raise Trouble(NO_GPU.format(**card))
    return card


def told(card: dict[str, Any]) -> str:
    """A sentence."""
    return f"{card['name']}, {card['gib']:.0f} GiB, CUDA {card['cuda']}."
