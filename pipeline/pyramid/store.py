"""Chips as files named by their content, so that editions share what is equal and nothing is overwritten."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from pipeline.grid import Tile
from pipeline.pyramid.chips import BASE_PIXELS, SIDE, Chip, span_of
from pipeline.pyramid.overview import write_stack
from pipeline.pyramid.parts import Bytes, empty, fill, halve, is_empty, without_rim
from pipeline.raster import opened, padded

RIM = 1


class ChipStore:
    """The chips of a campaign in a folder of their own, each under the hash of its place and its pixels."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which need not exist."""
        self.folder = Path(folder)

    def path(self, key: str) -> Path:
        """Give the file of a key."""
        return self.folder / self.name(key)

    @staticmethod
    def name(key: str) -> str:
        """Give the path of a key's file in the folder."""
        return f"{key[:2]}/{key}.tif"

    def write(self, chip: Chip, stack: Bytes) -> str:
        """Keep a chip; whoever writes the same one meanwhile writes the same file.

        Args:
            chip: its place.
            stack: uint8 (7, 512, 512).

        Returns:
            Its key, 64 hexadecimal digits; "" where it is empty, which needs no file.

        Raises:
            StorageError: the file cannot be written.
        """
        if is_empty(stack):
            return ""
        key = hashlib.sha256(repr(tuple(chip)).encode() + np.ascontiguousarray(stack).tobytes()).hexdigest()
        path = self.path(key)
        if path.exists():
            os.utime(path)
        else:
            write_stack(path, stack, chip.geobox)
        return key

    def read(self, key: str) -> Bytes | None:
        """Read a chip: uint8 (7, 512, 512), or None for the key of an empty one.

        Raises:
            SourceError: it is missing or broken.
        """
        if not key:
            return None
        with opened(self.path(key)) as dataset:
            return dataset.read()


def merged(chip: Chip, overviews: Sequence[tuple[Tile, Path]]) -> Bytes:
    """Lay the overviews of tiles into a chip of the base zoom, the first with data at a pixel winning.

    Pixels where the data of an overview end are made of a part of their ground, so they show only where no
    other overview has anything better.

    Args:
        chip: of the base zoom.
        overviews: tiles that reach into it with their overview.tif, in order of tile name.

    Returns:
        uint8 (7, 512, 512).

    Raises:
        SourceError: an overview is missing or broken.
    """
    stack, laid = empty(SIDE, SIDE), []
    for tile, path in overviews:
        span = span_of(tile)
        left = (chip.x * SIDE - span.left + BASE_PIXELS // 2) % BASE_PIXELS - BASE_PIXELS // 2
        top = chip.y * SIDE - span.top
        cols, rows = _common(left, span.cols), _common(top, span.rows)
        if cols and rows:
            window = Window(cols.start, rows.start, len(cols), len(rows))
            grown, inner = padded(window, RIM, (span.rows, span.cols))
            with opened(path) as dataset:
                values = dataset.read(window=grown)
            place = slice(rows.start - top, rows.stop - top), slice(cols.start - left, cols.stop - left)
            laid.append((stack[(slice(None), *place)], values, inner))
    for part, values, inner in laid:
        fill(part, without_rim(values, RIM)[(slice(None), *inner)])
    for part, values, inner in laid:
        fill(part, values[(slice(None), *inner)])
    return stack


def _common(offset: int, length: int) -> range:
    """Which of `length` pixels lie in the chip's 512, the first of which is number `offset`."""
    return range(max(offset, 0), min(offset + SIDE, length))


def parent_of(children: Sequence[Bytes | None]) -> Bytes:
    """Make a chip from its four children.

    Args:
        children: upper left, upper right, lower left, lower right: uint8 (7, 512, 512), None where empty.

    Returns:
        uint8 (7, 512, 512).
    """
    whole, half = empty(SIDE, SIDE), SIDE // 2
    for number, child in enumerate(children):
        if child is not None:
            row, col = divmod(number, 2)
            whole[:, row * half : (row + 1) * half, col * half : (col + 1) * half] = halve(child)
    return whole
