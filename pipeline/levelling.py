"""The normal equations of the corrections of several tiles, and their solution.

Each tile is held to the identity. With x_k gain less 1 at the n knots of a tile, d apart, it is

    (sum_k x_k^2 + (L / d)^2 sum_(k, m side by side) (x_k - x_m)^2) / (n s^2)

that is added to what the overlaps ask for, and the same for offsets. So that fades to the identity over about
L = `REACH` metres, and tiles beyond the second ring hardly matter.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from pipeline.overlaps import UNKNOWNS, Conditions
from pipeline.smooth import KNOTS, SPACING

REACH = 40_000.0
GAIN_HOLD = 0.1
OFFSET_HOLD = 0.005


class System:
    """Normal equations of several tiles, of which only the band below the diagonal is kept.

    Args:
        tiles: how many.
        apart: how far apart, at most, the two of a pair come in their order.
    """

    def __init__(self, tiles: int, apart: int) -> None:
        side, height = UNKNOWNS * tiles, UNKNOWNS * (apart + 1)
        self.columns = np.zeros((4, side, height))
        self.own = np.repeat(HOLD[None, None], tiles, axis=0).repeat(4, axis=1)
        self.right = np.zeros((tiles, 4, UNKNOWNS))
        band, column, row = self.columns.strides
        # Element (i, k) of the matrix stands in column k of the band, i - k below its top.
        self.matrix = as_strided(self.columns, (4, side, side), (band, row, column - row))

    def add(self, one: int, other: int, conditions: Conditions) -> None:
        """Add the conditions of a pair; each pair may come once."""
        for tile, own, right in zip((one, other), conditions.own, conditions.right, strict=True):
            self.own[tile] += own
            self.right[tile] += right
        block = conditions.across if other < one else conditions.across.transpose(0, 2, 1)
        self.matrix[:, _part(max(one, other)), _part(min(one, other))] = block

    def solved(self) -> NDArray[np.float64]:
        """The unknowns (4, tiles, UNKNOWNS)."""
        i, k = np.tril_indices(UNKNOWNS)
        by_tile = self.columns.reshape(4, len(self.own), UNKNOWNS, -1)
        by_tile[:, :, k, i - k] = self.own.transpose(1, 0, 2, 3)[:, :, i, k]
        sides = self.right.transpose(1, 0, 2).reshape(4, -1)
        options = {"lower": True, "check_finite": False, "overwrite_ab": True}
        found = [solveh_banded(one.T, side, **options) for one, side in zip(self.columns, sides, strict=True)]
        return np.stack(found).reshape(4, -1, UNKNOWNS)


def _part(tile: int) -> slice:
    return slice(UNKNOWNS * tile, UNKNOWNS * (tile + 1))


def _hold() -> NDArray[np.float64]:
    """What holds one tile to the identity and its knots to each other, (UNKNOWNS, UNKNOWNS)."""
    apart = 2 * np.eye(KNOTS) - np.eye(KNOTS, k=1) - np.eye(KNOTS, k=-1)
    apart[[0, -1], [0, -1]] = 1
    beside = np.kron(apart, np.eye(KNOTS)) + np.kron(np.eye(KNOTS), apart)
    held = (np.eye(KNOTS * KNOTS) + (REACH / SPACING) ** 2 * beside) / KNOTS**2
    by_kind = np.diag([1 / GAIN_HOLD**2, 1 / OFFSET_HOLD**2])
    return np.asarray(np.kron(by_kind, held), np.float64)


HOLD = _hold()
