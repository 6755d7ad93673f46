"""Numbers of 16 bits looked up in tables."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


def look_up(tables: NDArray, numbers: NDArray[np.uint16]) -> NDArray:
    """What a table of each band says for the numbers of the band.

    Args:
        tables: (bands, 65536), of any type.
        numbers: uint16 (bands, h, w).

    Returns:
        (bands, h, w), of the tables' type.
    """
    found = np.empty(numbers.shape, tables.dtype)
    _look_up(np.ascontiguousarray(tables), np.ascontiguousarray(numbers, np.uint16), found)
    return found


@njit(nogil=True, cache=True)
def _look_up(tables: NDArray, numbers: NDArray[np.uint16], found: NDArray) -> None:
    for band in range(numbers.shape[0]):
        for row in range(numbers.shape[1]):
            for col in range(numbers.shape[2]):
                found[band, row, col] = tables[band, numbers[band, row, col]]


@njit(nogil=True, cache=True)
def hide_partly_empty(values: NDArray) -> None:
    """Make pixels (bands, h, w) that are NaN in one band NaN in all, in place."""
    for band in range(values.shape[0]):
        for row in range(values.shape[1]):
            for col in range(values.shape[2]):
                if np.isnan(values[band, row, col]):
                    for other in range(values.shape[0]):
                        values[other, row, col] = np.nan
