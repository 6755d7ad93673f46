"""The weights that campaigns are built with: those that ship, and those registered in the storage."""

from collections.abc import Mapping
from pathlib import Path

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from pipeline.errors import TransientStorageError
from pipeline.networks import Chosen, Store
from pipeline.networks.pin import Pin
from pipeline.networks.store import Weights
from webapp import storage

FOLDER = ".models"
TRIES = 6


def store() -> Store:
    """All weights that a campaign may pin.

    Raises:
        StorageError: those that were registered cannot be had.
    """
    return Store(storage.root().bring(FOLDER))


def add(name: str, source: Path) -> Weights:
    """Register the weights of a folder, see `Store.add`."""
    found = store().add(name, source)
    _publish()
    return found


def keep(pins: Mapping[str, str]) -> None:
    """Keep those of the pinned weights that ship, see `Store.keep`."""
    store().keep(pins)
    _publish()


@retry(
    retry=retry_if_exception_type(TransientStorageError),
    stop=stop_after_attempt(TRIES),
    wait=wait_random_exponential(0.1, 2.0),
    reraise=True,
)
def _publish() -> None:
    """Publish what was added; whoever adds others at the same time only makes it be tried again."""
    storage.root().publish(FOLDER)


def chosen(pins: Mapping[str, str]) -> Chosen:
    """The networks that pins choose."""
    return Chosen(pins, store().folder)


def still_pinned(asked: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """Pins that are fixed, with what was asked instead of them: a version alone asks for the one it has."""
    others = {
        name: pin
        for name, pin in asked.items()
        if name not in known or not Pin.parse(pin).names(Pin.parse(known[name]))
    }
    return {**known, **others}


def choices(name: str) -> list[tuple[str, str]]:
    """The weights of a network as pin and label, those that ship first."""
    return [(str(one.pin), label(one)) for one in store().all(name)]


def label(weights: Weights) -> str:
    """What people read of weights: version, where they come from, and how their hash begins."""
    origin = "ships" if weights.shipped else "registered"
    return f"{weights.card.version} ({origin}, {weights.card.sha256[:8]})"
