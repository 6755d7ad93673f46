"""Which products have web-map copies, remembered so that a map tile asks the disk for none."""

import threading
import time
from typing import NamedTuple

from pipeline.web_copy import FOLDER, LIST, list_of
from webapp import storage

MISSING_SECONDS = 10.0
NAME = f"{FOLDER}/{LIST}"


class Made(NamedTuple):
    """The copies of a revision: the products that have one, and when they were made, in nanoseconds.

    The time tells them from others under the same names.
    """

    products: tuple[str, ...]
    stamp: int


class Copies:
    """Remembers whose copies are made, for ever, and whose are not, for a while."""

    def __init__(self, missing_seconds: float = MISSING_SECONDS):
        """Look again for what was missing after so many seconds."""
        self.missing_seconds = missing_seconds
        self._known: dict[str, Made] = {}
        self._missing: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, unit: str) -> Made | None:
        """Give the copies of a revision, by its folder below the storage root; None before they are made.

        Raises:
            StorageError: it cannot be known.
        """
        known = self._known.get(unit)
        if known or self._missing.get(unit, 0.0) > time.monotonic():
            return known
        folder = storage.root().bring(unit, [NAME])
        products = list_of(folder)
        with self._lock:
            if products is None:
                self._missing[unit] = time.monotonic() + self.missing_seconds
                return None
            made = Made(products, (folder / NAME).stat().st_mtime_ns)
            self._known[unit] = made
        return made

    def forget(self) -> None:
        """Look at the disk again."""
        with self._lock:
            self._known.clear()
            self._missing.clear()


copies = Copies()
