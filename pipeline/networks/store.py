"""Weights of one's own, kept for campaigns: FOLDER/NAME/VERSION-HASH/ holds them with their cards."""

import logging
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import ModelError
from pipeline.networks.card import Card, file_sha256, read_card
from pipeline.networks.contract import check_card, same_work
from pipeline.networks.pin import Pin
from pipeline.networks.registry import WEIGHTS, check_file, check_name, load
from pipeline.storage import storage_error

log = logging.getLogger(__name__)

HASH_IN_NAME = 12
KEPT = (".safetensors", ".json", ".md", ".png")


@dataclass(frozen=True)
class Weights:
    """Weights that can be used.

    Attributes:
        card: of the weights.
        folder: where `NAME.safetensors` and `NAME.json` lie.
        shipped: whether they are those of the product.
    """

    card: Card
    folder: Path
    shipped: bool = False

    @property
    def pin(self) -> Pin:
        """What names them."""
        return Pin.of(self.card)

    @property
    def path(self) -> Path:
        """The weights file."""
        return self.folder / f"{self.card.name}.safetensors"

    def check(self) -> None:
        """Refuse a file that is not the one that the card tells of.

        Raises:
            ModelError: it is missing, or its hash is another.
        """
        check_file(self.path, self.card)


@dataclass(frozen=True)
class Store:
    """The weights that ship and those of a folder; what is in the folder never changes.

    Attributes:
        folder: of the weights that were registered; None = only those that ship.
    """

    folder: Path | None = None

    def all(self, name: str) -> Iterator[Weights]:
        """All weights of a network: those that ship first, the others by version.

        Raises:
            ModelError: there is no such network.
        """
        check_name(name)
        yield self.shipped(name)
        found = self.folder / name if self.folder else None
        for place in sorted(found.glob("[!.]*")) if found else ():
            try:
                yield Weights(read_card(place / f"{name}.json"), place)
            except ModelError as error:
                log.warning("%s is left out: %s", place, error)

    def shipped(self, name: str) -> Weights:
        """The weights of a network that ship."""
        check_name(name)
        return Weights(read_card(WEIGHTS / f"{name}.json"), WEIGHTS, shipped=True)

    def find(self, name: str, pin: Pin | None = None) -> Weights:
        """The weights that a pin names; those that ship where there is none.

        Raises:
            ModelError: there is no such network, there are no such weights, or several of that version.
        """
        shipped = self.shipped(name)
        if pin is None or pin.fits(shipped.card):
            return shipped
        found = [one for one in self.all(name) if pin.fits(one.card)]
        if not found:
            raise ModelError(
                f"The network {name} is pinned at {pin}, but {shipped.card.version} ships with this release "
                f"and no such weights are registered."
            )
        if len(found) > 1:
            known = " or ".join(str(one.pin) for one in found)
            raise ModelError(f"There are {len(found)} weights of {name} {pin}: pin {known}.")
        return found[0]

    def add(self, name: str, source: Path) -> Weights:
        """Register the weights of a folder: they are checked and copied; the same ones again change nothing.

        Args:
            name: the network.
            source: where `NAME.safetensors` and its card `NAME.json` lie, as `train` leaves them.

        Raises:
            ModelError: the weights are not those of the card, cannot do the network's work, or there are
                others of that version.
            StorageError: they cannot be copied.
        """
        check_name(name)
        card = read_card(Path(source) / f"{name}.json")
        check_card(card, self.shipped(name).card)
        _check_values(name, Path(source))
        for known in self.all(name):
            if known.card.version != card.version:
                continue
            where = "ships with this release" if known.shipped else "is registered"
            if known.card.sha256 != card.sha256 or not same_work(known.card, card):
                raise ModelError(
                    f"{name} {card.version} {where} already, with other weights or another card: "
                    f"give these a version of their own (`train --version`)."
                )
            return known
        return self._keep(card, Path(source))

    def keep(self, pins: Mapping[str, str]) -> None:
        """Copy those of the pinned weights that ship, so that they stay when another release ships others.

        Raises:
            ModelError: weights cannot be found.
            StorageError: they cannot be copied.
        """
        for name, text in pins.items():
            found = self.find(name, Pin.parse(text))
            if found.shipped and self.folder:
                self._keep(found.card, found.folder)

    def _keep(self, card: Card, source: Path) -> Weights:
        if self.folder is None:
            raise ModelError("There is no folder to register weights in.")
        place = self.folder / card.name / f"{card.version}-{card.sha256[:HASH_IN_NAME]}"
        beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        if place.is_dir():
            return Weights(card, place)
        try:
            beside.mkdir(parents=True)
            for path in (source / f"{card.name}{suffix}" for suffix in KEPT):
                if path.is_file():
                    shutil.copyfile(path, beside / path.name)
            if file_sha256(beside / f"{card.name}.safetensors") != card.sha256:
                raise ModelError(f"The weights of {card.name} in {source} changed while they were copied.")
            try:
                beside.rename(place)
            except OSError:
                # Another process may have kept the same weights in the meantime.
                if not place.is_dir():
                    raise
        except OSError as error:
            raise storage_error(error, place) from error
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return Weights(card, place)


def _check_values(name: str, source: Path) -> None:
    """Load weights, which checks their hash and shapes, and refuse values that are no numbers."""
    for key, value in load(name, source).tensors.items():
        if not np.isfinite(value).all():
            raise ModelError(f"The weights of {name} in {source} are broken: {key} has values that are none.")
