"""Looked up once: of several threads that want the same, one asks and the others take its answer."""

import threading
from collections.abc import Callable, Hashable
from typing import Any

LOCKS = 64


class Once:
    """A memory of answers, up to a number of them; what raises is not remembered."""

    def __init__(self, most: int):
        """Remember at most so many answers."""
        self.most = most
        self._known: dict[Hashable, Any] = {}
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def get(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """Give the answer for a key, asked for by whoever comes first."""
        try:
            return self._known[key]
        except KeyError:
            pass
        with self._locks[hash(key) % LOCKS]:
            if key not in self._known:
                if len(self._known) >= self.most:
                    self._known.clear()
                self._known[key] = ask()
            return self._known[key]

    def forget(self) -> None:
        """Ask again for everything."""
        self._known.clear()
