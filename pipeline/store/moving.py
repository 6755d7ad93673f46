"""Copies a folder with products into another root, and goes on where it was broken off."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.store.folder import names_in
from pipeline.store.root import Root

UNITS = ("*/*/builds/*", "*/*/revisions/*", "deliveries/*/*", ".models")


@dataclass
class Moved:
    """What was copied, and what was there already.

    Attributes:
        units: published.
        files: of no unit.
        bytes: of both.
        there: units and files that the root had.
    """

    units: int = 0
    files: int = 0
    bytes: int = 0
    there: int = 0


def units_in(folder: Path) -> list[str]:
    """The units below a storage folder, by their paths, sorted; those of work under way are none."""
    found = [path for pattern in UNITS for path in folder.glob(pattern) if path.is_dir()]
    names = [path.relative_to(folder).as_posix() for path in found if not path.name.endswith(".part")]
    return sorted(names)


def copy_into(root: Root, folder: Path, tell: Callable[[str], None] = lambda name: None) -> Moved:
    """Copy all products of a storage folder into another root; nothing of the folder is changed.

    What the root has under the same names with the same sizes is left alone, so a copy that broke off goes
    on. Nobody may work in either meanwhile.

    Args:
        root: where to.
        folder: where from.
        tell: hears the name of each unit and file that is copied.

    Raises:
        UsageError: there is no such folder.
        StorageError: a file cannot be stored.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder} to copy from.", "folder")
    units, moved = units_in(folder), Moved()
    for unit in units:
        sizes = {name: (folder / unit / name).stat().st_size for name in names_in(folder / unit)}
        if {name: root.size(unit, name) for name in root.names(unit)} == sizes:
            moved.there += 1
            continue
        tell(unit)
        root.publish(unit, folder / unit)
        moved.units += 1
        moved.bytes += sum(sizes.values())
    for name in files_beside(folder, units):
        size = (folder / name).stat().st_size
        if root.size("", name) == size:
            moved.there += 1
            continue
        tell(name)
        root.keep(name, folder / name)
        moved.files += 1
        moved.bytes += size
    return moved


def files_beside(folder: Path, units: list[str]) -> Iterator[str]:
    """The files below a storage folder that belong to no unit, by their paths, but hidden ones."""
    inside = {folder / unit for unit in units}
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(one for one in folders if not one.startswith(".") and here / one not in inside)
        for name in sorted(names):
            if not name.startswith("."):
                yield (here / name).relative_to(folder).as_posix()
