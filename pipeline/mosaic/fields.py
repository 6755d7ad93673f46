"""Values given on coarse cells, at the fine ones between their middles."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


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

    @property
    def span(self) -> tuple[int, int]:
        """The first coarse place that has a say, and how many have from there on."""
        first = int(self.low[0])
        return first, int(self.high[-1]) + 1 - first

    @property
    def parts(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
        """`low`, `high` and `share`."""
        return self.low, self.high, self.share

    def moved(self, first: int) -> "Axis":
        """The same places, the coarse ones counted from another."""
        return Axis(self.low - first, self.high - first, self.share)


def field(coarse: NDArray[np.floating], rows: Axis, cols: Axis) -> NDArray[np.float32]:
    """The value at each fine place, linear in both directions between the coarse ones.

    Only products and sums of single numbers are taken, so that the bits at a place do not depend on what else
    is asked for.

    Args:
        coarse: (..., h, w).
        rows: where the rows lie.
        cols: where the columns lie.

    Returns:
        float32 (..., rows, cols).
    """
    found = np.empty((*coarse.shape[:-2], len(rows.low), len(cols.low)), np.float32)
    layers = np.ascontiguousarray(coarse, np.float32).reshape(-1, *coarse.shape[-2:])
    for layer, fine in zip(layers, found.reshape(-1, *found.shape[-2:]), strict=True):
        _between(layer, *rows.parts, *cols.parts, fine)
    return found


@njit(nogil=True, cache=True)
def _between(
    coarse: NDArray[np.float32],
    above: NDArray[np.intp],
    below: NDArray[np.intp],
    down: NDArray[np.float32],
    before: NDArray[np.intp],
    after: NDArray[np.intp],
    across: NDArray[np.float32],
    found: NDArray[np.float32],
) -> None:
    """Fill `found`, see `field`: between the columns first, then between the rows."""
    one = np.float32(1)
    first, second = np.empty(len(before), np.float32), np.empty(len(before), np.float32)
    upper, lower = -1, -1
    for row in range(len(above)):
        if above[row] != upper or below[row] != lower:
            upper, lower = above[row], below[row]
            for col in range(len(before)):
                a, b, share = before[col], after[col], across[col]
                first[col] = coarse[upper, a] * (one - share) + coarse[upper, b] * share
                second[col] = coarse[lower, a] * (one - share) + coarse[lower, b] * share
        share = down[row]
        for col in range(len(before)):
            found[row, col] = first[col] * (one - share) + second[col] * share
