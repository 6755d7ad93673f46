"""Files that appear under their name only when they are whole."""

import errno
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import StorageError, StorageFull

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
LITTLE = 2**20
PIECE = 2**18
DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}

# One for the whole process, since a job's threads write as well.
_permits: list[Callable[[], None]] = []


@contextmanager
def permitted(check: Callable[[], None]) -> Iterator[None]:
    """Ask `check` before any file is given its name or removed, until the block ends; it raises to refuse."""
    _permits.append(check)
    try:
        yield
    finally:
        _permits.remove(check)


def require_permit() -> None:
    """Raise what the checks of `permitted` raise, where this process may not change products any more."""
    for check in tuple(_permits):
        check()


def storage_error(error: OSError, path: Path) -> StorageError:
    """The sentence for an operating system error met while writing `path`."""
    if error.errno in FULL:
        return StorageFull(f"The disk is full: {path} could not be written; free some space and run again.")
    return StorageError(f"{path} could not be written: {error.strerror or error}.")


def full_disk(error: OSError) -> StorageFull | None:
    """The sentence for an operating system error that tells of a full disk; None for another."""
    if error.errno not in FULL:
        return None
    return StorageFull(f"The disk is full: {error.filename or 'a work file'} could not be written.")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the name `path` when the block ends well.

    The file is flushed to the disk before it is renamed, and removed if the block raises.

    Raises:
        StorageError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    beside = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        yield beside
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        require_permit()
        beside.replace(path)
    except OSError as error:
        if error.errno in FULL or error.errno in DENIED:
            raise storage_error(error, path) from error
        raise
    finally:
        beside.unlink(missing_ok=True)


def reserve(path: Path) -> None:
    """Take the room on the disk that a file's length asks for, before it is written through memory.

    Where the room ran out then, the system would end the process without a word.

    Raises:
        StorageError: the disk is full.
    """
    try:
        with Path(path).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise storage_error(error, Path(path)) from error


def nearly_full(folder: Path) -> bool:
    """Whether the disk of a folder has less room than one more block of a raster takes."""
    return shutil.disk_usage(folder).free < LITTLE


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with whole_file(path) as beside:
        beside.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON to `path`, whole or not at all."""
    write_bytes(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        StorageError: the file is missing or not JSON.
    """
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError as error:
        raise StorageError(f"{path} is missing: run the step that makes it first.") from error
    except ValueError as error:
        raise StorageError(f"{path} is not valid JSON ({error}); remove it and run again.") from error


def require_space(folder: Path, needed: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        folder: where the files will go (made if missing).
        needed: bytes.

    Raises:
        StorageError: less than `needed` bytes are free.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise storage_error(error, Path(folder)) from error
    if free < needed:
        raise StorageFull(
            f"The disk is full: {folder} has {free // 2**20} MiB free, {needed // 2**20} MiB are needed."
        )


def pieces(path: Path, first: int, last: int) -> Iterator[bytes]:
    """Give the bytes of a file from the first to the last, counted from 0, piece by piece.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(first, os.SEEK_SET)
        left = last - first + 1
        while left > 0 and (some := file.read(min(PIECE, left))):
            left -= len(some)
            yield some
