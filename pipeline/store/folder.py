"""A root that is a folder, which all machines see: nothing is ever copied."""

import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage import pieces
from pipeline.store.cache import entry_of
from pipeline.store.manifest import Entry


@dataclass(frozen=True)
class FolderRoot:
    """See `Root`: a file is published by being there.

    Attributes:
        folder: the root.
    """

    folder: Path

    def take(self, unit: str) -> Path:
        """The folder as it stands."""
        return self.folder / unit

    def publish(self, unit: str, place: Path | None = None) -> None:
        """Nothing is to be done."""

    def let_go(self, unit: str) -> None:
        """Nothing is to be done."""

    def bring(self, unit: str, names: Sequence[str] = ("*",)) -> Path:
        """The folder as it stands."""
        return self.folder / unit

    def forget(self) -> None:
        """Nothing is remembered."""

    def names(self, unit: str) -> frozenset[str]:
        """The files that lie there."""
        return frozenset(names_in(self.folder / unit))

    def address(self, unit: str, name: str) -> str | None:
        """The path."""
        path = self.folder / unit / name
        return str(path) if path.exists() else None

    def source(self, unit: str, name: str) -> str:
        """The path."""
        return f"{self.folder}/{unit}/{name}"

    def holds(self, unit: str, name: str, size: int, sha256: str) -> bool:
        """Whether the bytes that lie there are those."""
        path = self.folder / unit / name
        try:
            return path.stat().st_size == size and entry_of(path) == Entry(size, sha256)
        except OSError:
            return False

    def keep(self, name: str, path: Path | None = None) -> None:
        """Nothing is to be done."""

    def bring_file(self, name: str) -> Path:
        """The path."""
        return self.folder / name

    def size(self, unit: str, name: str) -> int | None:
        """Bytes of the file."""
        try:
            return (self.folder / unit / name).stat().st_size
        except FileNotFoundError:
            return None

    def version(self, unit: str, name: str) -> str:
        """The path with the time of change."""
        path = self.folder / unit / name
        try:
            return f"{path} {path.stat().st_mtime_ns}"
        except FileNotFoundError:
            return str(path)

    def read(self, unit: str, name: str, first: int, last: int) -> Iterator[bytes]:
        """The bytes of the file."""
        yield from pieces(self.folder / unit / name, first, last)

    def remove(self, name: str) -> None:
        """Remove what lies there."""
        path = self.folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def children(self, name: str) -> list[str]:
        """The names of files and folders that lie there."""
        path = self.folder / name
        return sorted(one.name for one in path.iterdir()) if path.is_dir() else []

    def age_out(self, name: str, wanted: Collection[str], seconds: float) -> int:
        """By the time of change."""
        place, before, removed = self.folder / name, time.time() - seconds, 0
        for found in list(names_in(place)):
            if found not in wanted and (place / found).stat().st_mtime < before:
                (place / found).unlink(missing_ok=True)
                removed += 1
        return removed

    def trim(self, unused_seconds: float = 0.0) -> int:
        """Nothing goes: it is no copy."""
        return 0

    def check(self) -> None:
        """Write and remove a file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix=".health-") as file:
            file.write(b"0")
            file.flush()


def names_in(folder: Path) -> Iterator[str]:
    """The files of a folder and below, by their path in it, but those whose name begins with a full stop."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix()
