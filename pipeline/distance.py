"""Distances to the nearest pixel of a kind, exact up to a limit and fast because they stop there."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

MOST_STEPS = 40


def distance_to_false(mask: NDArray[np.bool_], limit: float) -> NDArray[np.float64]:
    """Distance in pixels from each pixel to the nearest False one, at most `limit`.

    The result is that of scipy's `distance_transform_edt` to the bit, as squared distances are whole numbers.
    Only what lies within the limit of a False pixel is looked at, and where the limit is small, all offsets
    within it are tried along the rows after the columns, which is many times as fast.
    """
    if mask.all():
        return np.full(mask.shape, float(limit))
    if not mask.any():
        return np.zeros(mask.shape)
    steps = int(np.ceil(limit))
    near = tuple(_span(np.asarray(~mask.all(axis=1 - axis)), steps) for axis in (0, 1))
    distance = np.full(mask.shape, float(limit))
    if steps <= MOST_STEPS:
        roots = np.minimum(np.sqrt(np.arange(steps**2 + 1)), float(limit))
        columns = _along_columns(np.ascontiguousarray(mask[near]), steps)
        distance[near] = _along_rows(columns, steps, roots)
    else:
        distance[near] = np.minimum(distance_transform_edt(mask[near]), float(limit))
    return distance


def near_true(mask: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """Where a True pixel is at most `reach` pixels away; as fast for any reach."""
    found = np.zeros(mask.shape, bool)
    if not mask.any():
        return found
    steps = int(reach) + 1
    part = tuple(_span(np.asarray(mask.any(axis=1 - axis)), steps) for axis in (0, 1))
    away = np.arange(steps + 1)
    widths = (np.hypot(away[:, None], away) <= reach).sum(axis=1) - 1
    found[part] = _near_along_rows(_along_columns(np.ascontiguousarray(~mask[part]), steps), widths)
    return found


def _span(found: NDArray[np.bool_], steps: int) -> slice:
    """From the first to the last True, grown by `steps`."""
    places = np.flatnonzero(found)
    return slice(max(int(places[0]) - steps, 0), int(places[-1]) + steps + 1)


@njit("uint16[:,::1](boolean[:,::1], int64)", nogil=True, cache=True)
def _along_columns(mask: NDArray[np.bool_], steps: int) -> NDArray[np.uint16]:
    """Distance to the nearest False pixel of the same column, at most `steps`."""
    rows, cols = mask.shape
    distance = np.empty((rows, cols), np.uint16)
    away = np.full(cols, steps, np.uint16)
    for row in range(rows):
        for col in range(cols):
            away[col] = min(away[col] + 1, steps) if mask[row, col] else 0
            distance[row, col] = away[col]
    away[:] = steps
    for row in range(rows - 1, -1, -1):
        for col in range(cols):
            away[col] = min(away[col] + 1, steps) if mask[row, col] else 0
            distance[row, col] = min(distance[row, col], away[col])
    return distance


@njit("float64[:,::1](uint16[:,::1], int64, float64[::1])", nogil=True, cache=True)
def _along_rows(distance: NDArray[np.uint16], steps: int, roots: NDArray[np.float64]) -> NDArray[np.float64]:
    """The root of the least over offsets k of distance(column + k)^2 + k^2, at most steps^2.

    A row is worked on at a time, so that the processor's cache holds it.
    """
    rows, cols = distance.shape
    out = np.empty((rows, cols), np.float64)
    most = np.uint16(steps * steps)
    squares, least = np.full(cols + 2 * steps, most, np.uint16), np.empty(cols, np.uint16)
    for row in range(rows):
        for col in range(cols):
            squares[steps + col] = distance[row, col] * distance[row, col]
        least[:] = squares[steps : steps + cols]
        if least.min() == most:
            out[row] = roots[most]
            continue
        for k in range(1, steps):
            before, after = squares[steps - k : steps - k + cols], squares[steps + k : steps + k + cols]
            for col in range(cols):
                least[col] = min(least[col], np.uint16(min(before[col], after[col]) + np.uint16(k * k)))
        for col in range(cols):
            out[row, col] = roots[min(least[col], most)]
    return out


@njit("boolean[:,::1](uint16[:,::1], int64[::1])", nogil=True, cache=True)
def _near_along_rows(distance: NDArray[np.uint16], widths: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pixels that one of their row reaches, given how far each distance along the columns reaches aside."""
    rows, cols = distance.shape
    found = np.zeros((rows, cols), np.bool_)
    for row in range(rows):
        reached = -1
        for col in range(cols):
            reached = max(reached, col + widths[distance[row, col]])
            found[row, col] = col <= reached
        reached = cols
        for col in range(cols - 1, -1, -1):
            reached = min(reached, col - widths[distance[row, col]])
            found[row, col] |= col >= reached
    return found
