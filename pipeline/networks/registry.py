"""The networks that ship with the product, loaded once per process and checked against their cards."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.networks.card import Card, file_sha256, read_card

if TYPE_CHECKING:
    from torch import Tensor, nn

    from pipeline.networks.network import Network

NAMES = ("preview-cloud", "haze", "cloud", "water", "vegetation", "buildings")

WEIGHTS = Path(__file__).parent / "weights"


def load(name: str, folder: Path = WEIGHTS) -> "Network":
    """Return a network by name; the same object every time in one process.

    Args:
        name: one of `NAMES`.
        folder: where `NAME.safetensors` and `NAME.json` lie.

    Raises:
        ModelError: the name is unknown, or the weights are missing or not those of the card.
    """
    if name not in NAMES:
        raise ModelError(f"There is no network named {name!r}; there are {', '.join(NAMES)}.")
    return _load(name, Path(folder))


def versions(folder: Path = WEIGHTS) -> dict[str, str]:
    """Name to version of the networks that ship, from their cards alone."""
    return {name: read_card(Path(folder) / f"{name}.json").version for name in NAMES}


def check_pins(pinned: Mapping[str, str], folder: Path = WEIGHTS) -> None:
    """Refuse versions that are not those that ship: nothing is built with others than a campaign says.

    Args:
        pinned: version by name of a network, as in a campaign's settings.
        folder: where the cards lie.

    Raises:
        ModelError: a name is unknown, or another version ships.
    """
    if not pinned:
        return
    shipped = versions(folder)
    for name, version in pinned.items():
        if name not in shipped:
            raise ModelError(f"There is no network named {name!r}; there are {', '.join(shipped)}.")
        if version != shipped[name]:
            raise ModelError(f"The network {name} is pinned at {version}, but {shipped[name]} is installed.")


@lru_cache(maxsize=32)
def _load(name: str, folder: Path) -> "Network":
    card = read_card(folder / f"{name}.json")
    weights = folder / f"{name}.safetensors"
    if not weights.is_file():
        raise ModelError(f"The weights {weights} are missing.")
    found = file_sha256(weights)
    if found != card.sha256:
        raise ModelError(f"The weights {weights} have the hash {found}, the card says {card.sha256}.")
    from pipeline.networks.network import Network, build

    return Network(card, _filled(build(card), card, weights))


def _filled(module: "nn.Module", card: Card, weights: Path) -> "nn.Module":
    """Return the module with the weights of the file in it, each of the expected shape."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(weights)
    except SafetensorError as error:
        raise ModelError(f"The weights {weights} are no safetensors file: {error}.") from error
    expected = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        odd = sorted(key for key in {**expected, **found} if expected.get(key) != found.get(key))
        raise ModelError(
            f"The weights {weights} do not fit the card of {card.name}: {odd[0]} has the shape "
            f"{found.get(odd[0])}, not {expected.get(odd[0])}."
        )
    module.load_state_dict(tensors)
    return module
