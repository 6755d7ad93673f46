"""The loops over the composite's cells, compiled, while it is planned (paper, 2.3).

All take float32 and do single products and sums in a fixed order, so that the bits of a cell depend on
nothing else. Offsets are given on blocks of `BLOCK` x `BLOCK` cells, between whose middles they are linear.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.mosaic.fields import Axis

BLOCK = 4
LEAST_COST, MOST_COST = 1, 2_000
COST_SCALE = np.float32(2_000)
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
Places = tuple[NDArray[np.intp], NDArray[np.intp], Floats]


def put(values: Floats, lines: Floats | None, offsets: Floats | None, takes: Mask, shown: Floats) -> None:
    """Show those cells of a scene, led over by its change and then by its offsets, where it has any.

    Args:
        values: (4, h, w), the scene.
        lines: (8, h, w), gains and what is then added, see `change.fitted`; None: as it is.
        offsets: (4, block rows, block cols).
        takes: bool (h, w), which cells.
        shown: (4, h, w), where they go.
    """
    known = None if lines is None else np.asarray(lines)
    _put(values, known, offsets, *_places(takes.shape, offsets), takes, shown)


def difference(shown: Floats, values: Floats, offsets: Floats) -> NDArray[np.int32]:
    """What a scene with its offsets differs from what is shown, int32 (h, w) in steps of a cut's cost.

    Taken as the eye sees it, in square roots, over all bands; the most where either is NaN. See `seamline`.

    Args:
        shown: (4, h, w), reflectance.
        values: (4, h, w), the scene.
        offsets: (4, block rows, block cols).
    """
    cost = np.empty(shown.shape[1:], np.int32)
    _difference(shown, values, offsets, *_places(cost.shape, offsets), cost)
    return cost


def _places(shape: tuple[int, ...], offsets: Floats | None) -> tuple[Places, Places]:
    """Where rows and columns of cells lie between the blocks."""
    blocks = (1, 1, 1) if offsets is None else offsets.shape
    rows, cols = (
        Axis.of_cells(0, cells, BLOCK, count) for cells, count in zip(shape, blocks[1:], strict=True)
    )
    return rows.parts, cols.parts


@njit(nogil=True, cache=True)
def _put(
    values: Floats,
    lines: Floats | None,
    offsets: Floats | None,
    rows: Places,
    cols: Places,
    takes: Mask,
    shown: Floats,
) -> None:
    for row in range(takes.shape[0]):
        for col in range(takes.shape[1]):
            if takes[row, col]:
                for band in range(4):
                    value = values[band, row, col]
                    if lines is not None:
                        value = value * lines[band, row, col] + lines[4 + band, row, col]
                    if offsets is not None:
                        value = value + _between(offsets, band, row, col, rows, cols)
                    shown[band, row, col] = value


@njit(nogil=True, cache=True)
def _difference(
    shown: Floats, values: Floats, offsets: Floats, rows: Places, cols: Places, cost: NDArray[np.int32]
) -> None:
    for row in range(cost.shape[0]):
        for col in range(cost.shape[1]):
            total = np.float32(0)
            for band in range(4):
                value = values[band, row, col] + _between(offsets, band, row, col, rows, cols)
                total += abs(_root(shown[band, row, col]) - _root(value))
            if np.isnan(total):
                cost[row, col] = MOST_COST
            else:
                cost[row, col] = min(max(np.rint(total * COST_SCALE), LEAST_COST), MOST_COST)


@njit(nogil=True, cache=True)
def _root(value: np.float32) -> np.float32:
    return np.float32(0) if value < 0 else np.sqrt(value)


@njit(nogil=True, cache=True)
def _between(blocks: Floats, band: int, row: int, col: int, rows: Places, cols: Places) -> np.float32:
    """The value of blocks at a cell, in the order of `fields.field`."""
    above, below, down = rows[0][row], rows[1][row], rows[2][row]
    before, after, across = cols[0][col], cols[1][col], cols[2][col]
    one = np.float32(1)
    first = blocks[band, above, before] * (one - across) + blocks[band, above, after] * across
    second = blocks[band, below, before] * (one - across) + blocks[band, below, after] * across
    return first * (one - down) + second * down


@njit(nogil=True, cache=True)
def gap_sums(shown: Floats, values: Floats, both: Mask, side: int, most: float) -> Floats:
    """How far what is shown lies above a scene, summed over blocks of the ground that both show.

    Args:
        shown: (4, h, w).
        values: (4, h, w), the scene.
        both: bool (h, w).
        side: of a block, cells.
        most: a difference counts as no more than that.

    Returns:
        float32 (5, block rows, block cols): how many cells both show, and the sums of the bands.
    """
    rows, cols = both.shape
    sums = np.zeros((5, -(-rows // side), -(-cols // side)), np.float32)
    for row in range(rows):
        for col in range(cols):
            if both[row, col]:
                sums[0, row // side, col // side] += np.float32(1)
                for band in range(4):
                    gap = shown[band, row, col] - values[band, row, col]
                    if not np.isnan(gap):
                        sums[1 + band, row // side, col // side] += np.float32(min(max(gap, -most), most))
    return sums
