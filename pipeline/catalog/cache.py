"""Whole files kept on this machine by what is in them, shared by builds and processes, up to a size."""

import fcntl
import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import StorageError, UsageError
from pipeline.storage import whole_file

FOLDER, LIMIT = "EARTHQUILT_CACHE", "EARTHQUILT_CACHE_GIB"
USUAL_LIMIT = 20.0
GIB = 2**30
DAY = 86_400

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cache:
    """A folder of files named after their content; the one used longest ago goes first.

    Several processes may use it at once: a file appears whole, one that is given out stays with whoever got
    it, and only one process at a time makes room. A cache that cannot be written is told and not used.

    Attributes:
        folder: where the files lie.
        limit: bytes that they may take together.
    """

    folder: Path
    limit: int

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> "Cache | None":
        """The cache that `EARTHQUILT_CACHE` (a folder) and `EARTHQUILT_CACHE_GIB` (20) name; None without.

        Raises:
            UsageError: the size is no number above 0.
        """
        folder, limit = environment.get(FOLDER, ""), environment.get(LIMIT) or str(USUAL_LIMIT)
        if not folder:
            return None
        if not re.fullmatch(r"\d+(\.\d+)?", limit) or float(limit) == 0:
            raise UsageError(f"{LIMIT} must be a number of GiB above 0, not {limit!r}.", LIMIT)
        return cls(Path(folder), int(float(limit) * GIB))

    def give(self, key: str, target: Path) -> bool:
        """Put the file of a key at `target`; False where there is none."""
        kept = self._place(key)
        try:
            with whole_file(target) as beside:
                _link(kept, beside)
            os.utime(kept)
        except FileNotFoundError:
            return target.exists()
        return True

    def keep(self, key: str, path: Path) -> None:
        """Take a whole file in and make room for it; one larger than the limit is left out."""
        size = path.stat().st_size
        if size > self.limit:
            return
        try:
            with whole_file(self._place(key)) as beside:
                _link(path, beside)
            os.utime(self._place(key))
            self._make_room()
        except (OSError, StorageError) as error:
            log.warning("The cache %s cannot be written: %s", self.folder, error)

    def drop(self, key: str) -> None:
        """Forget the file of a key."""
        try:
            self._place(key).unlink(missing_ok=True)
        except OSError as error:
            log.warning("The cache %s cannot be written: %s", self.folder, error)

    def _place(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / name

    def _make_room(self) -> None:
        with self._alone():
            kept = sorted(self._kept())
            total = sum(size for _, size, _ in kept)
            for _, size, path in kept:
                if total <= self.limit:
                    return
                path.unlink(missing_ok=True)
                total -= size

    def _kept(self) -> Iterator[tuple[float, int, Path]]:
        """When each file was used last, its bytes, its path; what is being written is left out for a day."""
        for path in self.folder.glob("??/*"):
            try:
                state = path.stat()
            except FileNotFoundError:
                continue
            if not path.name.startswith(".") or state.st_mtime < time.time() - DAY:
                yield state.st_mtime_ns, state.st_size, path

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the two lie on different disks."""
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
