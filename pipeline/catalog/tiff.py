"""The index of a cloud-optimised GeoTIFF: where each block of each level lies (TIFF 6.0, BigTIFF)."""

import struct
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SourceError

MOST_LEVELS = 32
MOST_BLOCKS = 2**20
MOST_HEADER = 16 * 2**20
WIDTH, HEIGHT, COMPRESSION, SAMPLES, PLANAR, SUBFILE = 256, 257, 259, 277, 284, 254
BLOCK_WIDTH, BLOCK_HEIGHT, OFFSETS, SIZES = 322, 323, 324, 325
MASK = 4
DEFLATE = (8, 32946)
ITEMS = {1: "u1", 3: "u2", 4: "u4", 16: "u8"}
# Bytes of a value by the type numbers 1 to 18 of TIFF; 14 and 15 are not in use.
ITEM_SIZES = dict(enumerate((1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8), start=1))


Span = tuple[int, int, int]


class NotByBlocks(SourceError):
    """A file whose blocks cannot be fetched one by one: no COG, or a server without ranges."""


class Beyond(Exception):
    """More of the file's beginning is needed: `end` is one past the last byte asked for."""

    def __init__(self, end: int) -> None:
        super().__init__(end)
        self.end = end


@dataclass(frozen=True)
class Values:
    """The values of one tag and where they stand in the file."""

    position: int
    dtype: str
    values: NDArray[np.uint64]


