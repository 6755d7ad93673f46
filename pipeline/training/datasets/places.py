"""Which places are trained on, which are looked at while choosing, and which are kept for tests."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.errors import UsageError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
UP_TO = {TRAIN: 0.7, VALIDATION: 0.85, TEST: 1.0}
"""Of all places seven in ten are trained on; the others are halved."""


def split_of(place: str) -> str:
    """Return the split of a place, by a hash of its name: the same on every machine and in every set."""
    name = unicodedata.normalize("NFC", place.strip())
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
    return next(split for split, end in UP_TO.items() if number < end)


@dataclass(frozen=True)
class Places:
    """The places of a data set by split, each list sorted; all empty where the set knows no places."""

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Iterable[str], stated: Mapping[str, str] | None = None) -> "Places":
        """Sort places into splits: as stated, else by `split_of`."""
        asked = {name: (stated or {}).get(name) or split_of(name) for name in set(names)}
        return cls(**{split: tuple(sorted(n for n in asked if asked[n] == split)) for split in SPLITS})

    def in_split(self, split: str) -> tuple[str, ...]:
        """Return the places of a split.

        Raises:
            UsageError: there is no such split.
        """
        return getattr(self, checked(split))

    def to_json(self) -> dict[str, Any]:
        """Return the lists by split."""
        return {split: list(names) for split, names in asdict(self).items()}


def checked(split: str) -> str:
    """Return the name of a split.

    Raises:
        UsageError: it is none of `SPLITS`.
    """
    if split not in SPLITS:
        raise UsageError(f"A split is one of {', '.join(SPLITS)}, not {split!r}.", "split")
    return split
