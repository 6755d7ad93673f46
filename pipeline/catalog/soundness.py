"""Whether blocks of a COG are what their server meant to send, as far as one answer can tell."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from pipeline.catalog.tiff import Level

PIECE = 2**20


def unsound(path: Path, level: Level, number: int, blocks: Sequence[int]) -> list[int]:
    """Those blocks that GDAL cannot decode, or, of deflated ones, whose content has not its checksum.

    Args:
        path: the file; the blocks lie at their places in it.
        level: of the file.
        number: of the level, 0 for the picture itself.
        blocks: of the level.
    """
    broken = {*_undecodable(path, level, number, blocks), *(_altered(path, level, blocks))}
    return [block for block in blocks if block in broken]


def intact(content: bytes) -> bool:
    """Whether bytes are a zlib stream whose content has the checksum at its end (RFC 1950)."""
    stream = zlib.decompressobj()
    try:
        while not stream.eof:
            piece = stream.decompress(content, PIECE)
            content = stream.unconsumed_tail
            if not piece and not content and not stream.eof:
                return False
    except zlib.error:
        return False
    return True


def _altered(path: Path, level: Level, blocks: Sequence[int]) -> list[int]:
    """Blocks with another checksum than their content's, which GDAL may pass: it stops at the last pixel."""
    if not level.has_checksums:
        return []
    broken = []
    with path.open("rb") as file:
        for first, last, block in level.spans(blocks):
            file.seek(first)
            if not intact(file.read(last - first)):
                broken.append(block)
    return broken


def _undecodable(path: Path, level: Level, number: int, blocks: Sequence[int]) -> list[int]:
    options = {"OVERVIEW_LEVEL": number - 1} if number else {}
    broken = []
    with rasterio.open(path, driver="GTiff", **options) as dataset:
        for block in blocks:
            (top, bottom), (left, right) = level.pixels(block)
            try:
                dataset.read(1, window=Window(left, top, right - left, bottom - top))
            except RasterioError:
                broken.append(block)
    return broken
