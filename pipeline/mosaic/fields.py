"""Values given on coarse cells, at the fine ones between their middles."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Rows that are worked on at once, so that the processor's cache holds them.
STRIP = 128


@dataclass(frozen=True)
class Axis:
    """Where fine places lie between coarse ones along one axis.

    Attributes:
        low, high: indices of the coarse places before and after each fine one.
        share: float32, how much the one after has to say, 0..1.
    """

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, places: NDArray[np.floating], count: int) -> "Axis":
        """The axis of places counted in coarse ones from the first; those beyond the ends are as the ends."""
        place = np.clip(np.asarray(places, np.float64), 0, count - 1)
        low = place.astype(np.intp)
        return cls(low, np.minimum(low + 1, count - 1), (place - low).astype(np.float32))

    @classmethod
    def of_cells(cls, first: int, length: int, side: int, count: int) -> "Axis":
        """The axis of `length` fine cells from `first`, of which `side` make a coarse one."""
        return cls.of((np.arange(first, first + length) + 0.5) / side - 0.5, count)

    def __getitem__(self, part: slice) -> "Axis":
        """Some of its fine places."""
        return Axis(self.low[part], self.high[part], self.share[part])

    def moved(self, first: int) -> "Axis":
        """The same places, the coarse ones counted from another."""
        return Axis(self.low - first, self.high - first, self.share)


def field(coarse: NDArray[np.float32], rows: Axis, cols: Axis) -> NDArray[np.float32]:
    """The value at each fine place, linear in both directions between the coarse ones.

    Only products and sums of single numbers are taken, so that the bits at a place do not depend on what else
    is asked for.

    Args:
        coarse: (h, w).
        rows: where the rows lie.
        cols: where the columns lie.

    Returns:
        float32 (rows, cols).
    """
    top, bottom = int(rows.low[0]), int(rows.high[-1]) + 1
    near = coarse[top:bottom]
    lines = near[:, cols.low] * (1 - cols.share) + near[:, cols.high] * cols.share
    if len(rows.low) <= STRIP:
        return _between_lines(lines, rows.moved(top))
    found = np.empty((len(rows.low), lines.shape[1]), np.float32)
    for first in range(0, len(found), STRIP):
        found[first : first + STRIP] = _between_lines(lines, rows[first : first + STRIP].moved(top))
    return found


def _between_lines(lines: NDArray[np.float32], rows: Axis) -> NDArray[np.float32]:
    """Rows that lie between lines."""
    share = rows.share[:, None]
    low, high = int(rows.low[0]), int(rows.high[-1])
    if low == rows.low[-1]:
        found, below = lines[low] * (1 - share), lines[high] * share
    else:
        found, below = lines[rows.low], lines[rows.high]
        found *= 1 - share
        below *= share
    found += below
    return found
