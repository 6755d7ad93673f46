"""Distances to the nearest pixel of a kind, exact up to a limit and fast because they stop there."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

MOST_STEPS = 40


def distance_to_false(mask: NDArray[np.bool_], limit: float) -> NDArray[np.float64]:
    """Distance in pixels from each pixel to the nearest False one, at most `limit`.

    The result is that of scipy's `distance_transform_edt` to the bit, as squared distances are whole numbers.
    Only what lies within the limit of a False pixel is looked at, and where the limit is small, all offsets
    within it are tried along the columns and then along the rows, which is several times as fast.
    """
    if mask.all():
        return np.full(mask.shape, float(limit))
    if not mask.any():
        return np.zeros(mask.shape)
    steps = int(np.ceil(limit))
    near = tuple(_span(np.asarray(~mask.all(axis=1 - axis)), steps) for axis in (0, 1))
    distance = np.full(mask.shape, float(limit))
    if steps <= MOST_STEPS:
        squares = _least_along_rows(_along_columns(mask[near], steps), steps)
        distance[near] = np.minimum(np.sqrt(np.arange(steps**2 + 1)), float(limit))[squares]
    else:
        distance[near] = np.minimum(distance_transform_edt(mask[near]), float(limit))
    return distance


def _span(found: NDArray[np.bool_], steps: int) -> slice:
    """From the first to the last True, grown by `steps`."""
    places = np.flatnonzero(found)
    return slice(max(int(places[0]) - steps, 0), int(places[-1]) + steps + 1)


def _along_columns(mask: NDArray[np.bool_], steps: int) -> NDArray[np.uint16]:
    """Distance to the nearest False pixel of the same column, at most `steps`."""
    distance = np.where(mask, np.uint16(steps), np.uint16(0))
    moved = np.empty_like(distance)
    step = 1
    # After steps of 1, 2, 4 ... all sums of them have been tried.
    while step < min(2 * steps, len(mask)):
        np.add(distance, np.uint16(step), out=moved)
        np.minimum(distance[step:], moved[:-step], out=distance[step:])
        np.minimum(distance[:-step], moved[step:], out=distance[:-step])
        step *= 2
    return distance


def _least_along_rows(distance: NDArray[np.uint16], steps: int) -> NDArray[np.uint16]:
    """The least over offsets k of distance(column + k)^2 + k^2, at most steps^2."""
    squares = distance * distance
    least, moved = squares.copy(), np.empty_like(squares)
    for k in range(1, min(steps, squares.shape[1])):
        np.add(squares, np.uint16(k * k), out=moved)
        np.minimum(least[:, :-k], moved[:, k:], out=least[:, :-k])
        np.minimum(least[:, k:], moved[:, :-k], out=least[:, k:])
    return np.minimum(least, np.uint16(steps**2))
