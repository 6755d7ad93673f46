"""The working copy on this machine: which files are what was published, and room for others."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.store.manifest import Entry

FIRST_SECOND = 946_684_800
SECONDS = 2**29
MICROSECONDS = 1_000_000


def mark_of(entry: Entry) -> int:
    """A time of change, in nanoseconds, that says which content a file has.

    So it can be told with one look at the file's status whether it is what a manifest names.
    """
    digits = int(entry.sha256[:15], 16)
    seconds, micro = divmod(digits % (SECONDS * MICROSECONDS), MICROSECONDS)
    return (FIRST_SECOND + seconds) * 10**9 + micro * 1000


def set_mark(path: Path, entry: Entry) -> None:
    """Say of a file that it is what an entry names, and that it was just used."""
    os.utime(path, ns=(time.time_ns(), mark_of(entry)))


def is_current(path: Path, entry: Entry) -> bool:
    """Whether a file is what an entry names; if so it counts as just used."""
    try:
        state = path.stat()
        if state.st_size != entry.size or state.st_mtime_ns != mark_of(entry):
            return False
        set_mark(path, entry)
    except FileNotFoundError:
        return False
    return True


def entry_of(path: Path) -> Entry:
    """Read a file for its size and hash."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Entry(os.fstat(file.fileno()).st_size, digest)


def trim(folder: Path, limit: int, unused_seconds: float = 0.0) -> int:
    """Remove the files used longest ago while those of a working copy take more than a limit.

    Args:
        folder: of the working copy; what lies in folders whose name begins with a full stop is left alone.
        limit: bytes.
        unused_seconds: files used within so many seconds stay.

    Returns:
        Bytes that went.
    """
    found, held = [], 0
    seen: set[int] = set()
    for path in _files(folder):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        found.append((state.st_atime, path, 0 if state.st_ino in seen else state.st_size))
        held += found[-1][2]
        seen.add(state.st_ino)
    went, last = 0, time.time() - unused_seconds
    for used, path, size in sorted(found):
        if held - went <= limit or used > last:
            break
        path.unlink(missing_ok=True)
        went += size
    return went


def clear_remains(folder: Path) -> None:
    """Remove files and folders under way that whoever worked in a working copy before has left there."""
    for place, folders, names in os.walk(folder):
        # Right below lie units, of which one begins with a full stop as well.
        for name in [one for one in folders if one.startswith(".") and Path(place) != folder]:
            shutil.rmtree(Path(place) / name, ignore_errors=True)
            folders.remove(name)
        for name in names:
            if name.startswith("."):
                (Path(place) / name).unlink(missing_ok=True)


def touch(path: Path) -> bool:
    """Whether a file is there; if so it counts as just used."""
    try:
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    except FileNotFoundError:
        return False
    return True


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(place) / name for name in names if not name.startswith("."))