@dataclass(frozen=True)
class Level:
    """One directory: the picture itself, or one of its overviews.

    Attributes:
        shape: rows, cols in pixels.
        block: rows, cols of a block.
        offsets, sizes: of the blocks, row by row; both 0 where a block was never written.
        compression: of the blocks, as TIFF numbers it; 1 for none.
    """

    shape: tuple[int, int]
    block: tuple[int, int]
    offsets: Values
    sizes: Values
    compression: int = 1

    @property
    def has_checksums(self) -> bool:
        """Whether each block ends with a checksum of its content: deflated ones do (RFC 1950)."""
        return self.compression in DEFLATE

    @property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        rows, cols = (-(-size // step) for size, step in zip(self.shape, self.block, strict=True))
        return rows, cols

    def pixels(self, block: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and one past the last row, and column, of a block."""
        places = zip(divmod(block, self.blocks[1]), self.block, self.shape, strict=True)
        rows, cols = ((at * step, min((at + 1) * step, size)) for at, step, size in places)
        return rows, cols

    def spans(self, blocks: Collection[int]) -> list[Span]:
        """(first byte, one past the last, block) of those blocks that were written, in order of the file."""
        places = ((int(self.offsets.values[at]), int(self.sizes.values[at]), at) for at in blocks)
        return sorted((first, first + size, at) for first, size, at in places if size)


@dataclass(frozen=True)
class Index:
    """The levels of a file, the full picture first, and the length of what lies before the first block."""

    levels: tuple[Level, ...]
    header: int

    def without(self, header: bytes, keep: dict[int, Collection[int]]) -> bytes:
        """The header in which only the blocks of `keep` (by level) are written; readers take others as empty.

        GDAL reads a block of offset and size 0 as no data ("sparse files" of its GTiff driver).
        """
        changed = bytearray(header)
        for number, level in enumerate(self.levels):
            kept = np.zeros(level.offsets.values.size, bool)
            kept[list(keep.get(number, ()))] = True
            for tag in (level.offsets, level.sizes):
                values = np.where(kept, tag.values, 0).astype(tag.dtype).tobytes()
                changed[tag.position : tag.position + len(values)] = values
        return bytes(changed)


def read_index(start: bytes, length: int) -> Index:
    """The index of a file from its beginning.

    Args:
        start: the file's first bytes.
        length: of the whole file, bytes.

    Raises:
        Beyond: more of the file is needed to tell.
        NotByBlocks: it is no tiled TIFF with all its directories before its data, or has a mask.
    """
    levels, ends = [], [8]
    for tags, end in _directories(start, length):
        levels.append(_level(tags))
        ends.append(end)
    if not levels:
        raise NotByBlocks("It has no directory.")
    header = length
    for level in levels:
        first, size = level.offsets.values, level.sizes.values
        if max(first.max(), size.max()) > length or (first + size).max() > length:
            raise NotByBlocks("Its blocks do not lie in it.")
        header = min(header, int(first[size > 0].min(initial=length)))
    if max(ends) > header:
        raise NotByBlocks("Its directories do not lie before its data.")
    if header > len(start):
        raise Beyond(header)
    return Index(tuple(levels), header)


class _Bytes:
    """The file's beginning, read by place; what lies behind it is asked for."""

    def __init__(self, start: bytes, length: int) -> None:
        self.start, self.length = start, length
        self.order = {b"II": "<", b"MM": ">"}.get(self.take(0, 2), "")
        version = self.number(2, "H") if self.order else 0
        if version not in (42, 43):
            raise NotByBlocks("It is no TIFF.")
        self.big = version == 43

    def take(self, first: int, count: int) -> bytes:
        if first + count > min(self.length, MOST_HEADER):
            raise NotByBlocks("Its directories do not lie before its data.")
        if first + count > len(self.start):
            raise Beyond(first + count)
        return self.start[first : first + count]

    def number(self, first: int, kind: str) -> int:
        return int(struct.unpack(self.order + kind, self.take(first, struct.calcsize(kind)))[0])

    def word(self, first: int) -> int:
        return self.number(first, "Q" if self.big else "I")


def _directories(start: bytes, length: int) -> list[tuple[dict[int, Values], int]]:
    """The tags of each directory that we know, and one past the last byte that it takes."""
    data = _Bytes(start, length)
    place = data.word(8 if data.big else 4)
    found: list[tuple[dict[int, Values], int]] = []
    while place:
        if len(found) == MOST_LEVELS:
            raise NotByBlocks(f"It has more than {MOST_LEVELS} directories.")
        count = data.number(place, "Q" if data.big else "H")
        first, size, word = place + (8 if data.big else 2), 20 if data.big else 12, 8 if data.big else 4
        entries = [_entry(data, first + size * at) for at in range(min(count, 200))]
        place = data.word(first + size * count)
        tags = {number: values for number, values, _ in entries if values is not None}
        found.append((tags, max([first + size * count + word, *(end for *_, end in entries)])))
    return found


def _entry(data: _Bytes, place: int) -> tuple[int, Values | None, int]:
    """A tag's number, its values where they are whole numbers, and where they end."""
    number, kind = data.number(place, "H"), data.number(place + 2, "H")
    count = data.number(place + 4, "Q" if data.big else "I")
    inline = place + (12 if data.big else 8)
    size = count * ITEM_SIZES.get(kind, 1)
    position = inline if size <= (8 if data.big else 4) else data.word(inline)
    if count > MOST_BLOCKS or kind not in ITEMS:
        return number, None, position + size
    dtype = data.order + ITEMS[kind]
    values = np.frombuffer(data.take(position, size), dtype).astype(np.uint64)
    return number, Values(position, dtype, values), position + size


def _level(tags: dict[int, Values]) -> Level:
    needed = (WIDTH, HEIGHT, BLOCK_WIDTH, BLOCK_HEIGHT, OFFSETS, SIZES)
    if any(tag not in tags or not tags[tag].values.size for tag in needed):
        raise NotByBlocks("It is not tiled.")
    one = {tag: int(values.values[0]) for tag, values in tags.items() if values.values.size}
    if one.get(SUBFILE, 0) & MASK or (one.get(PLANAR, 1) != 1 and one.get(SAMPLES, 1) != 1):
        raise NotByBlocks("It has a mask, or its bands one after the other.")
    shape, block = (one[HEIGHT], one[WIDTH]), (one[BLOCK_HEIGHT], one[BLOCK_WIDTH])
    if min(*shape, *block) < 1:
        raise NotByBlocks("It has no size.")
    level = Level(shape, block, tags[OFFSETS], tags[SIZES], one.get(COMPRESSION, 1))
    rows, cols = level.blocks
    if not rows * cols == tags[OFFSETS].values.size == tags[SIZES].values.size:
        raise NotByBlocks("It has not as many blocks as its size calls for.")
    return level
