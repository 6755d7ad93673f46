"""Values between the pixels of a raster, the same to the bit in whatever window they are asked for."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

NEAREST = (1, 2)


@dataclass(frozen=True)
class Places:
    """Places between pixel centres, along one axis.

    Attributes:
        pixel: int64 (n), the last centre before each place.
        beyond: float64 (n), how far beyond it the place lies, 0..1.
    """

    pixel: NDArray[np.int64]
    beyond: NDArray[np.float64]

    @classmethod
    def of(cls, centres: NDArray[np.float64], size: int) -> "Places":
        """Places counted in pixels from the first of `size` centres, brought inside where they are not."""
        inside = np.clip(centres, 0, size - 1)
        pixel = np.minimum(np.floor(inside).astype(np.int64), size - 2)
        return cls(pixel, inside - pixel)

    def span(self) -> tuple[int, int]:
        """First and last (exclusive) of the pixels that cubic convolution needs; some may lie outside."""
        return int(self.pixel.min()) - 1, int(self.pixel.max()) + 3


def between_pixels(
    values: NDArray[np.float64], weight: NDArray[np.float64], rows: Places, cols: Places
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and weights at places between pixel centres.

    Cubic convolution (Keys 1981, a = -1/2) keeps the detail that bilinear resampling would blur; it is held
    to the range of its sixteen pixels. Where one of these has no weight, the result is bilinear; where one of
    the nearest four has none, it is nothing.

    Args:
        values: (bands, h, w) of the pixels from the rows' and columns' span.
        weight: (h, w), 0 = no data.
        rows: where the n places lie from north to south.
        cols: where they lie from west to east.

    Returns:
        Values (bands, n), 0 where there is nothing, and weights (n), bilinear.
    """
    top, left = rows.pixel - rows.span()[0], cols.pixel - cols.span()[0]
    cubic = cubic_shares(rows.beyond), cubic_shares(cols.beyond)
    linear = linear_shares(rows.beyond), linear_shares(cols.beyond)
    smooth, sharp = np.zeros((2, len(values), top.size))
    low, high = np.full(sharp.shape, np.inf), np.full(sharp.shape, -np.inf)
    four, sixteen = np.ones((2, top.size), bool)
    found = np.zeros(top.size)
    for i, k in product(range(4), range(4)):
        here, sure = values[:, top + i - 1, left + k - 1], weight[top + i - 1, left + k - 1]
        sixteen &= sure > 0
        sharp += cubic[0][i] * cubic[1][k] * here
        np.minimum(low, here, out=low)
        np.maximum(high, here, out=high)
        if i in NEAREST and k in NEAREST:
            share = linear[0][i] * linear[1][k]
            four &= sure > 0
            smooth += share * here
            found += share * sure
    return np.where(sixteen, np.clip(sharp, low, high), smooth) * four, found * four


def cubic_shares(beyond: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Shares of the four pixels around a place, `beyond` (0..1) the second of them."""
    t = beyond
    return [
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    ]


def linear_shares(beyond: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Shares of the same four pixels by distance, the outer ones none."""
    nothing = np.zeros_like(beyond)
    return [nothing, 1 - beyond, beyond, nothing]
