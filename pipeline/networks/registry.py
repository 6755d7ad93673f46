"""Weights files, loaded once per process and checked against their cards."""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.networks.card import Card, file_sha256, read_card
from pipeline.networks.plan import Tensors, shapes

if TYPE_CHECKING:
    from pipeline.networks.network import Network

NAMES = ("preview-cloud", "haze", "cloud", "water", "vegetation", "buildings")

WEIGHTS = Path(__file__).parent / "weights"

BACK_END = "EARTHQUILT_BACK_END"

MOST_KEPT = 12
"""Networks kept in memory: the shipped ones, and as many of other campaigns."""


def load(name: str, folder: Path = WEIGHTS, back_end: str = "") -> "Network":
    """Return a network by name; the same object every time in one process while its files stay as they are.

    Args:
        name: one of `NAMES`.
        folder: where `NAME.safetensors` and `NAME.json` lie.
        back_end: one of `BACK_ENDS`; empty = what the environment's `EARTHQUILT_BACK_END` says, else torch
            where there is a GPU, else the card's.

    Raises:
        ModelError: the name or the back end is unknown, or the weights are missing or not those of the card.
    """
    check_name(name)
    paths = [Path(folder) / f"{name}{suffix}" for suffix in (".json", ".safetensors")]
    return _load(name, Path(folder), tuple(map(_state, paths)), back_end or os.environ.get(BACK_END, ""))


def check_name(name: str) -> None:
    """Refuse a name that no network has.

    Raises:
        ModelError: naming those there are.
    """
    if name not in NAMES:
        raise ModelError(f"There is no network named {name!r}; there are {', '.join(NAMES)}.")


def _state(path: Path) -> tuple[int, int] | None:
    """What changes with a file's content: its time and size; None where it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=MOST_KEPT)
def _load(name: str, folder: Path, state: tuple[tuple[int, int] | None, ...], asked: str) -> "Network":
    """Load weights; `state` makes files that were replaced be read again."""
    card = read_card(folder / f"{name}.json")
    weights = folder / f"{name}.safetensors"
    check_file(weights, card)
    from pipeline.networks.network import Network

    return Network(card, _tensors(card, weights), asked)


def check_file(weights: Path, card: Card) -> None:
    """Refuse a weights file that is not the one of a card.

    Raises:
        ModelError: it is missing, or its hash is another.
    """
    if not weights.is_file():
        raise ModelError(f"The weights {weights} are missing.")
    found = file_sha256(weights)
    if found != card.sha256:
        raise ModelError(f"The weights {weights} have the hash {found}, the card says {card.sha256}.")


def _tensors(card: Card, weights: Path) -> Tensors:
    """The tensors of a weights file, each of the expected shape."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(weights)
    except SafetensorError as error:
        raise ModelError(f"The weights {weights} are no safetensors file: {error}.") from error
    expected = shapes(card)
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        odd = sorted(key for key in {**expected, **found} if expected.get(key) != found.get(key))
        raise ModelError(
            f"The weights {weights} do not fit the card of {card.name}: {odd[0]} has the shape "
            f"{found.get(odd[0])}, not {expected.get(odd[0])}."
        )
    return tensors
