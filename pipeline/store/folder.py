"""A root that is a folder, which all machines see: nothing is ever copied."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.storage import pieces


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

    def publish(self, unit: str) -> None:
        """Nothing is to be done."""

    def let_go(self, unit: str) -> None:
        """Nothing is to be done."""

    def bring(self, unit: str, names: Sequence[str] = ("*",)) -> Path:
        """The folder as it stands."""
        return self.folder / unit

    def names(self, unit: str) -> frozenset[str]:
        """The files that lie there."""
        return frozenset(names_in(self.folder / unit))

    def address(self, unit: str, name: str) -> str | None:
        """The path."""
        path = self.folder / unit / name
        return str(path) if path.exists() else None

    def keep(self, name: str) -> None:
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
