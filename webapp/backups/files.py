"""Copies of the storage: which files count, copying them, and the list of their SHA-256."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import StorageError
from pipeline.storage import whole_file

CACHE = ".cache"
# As `sha256sum` writes the names that need it.
ESCAPES = {"\\": "\\\\", "\n": "\\n"}
LETTERS = {shown: letter for letter, shown in ESCAPES.items()}
ESCAPED = re.compile(r"\\[\\n]")


class State(NamedTuple):
    """What tells a file from another of its name without reading it."""

    inode: int
    size: int
    changed_ns: int


class Copied(NamedTuple):
    """A file of a copy: the state of its source then, and the SHA-256 of its own bytes."""

    state: State
    sha256: str


class Earlier(NamedTuple):
    """An earlier copy: its folder, and the SHA-256 of its files by their path in it."""

    folder: Path
    sums: Mapping[str, str]


def files_in(root: Path) -> Iterator[str]:
    """The files below a storage root that count, by their path in it: no caches, nothing under way."""
    for folder, folders, names in os.walk(root):
        at_root = Path(folder) == root
        folders[:] = sorted(name for name in folders if (name != CACHE if at_root else name[0] != "."))
        for name in sorted(names):
            if not name.startswith("."):
                yield (Path(folder, name).relative_to(root)).as_posix()


def state_of(path: Path) -> State | None:
    """The state of a file; None where it is not there (any more)."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return State(found.st_ino, found.st_size, found.st_mtime_ns)


def copy_new(root: Path, target: Path, done: dict[str, Copied], earlier: Earlier | None = None) -> None:
    """Copy what is new or changed since `done` was written down; what has gone since stays in the copy.

    Args:
        root: the storage.
        target: the folder of the copy.
        done: what was copied before; what is copied now is added.
        earlier: a copy whose files of the same length and time of change are linked, not copied.

    Raises:
        StorageError: the copy cannot be written.
    """
    for name in files_in(root):
        state = state_of(root / name)
        if state is None or (name in done and done[name].state == state):
            continue
        if earlier and link(earlier, name, target / name, state):
            done[name] = Copied(state, earlier.sums[name])
            continue
        try:
            copy(root / name, target / name)
        except FileNotFoundError:
            # Whoever removed it meanwhile had removed it from the database before.
            continue
        done[name] = Copied(state, sha256_of(target / name))


def copy(source: Path, target: Path) -> None:
    """Copy a file with its time of change; it has its name when it is whole.

    Raises:
        FileNotFoundError: the source is not there.
        StorageError: the target cannot be written.
    """
    with whole_file(target) as beside:
        shutil.copy2(source, beside)


def link(earlier: Earlier, name: str, target: Path, state: State) -> bool:
    """Link a file of an earlier copy that is sound and has the length and time; tells whether it could."""
    path = earlier.folder / name
    known = state_of(path)
    if known is None or (known.size, known.changed_ns) != (state.size, state.changed_ns):
        return False
    if sha256_of(path) != earlier.sums.get(name):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(path, target)
    except OSError:
        # Another file system, or one without links: copied instead.
        return False
    return True


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(path: Path, sums: Mapping[str, str]) -> None:
    """Write SHA-256 by name as `sha256sum -c` reads them."""
    with whole_file(path) as beside, beside.open("w", encoding="utf-8") as file:
        for name, digest in sorted(sums.items()):
            shown = "".join(ESCAPES.get(letter, letter) for letter in name)
            file.write(f"{'' if shown == name else chr(92)}{digest}  {shown}\n")


def read_sums(path: Path) -> dict[str, str]:
    """Read what `write_sums` wrote.

    Raises:
        StorageError: it cannot be read.
    """
    sums = {}
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be read: {error}.") from error
    for line in filter(None, lines):
        digest, _, name = line.removeprefix("\\").partition("  ")
        if line.startswith("\\"):
            name = ESCAPED.sub(lambda found: LETTERS[found[0]], name)
        sums[name] = digest
    return sums
