"""Which products have web-map copies, remembered so that a map tile asks the disk for none."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

from pipeline.web_copy import LIST, list_of, path_of

MISSING_SECONDS = 10.0


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
        self._known: dict[Path, Made] = {}
        self._missing: dict[Path, float] = {}
        self._lock = threading.Lock()

    def of(self, folder: Path) -> Made | None:
        """Give the copies of a revision's folder, None before they are made."""
        known = self._known.get(folder)
        if known or self._missing.get(folder, 0.0) > time.monotonic():
            return known
        products = list_of(folder)
        with self._lock:
            if products is None:
                self._missing[folder] = time.monotonic() + self.missing_seconds
                return None
            made = Made(products, path_of(folder, LIST).stat().st_mtime_ns)
            self._known[folder] = made
        return made

    def forget(self) -> None:
        """Look at the disk again."""
        with self._lock:
            self._known.clear()
            self._missing.clear()


copies = Copies()
