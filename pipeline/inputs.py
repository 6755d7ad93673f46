"""Which builds a revision is made from, and what tells them apart."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.errors import StorageError
from pipeline.grid import Tile


def contributor_names(tile: Tile, builds: Mapping[str, Path]) -> list[str]:
    """Which builds take part in a tile's blend: its own and those of its neighbours, sorted by name.

    Raises:
        StorageError: the tile's own build is missing.
    """
    if tile.name not in builds:
        raise StorageError(f"The build of {tile.name} is missing: it cannot be blended with its neighbours.")
    near = {tile.name} | {other.name for other in tile.neighbours()}
    return sorted(near & set(builds))


def input_hashes(folders: Mapping[str, Path], products: Sequence[str]) -> dict[str, dict[str, str]]:
    """SHA-256 of what a blend was made from, by tile name and file name."""
    hashes: dict[str, dict[str, str]] = {}
    for name, folder in sorted(folders.items()):
        hashes[name] = {}
        for product in products:
            with (folder / product).open("rb") as file:
                hashes[name][product] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashes
