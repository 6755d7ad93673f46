"""What the scripts tell the person."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Trouble(Exception):
    """Something that the person must know, in one sentence."""

    def __init__(self, message: str, status: int = 1):
        super().__init__(message)
        self.status = status


def say(message: str) -> None:
    print(message, flush=True)


def fail(message: str, status: int = 1) -> int:
    print(message, file=sys.stderr, flush=True)
    return status


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tell that a step begins and, when it ends well, how long it took."""
    say(f"==> {what}")
    start = time.monotonic()
    yield
    say(f"    {what}: {time.monotonic() - start:.1f} s")
