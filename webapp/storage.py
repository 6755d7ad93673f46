"""The storage root: where jobs work and pages read (docs/decisions/storage.md).

Whoever reads products has them brought first; whoever writes does so inside `working`. With a folder both
cost nothing; with a bucket files come to, and go from, the working copy of this process.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from pipeline.store import FolderRoot, Root


def root() -> Root:
    """The root that the settings name."""
    return _folder_root(Path(settings.STORAGE_ROOT))


@lru_cache(maxsize=8)
def _folder_root(folder: Path) -> Root:
    return FolderRoot(folder)


def place_of(name: str) -> Path:
    """Where a unit or a file lies on this machine, brought or not."""
    return root().folder / name


@contextmanager
def working(unit: str, require: Callable[[], None] | None = None) -> Iterator[Path]:
    """Give the folder of a unit as it was last published; what it holds at the end of the block is published.

    Where the block raises, nothing is.

    Args:
        unit: its path below the root.
        require: asked right before it is published; it raises to refuse.

    Raises:
        TransientStorageError: another has published the unit meanwhile.
        StorageError: it cannot be had or published.
    """
    used = root()
    place = used.take(unit)
    try:
        yield place
        if require:
            require()
        used.publish(unit)
    finally:
        used.let_go(unit)


@contextmanager
def working_all(units: Sequence[str], require: Callable[[], None] | None = None) -> Iterator[None]:
    """As `working`, for several units, which are published one after the other."""
    with ExitStack() as stack:
        for unit in units:
            stack.enter_context(working(unit, require))
        yield


def between_jobs() -> None:
    """Look at all publications anew, and make room: what a worker does before it begins a job."""
    used = root()
    used.forget()
    used.trim()
