"""Which weights something is built with: what a campaign pins, what ships for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ModelError
from pipeline.networks.card import Card
from pipeline.networks.pin import Pin
from pipeline.networks.registry import NAMES, check_name, load
from pipeline.networks.store import Store, Weights

if TYPE_CHECKING:
    from pipeline.networks.network import Network

TOGETHER = ("water", "vegetation", "buildings")
"""What tells the landcover: their windows must be of one size."""


@dataclass(frozen=True)
class Chosen:
    """The networks that something is built with.

    Attributes:
        pins: the pins of networks by name, as in a campaign's settings; what is not named ships.
        models: folder of the weights that were registered; None = only those that ship.
    """

    pins: Mapping[str, str]
    models: Path | None = None

    def find(self, name: str) -> Weights:
        """The weights of a network.

        Raises:
            ModelError: the pinned ones are not there.
        """
        pin = self.pins.get(name)
        return Store(self.models).find(name, Pin.parse(pin) if pin else None)

    def load(self, name: str) -> "Network":
        """A network, the same object every time in one process.

        Raises:
            ModelError: the pinned weights are not there, or not those of their card.
        """
        return load(name, self.find(name).folder)

    def check(self) -> None:
        """Refuse pins that cannot be kept: nothing is built with others than a campaign says.

        Raises:
            ModelError: a network or its weights are unknown, or those of the landcover do not fit together.
        """
        for name in self.pins:
            check_name(name)
        windows = {name: self.find(name).card.window for name in NAMES}
        if len({windows[name] for name in TOGETHER}) > 1:
            told = ", ".join(f"{name} {windows[name]}" for name in TOGETHER)
            raise ModelError(f"The landcover's networks must have windows of one size, not {told}.")

    def cards(self) -> dict[str, Card]:
        """The card of each network by name.

        Raises:
            ModelError: pinned weights are not there.
        """
        return {name: self.find(name).card for name in NAMES}

    def pinned(self) -> dict[str, str]:
        """Each network by name with version and hash; a pin that cannot be found stays as it is."""
        found = dict(self.pins)
        for name in NAMES:
            try:
                found[name] = str(self.find(name).pin)
            except ModelError:
                continue
        return dict(sorted(found.items()))


SHIPPED = Chosen({})
