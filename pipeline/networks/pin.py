"""What a campaign writes down to name weights: their version and their hash."""

import re
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.networks.card import Card
from pipeline.words import sentence

MARK = "@sha256:"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
HASH = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True)
class Pin:
    """Weights of a network, written as VERSION or VERSION@sha256:HASH.

    Attributes:
        version: of the weights.
        sha256: of the weights file, or how it begins; empty = any of that version.
    """

    version: str
    sha256: str = ""

    @classmethod
    def parse(cls, text: str) -> "Pin":
        """Read a pin.

        Raises:
            UsageError: the text is none.
        """
        version, mark, found = text.partition(MARK)
        if not VERSION.fullmatch(version) or (mark and not HASH.fullmatch(found)):
            raise UsageError(
                sentence(
                    "A network is pinned as VERSION or VERSION%(mark)sHASH, not as %(text)r.",
                    mark=MARK,
                    text=text,
                ),
                "networks",
            )
        return cls(version, found)

    @classmethod
    def of(cls, card: Card) -> "Pin":
        """The pin of weights that a card describes."""
        return cls(card.version, card.sha256)

    def __str__(self) -> str:
        return f"{self.version}{MARK}{self.sha256}" if self.sha256 else self.version

    def names(self, other: "Pin") -> bool:
        """Whether this is a pin of the same weights, told by no more than the other has."""
        return other.version == self.version and other.sha256.startswith(self.sha256)

    def fits(self, card: Card) -> bool:
        """Whether a card is of these weights."""
        return self.names(Pin.of(card))
