"""The storage root: where jobs work and pages read (docs/decisions/storage.md).

Whoever reads products has them brought first; whoever writes does so inside `working`. With a folder both
cost nothing; with a bucket files come to, and go from, the working copy of this process.
"""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from pipeline.store import BucketRoot, FolderRoot, Objects, Root
from pipeline.store.cache import clear_remains
from pipeline.store.objects import Bucket, Patience

MIB = 2**20
READ_LATELY_SECONDS = 600.0
# Somebody waits for the answer.
FOR_READERS = Patience(retries=2, altogether=20.0)

# Working copies that this process alone works in, with what locks them, by the folder of all.
_own: dict[Path, tuple[Path, BinaryIO]] = {}


def root() -> Root:
    """The root that the settings name."""
    if settings.STORAGE_BUCKET is None:
        return _folder_root(Path(settings.STORAGE_ROOT))
    return bucket_root()


def bucket_root() -> BucketRoot:
    """The root where the settings name a bucket."""
    own = _own.get(Path(settings.STORAGE_CACHE))
    return _bucket_root(
        settings.STORAGE_BUCKET,
        settings.STORAGE_ENDPOINT,
        own[0] if own else Path(settings.STORAGE_ROOT),
        settings.STORAGE_CACHE_MIB * MIB,
        None if own else READ_LATELY_SECONDS,
    )


@lru_cache(maxsize=8)
def _folder_root(folder: Path) -> Root:
    return FolderRoot(folder)


@lru_cache(maxsize=8)
def _bucket_root(bucket: Bucket, endpoint: str, folder: Path, limit: int, lately: float | None) -> BucketRoot:
    patience = Patience() if lately is None else FOR_READERS
    return BucketRoot(Objects(bucket, endpoint, patience), folder, limit, lately=lately)


def begin_work() -> None:
    """Give this process a working copy of its own, for as long as it lives.

    It is the first that no process has, so that a worker finds the files of the one that it follows.
    """
    copies = Path(settings.STORAGE_CACHE)
    if settings.STORAGE_BUCKET is None or copies in _own:
        return
    for number in count():
        folder = copies / f"work-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        lock = (copies / f".work-{number}.lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        clear_remains(folder)
        _own[copies] = folder, lock
        return


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
