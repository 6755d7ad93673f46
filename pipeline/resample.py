"""Values between the pixels of a raster, the same to the bit in whatever window they are asked for."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, minimum_filter1d

NEAREST = (1, 2)
STEPS = 2.0**20
POLES = (-0.430575347099973791, -0.043096288203264653)
PREFILTER = 12
SUPPORT = 3
REACH = PREFILTER + SUPPORT


@dataclass(frozen=True)
class Places:
    """Places between pixel centres, along one axis.

    Attributes:
        pixel: int64 (n), the last centre before each place.
        beyond: float64 (n), how far beyond it the place lies, 0..1, in steps of 1 / `STEPS`, so that a place
            counted from any pixel is exact.
    """

    pixel: NDArray[np.int64]
    beyond: NDArray[np.float64]

    @classmethod
    def of(cls, centres: NDArray[np.float64], size: int) -> "Places":
        """Places counted in pixels from the first of `size` centres, brought inside where they are not."""
        inside = np.rint(np.clip(centres, 0, size - 1) * STEPS) / STEPS
        pixel = np.minimum(np.floor(inside).astype(np.int64), size - 2)
        return cls(pixel, inside - pixel)

    def span(self) -> tuple[int, int]:
        """First and last (exclusive) of the pixels that decide about the values; some may lie outside."""
        return int(self.pixel.min()) + 1 - REACH, int(self.pixel.max()) + 1 + REACH

    def of_some(self, which: NDArray[np.bool_]) -> "Places":
        """Some of the places."""
        return Places(self.pixel[which], self.beyond[which])


def between_pixels(
    values: NDArray[np.float64], weight: NDArray[np.float64], rows: Places, cols: Places
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and weights at places between pixel centres.

    A spline of the fifth degree through the pixels (Unser, Aldroubi and Eden 1993) keeps nearly all detail;
    its prefilter, whose reach is infinite, is cut after `PREFILTER` pixels, where less than 1e-4 of it is
    left. Where one of the pixels within `REACH` has no weight, the value is that of cubic convolution (Keys
    1981, a = -1/2) held to the range of its sixteen pixels; where one of these has none, it is bilinear;
    where one of the nearest four has none, it is nothing.

    Args:
        values: (bands, h, w) of the pixels from the rows' and columns' span.
        weight: (h, w), 0 = no data.
        rows: where the n places lie from north to south.
        cols: where they lie from west to east.

    Returns:
        Values (bands, n), 0 where there is nothing, and weights (n), bilinear.
    """
    top, left = rows.pixel - rows.span()[0], cols.pixel - cols.span()[0]
    whole = _all_around(weight > 0)[top, left]
    found, share = np.zeros((len(values), top.size)), np.zeros(top.size)
    if whole.any():
        places = (top + rows.beyond)[whole], (left + cols.beyond)[whole]
        for band, pixels in enumerate(values):
            found[band, whole] = map_coordinates(prefiltered(pixels), places, order=5, prefilter=False)
        share[whole] = _bilinear(weight, top[whole], left[whole], rows.of_some(whole), cols.of_some(whole))
    rest = ~whole
    if rest.any():
        found[:, rest], share[rest] = _near_a_hole(
            values, weight, (top[rest], left[rest]), (rows.of_some(rest), cols.of_some(rest))
        )
    return found, share


def prefiltered(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients (h, w) of the spline through pixels; those within `PREFILTER` of a border are not right.

    Only products and sums of single pixels are taken, in one order, so that the bits do not depend on the
    window.
    """
    for axis in (0, 1):
        line = np.moveaxis(pixels, axis, 0)
        padded = np.pad(line, ((PREFILTER, PREFILTER), (0, 0)))
        length = len(line)
        total = TAPS[0] * line
        for k in range(1, PREFILTER + 1):
            before, after = (padded[PREFILTER + step :][:length] for step in (-k, k))
            total += TAPS[k] * (before + after)
        pixels = np.moveaxis(total, 0, axis)
    return pixels


def _taps() -> NDArray[np.float64]:
    """The prefilter from its middle to one side: 1 / ((1 - p w)(1 - p / w)) for each pole p, in a row."""
    steps = np.abs(np.arange(-4 * PREFILTER, 4 * PREFILTER + 1))
    first, second = ((1 - pole) / (1 + pole) * pole**steps for pole in POLES)
    both = np.convolve(first, second)
    kept = both[len(both) // 2 :][: PREFILTER + 1]
    return np.asarray(kept / (kept[0] + 2 * kept[1:].sum()))


TAPS = _taps()


def _all_around(sure: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where all pixels that decide about the places beyond a pixel (h, w) are sure."""
    around = sure.astype(np.uint8)
    for axis in (0, 1):
        around = minimum_filter1d(around, 2 * REACH, axis, mode="constant", origin=-1)
    return around > 0


def _bilinear(
    weight: NDArray[np.float64], top: NDArray[np.int64], left: NDArray[np.int64], rows: Places, cols: Places
) -> NDArray[np.float64]:
    shares = linear_shares(rows.beyond), linear_shares(cols.beyond)
    found = np.zeros(top.size)
    for i, k in product(NEAREST, NEAREST):
        found += shares[0][i] * shares[1][k] * weight[top + i - 1, left + k - 1]
    return found


def _near_a_hole(
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    corner: tuple[NDArray[np.int64], NDArray[np.int64]],
    places: tuple[Places, Places],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and weights from the sixteen, or four, pixels around, whose second ones are given."""
    (top, left), (rows, cols) = corner, places
    cubic = cubic_shares(rows.beyond), cubic_shares(cols.beyond)
    linear = linear_shares(rows.beyond), linear_shares(cols.beyond)
    smooth, sharp = np.zeros((2, len(values), top.size))
    low, high = np.full(sharp.shape, np.inf), np.full(sharp.shape, -np.inf)
    four, sixteen = np.ones((2, top.size), bool)
    for i, k in product(range(4), range(4)):
        here, sure = values[:, top + i - 1, left + k - 1], weight[top + i - 1, left + k - 1]
        sixteen &= sure > 0
        sharp += cubic[0][i] * cubic[1][k] * here
        np.minimum(low, here, out=low)
        np.maximum(high, here, out=high)
        if i in NEAREST and k in NEAREST:
            four &= sure > 0
            smooth += linear[0][i] * linear[1][k] * here
    found = _bilinear(weight, top, left, rows, cols)
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
