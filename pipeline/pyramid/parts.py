"""What a chip's seven bands are, when a pixel is empty, and how four pixels become one."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.evidence import MOST_SCENES
from pipeline.landcover.classes import NO_CONFIDENCE, NO_DATA
from pipeline.overlay import well_inside

Rule = Literal["mean", "mode", "first"]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Part:
    """The bands of a chip that come from one product.

    Attributes:
        product: the file's name.
        folder: whose folder holds the file, a revision's or its build's.
        first: index of its first band in a chip, from 0.
        count: how many bands.
        empty: the value that means no data; a pixel is empty where any of its bands is.
        rule: how four pixels become one: the mean or the commonest value of those with data, or the first of
            them in reading order, which also decides where two values are equally common.
        behind: name of the file, in the same folder, that shows where the first is empty; there need be none.
        most: the largest value that another tile's data do not replace, where two tiles meet.
    """

    product: str
    folder: Literal["revision", "build"]
    first: int
    count: int
    empty: int
    rule: Rule
    behind: str = ""
    most: int = 255

    @property
    def bands(self) -> slice:
        """Where its bands lie in a chip."""
        return slice(self.first, self.first + self.count)

    def filled(self, values: Bytes) -> NDArray[np.bool_]:
        """Where (bands, h, w) have data: bool (h, w)."""
        return (values != self.empty).all(axis=0)

    def sure(self, values: Bytes) -> NDArray[np.bool_]:
        """Where (bands, h, w) have data that no other tile's replace: bool (h, w)."""
        return self.filled(values) & (values <= self.most).all(axis=0)

    def halve(self, values: Bytes) -> Bytes:
        """Bring (bands, 2h, 2w) to (bands, h, w); a pixel has data where any of its four has."""
        four = np.stack([values[:, row::2, col::2] for row in (0, 1) for col in (0, 1)])
        has = np.stack([self.filled(quarter) for quarter in four])
        made = _mean(four, has) if self.rule == "mean" else _chosen(four, has, self.rule)
        return np.where(has.any(axis=0), made, np.uint8(self.empty))


PARTS = (
    Part("mosaic.tif", "revision", 0, 4, 0, "mean"),
    Part("landcover.tif", "revision", 4, 1, NO_DATA, "mode"),
    Part("confidence.tif", "revision", 5, 1, NO_CONFIDENCE, "mean"),
    Part("provenance.tif", "build", 6, 1, 0, "first", "fill_provenance.tif", MOST_SCENES),
)
BANDS = sum(part.count for part in PARTS)


def part_of(product: str) -> Part:
    """Give the part that comes from a product.

    Raises:
        KeyError: chips hold nothing of it.
    """
    return {part.product: part for part in PARTS}[product]


def empty(rows: int, cols: int) -> Bytes:
    """Make (7, rows, cols) without data."""
    made = np.zeros((BANDS, rows, cols), np.uint8)
    for part in PARTS:
        made[part.bands] = part.empty
    return made


def is_empty(stack: Bytes) -> bool:
    """Whether a stack of seven bands has no data at all."""
    return not any(part.filled(stack[part.bands]).any() for part in PARTS)


def halve(stack: Bytes) -> Bytes:
    """Bring seven bands to half their rows and columns, each part by its own rule."""
    return np.concatenate([part.halve(stack[part.bands]) for part in PARTS])


def fill(stack: Bytes, other: Bytes) -> None:
    """Take from another stack what one lacks, or shows for want of anything better, in place."""
    for part in PARTS:
        mine, theirs = stack[part.bands], other[part.bands]
        takes = ~part.filled(mine) & part.filled(theirs) | ~part.sure(mine) & part.sure(theirs)
        np.copyto(mine, theirs, where=takes)


def without_rim(stack: Bytes, rim: int) -> Bytes:
    """A stack without the pixels, part by part, that lie as near to where its data end."""
    made = empty(*stack.shape[1:])
    for part in PARTS:
        values = stack[part.bands]
        np.copyto(made[part.bands], values, where=well_inside(part.filled(values), rim))
    return made


def _mean(four: Bytes, has: NDArray[np.bool_]) -> Bytes:
    """Mean of the pixels with data, halves rounded up; 0 where there are none."""
    count = has.sum(axis=0, dtype=np.uint16)
    total = np.where(has[:, None], four, 0).sum(axis=0, dtype=np.uint16)
    return ((total + count // 2) // np.maximum(count, 1)).astype(np.uint8)


def _chosen(four: Bytes, has: NDArray[np.bool_], rule: Rule) -> Bytes:
    """The value of one of the four pixels: the first, or the first of the commonest, that has data."""
    votes = has.astype(np.uint8)
    if rule == "mode":
        same = (four[:, None] == four[None]).all(axis=2) & has[None]
        votes = np.where(has, same.sum(axis=1, dtype=np.uint8), 0)
    winner = votes.argmax(axis=0)
    return np.take_along_axis(four, winner[None, None], axis=0)[0]
