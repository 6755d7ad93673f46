"""What the application asks of a storage root, whatever it is."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol


class Root(Protocol):
    """All products, by unit and name.

    A **unit** is what is published at once, whole or not at all: the folder of a build, a revision or a
    delivery, named by its path below the root. A file of no unit (a chip, a packed edition) stands for
    itself: it is written once under its name and never changed.
    """

    @property
    def folder(self) -> Path:
        """Where the paths of this machine begin: the root itself, or the working copy of it."""

    def take(self, unit: str) -> Path:
        """Give the folder of a unit to work in: just what was last published, nothing else.

        Raises:
            StorageError: it cannot be had.
        """

    def publish(self, unit: str, place: Path | None = None) -> None:
        """Publish what the folder of a unit holds now: the files first, then the list that names them.

        After `take` the unit becomes what the folder holds; without, its files are added to those of before.

        Args:
            unit: what is published.
            place: another folder that holds its files, in place of the unit's own.

        Raises:
            TransientStorageError: another has published since the unit was taken.
            StorageError: it cannot be written.
        """

    def let_go(self, unit: str) -> None:
        """Forget that a unit was taken: what its folder holds is not published."""

    def bring(self, unit: str, names: Sequence[str] = ("*",)) -> Path:
        """Have files of a unit on this machine, by name or pattern (`*` also matches `/`); gives its folder.

        Files that the unit lacks are simply not there.

        Raises:
            StorageError: they cannot be had.
        """

    def forget(self) -> None:
        """Believe nothing any more that was read of publications before: for the begin of a job."""

    def names(self, unit: str) -> frozenset[str]:
        """The files of a unit, by their path in it; none where it was never published."""

    def address(self, unit: str, name: str) -> str | None:
        """What GDAL opens to read a file of a unit in parts; None where there is none."""

    def source(self, unit: str, name: str) -> str:
        """What GDAL opens to read a file of a unit whose content stays; whether it is there is not asked."""

    def holds(self, unit: str, name: str, size: int, sha256: str) -> bool:
        """Whether a file of a unit is there with so many bytes and this SHA-256."""

    def keep(self, name: str, path: Path | None = None) -> None:
        """Publish a file of no unit that was written under the folder, or that lies at another path.

        Raises:
            StorageError: it cannot be written.
        """

    def bring_file(self, name: str) -> Path:
        """Have a file of no unit on this machine; gives its path, also where there is no such file.

        Raises:
            StorageError: it cannot be had.
        """

    def size(self, unit: str, name: str) -> int | None:
        """Bytes of a file of a unit, or with an empty unit of none; None where there is none."""

    def version(self, unit: str, name: str) -> str:
        """What is another text once a file, given as for `size`, is another."""

    def read(self, unit: str, name: str, first: int, last: int) -> Iterator[bytes]:
        """The bytes of a file from first to last, piece by piece.

        Raises:
            StorageError: they cannot be had.
        """

    def remove(self, name: str) -> None:
        """Remove a unit, or all files under a name."""

    def children(self, name: str) -> list[str]:
        """The names of what lies right under a name, sorted."""

    def age_out(self, name: str, wanted: Collection[str], seconds: float) -> int:
        """Remove the files of no unit under a name that are older and not wanted; gives their number.

        Args:
            name: of the folder.
            wanted: paths below it that stay.
            seconds: what was written within so many seconds stays as well.
        """

    def trim(self, unused_seconds: float = 0.0) -> int:
        """Make room in a working copy but keep what was just used; gives the bytes that went.

        What is not published may go too: call it between works.
        """

    def check(self) -> None:
        """Write and remove a small file.

        Raises:
            OSError: it cannot be done.
            StorageError: it cannot be done.
        """
