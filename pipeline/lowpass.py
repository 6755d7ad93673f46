"""Smooth parts of rasters, means over some hundred metres, the same to the bit in any window."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

BLOCK = 100.0
KERNEL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
REACH = len(KERNEL) // 2

Read = Callable[[Window], tuple[NDArray[np.float64], NDArray[np.bool_]]]


def smooth_parts(
    read: Read,
    shape: tuple[int, int],
    resolution: float,
    row: NDArray[np.float64],
    col: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The smooth part of a raster at some places.

    Pixels are summed over blocks of about `BLOCK` metres, counted from the raster's corner; the sums are
    weighted by `KERNEL` (binomial, of a standard deviation of one block) along either axis and divided by
    the weight of the pixels that hold data; between the middles of the blocks the result is linear.

    Args:
        read: values (bands, h, w), 0 where there is no data, and where there is, of a window of the raster.
        shape: rows and columns of the raster.
        resolution: metres.
        row: where the n places lie, in pixels from the raster's upper edge, 0..rows; each at most a pixel
            from one that holds data.
        col: likewise from its left edge.

    Returns:
        (bands, n).
    """
    size = max(1, round(BLOCK / resolution))
    (top, down), (left, right) = (_between(place / size - 0.5) for place in (row, col))
    first = int(top.min()), int(left.min())
    last = int(top.max()) + 1, int(left.max()) + 1
    means = _means(read, shape, size, first, last)
    top, left = top - first[0], left - first[1]
    bands, _, width = means.shape
    flat, place = means.reshape(bands, -1), top * width + left
    upper = flat.take(place, axis=1) * (1 - right) + flat.take(place + 1, axis=1) * right
    place += width
    lower = flat.take(place, axis=1) * (1 - right) + flat.take(place + 1, axis=1) * right
    return np.asarray(upper * (1 - down) + lower * down)


def _between(place: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The last block whose middle comes before each place, and how far beyond it the place lies."""
    block = np.floor(place)
    return block.astype(np.int64), place - block


def _means(
    read: Read, shape: tuple[int, int], size: int, first: tuple[int, int], last: tuple[int, int]
) -> NDArray[np.float64]:
    """Means around the middles of the blocks from `first` to `last`, both included; some may lie outside."""
    begin = [(one - REACH) * size for one in first]
    end = [(one + REACH + 1) * size for one in last]
    (top, left), (bottom, right) = (
        [min(max(edge, 0), length) for edge, length in zip(edges, shape, strict=True)]
        for edges in (begin, end)
    )
    values, valid = read(Window(left, top, right - left, bottom - top))
    sums = np.concatenate([values, valid[None].astype(np.float64)])
    outside = (0, 0), (top - begin[0], end[0] - bottom), (left - begin[1], end[1] - right)
    sums = np.pad(sums, outside)
    for axis in (1, 2):
        sums = _weighted(_blocks(sums, size, axis), axis)
    return np.asarray(sums[:-1] / np.where(sums[-1] > 0, sums[-1], 1.0))


def _blocks(values: NDArray[np.float64], size: int, axis: int) -> NDArray[np.float64]:
    """Sums over blocks along an axis, added pixel by pixel so that their order is always the same."""
    turned = np.moveaxis(values, axis, 0)
    total = turned[::size].copy()
    for step in range(1, size):
        total += turned[step::size]
    return np.moveaxis(total, 0, axis)


def _weighted(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Sums weighted by `KERNEL` along an axis, which gets shorter by twice `REACH`."""
    turned = np.moveaxis(values, axis, 0)
    count = len(turned) - 2 * REACH
    total = np.zeros((count, *turned.shape[1:]))
    for step, weight in enumerate(KERNEL):
        total += weight * turned[step : step + count]
    return np.moveaxis(total, 0, axis)
