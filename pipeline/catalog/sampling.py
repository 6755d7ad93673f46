"""Array work of reading a scene onto a grid: the ringing edge of the swath, empty pixels in resampling."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

BLOCK = 5
TRIM = 3
APRON = 12


@dataclass(frozen=True)
class Axis:
    """Where the pixels of a target axis lie between the pixels of a source axis.

    Attributes:
        low: index of the source pixel whose centre is at or before each target centre.
        share: how much of the next source pixel counts, 0..1.
        home: index of the source pixel in which each target centre lies.
    """

    low: np.ndarray
    share: np.ndarray
    home: np.ndarray

    def shifted(self, first: int) -> "Axis":
        """The same axis with source indices counted from `first`."""
        return Axis(self.low - first, self.share, self.home - first)


def axis(first: int, count: int, factor: float, shift: float) -> Axis:
    """The axis of `count` target pixels from index `first`.

    Computed from absolute indices, so that the result does not depend on the window.

    Args:
        first: absolute index of the first target pixel.
        count: number of target pixels.
        factor: size of a target pixel in source pixels.
        shift: where the target's origin lies, in source pixels.
    """
    centre = (np.arange(first, first + count) + 0.5) * factor + shift
    low = np.floor(centre - 0.5)
    return Axis(low.astype(np.int64), centre - 0.5 - low, np.floor(centre).astype(np.int64))


def bilinear(values: np.ndarray, valid: np.ndarray, rows: Axis, cols: Axis) -> tuple[np.ndarray, np.ndarray]:
    """Bilinear resampling in which an empty source pixel has no weight.

    Args:
        values: float (bands, h, w).
        valid: bool (h, w).
        rows: where the target rows lie.
        cols: where the target columns lie.

    Returns:
        Values (bands, rows, cols) float64, and valid: bool (rows, cols), True where the centre lies in a
        valid pixel.
    """
    weights = _interpolate(valid.astype(np.float64)[np.newaxis], rows, cols)
    summed = _interpolate(np.where(valid, values, 0).astype(np.float64), rows, cols)
    kept = valid[np.ix_(rows.home, cols.home)]
    return summed / np.where(kept, weights, 1), kept


def near_swath_edge(empty: np.ndarray, trim: int) -> np.ndarray:
    """Pixels within `trim` pixels of an empty region, where lossy compression rings.

    A region counts where a wholly empty block of 5 x 5 pixels fits into it: single dark pixels inside the
    scene, which have a 0 in some band, do not grow.

    Args:
        empty: bool (h, w), with `APRON` pixels more on each side than the result is wanted for.
        trim: pixels.
    """
    if not empty.any():
        return np.zeros_like(empty)
    blocks = minimum_filter(empty.view(np.uint8), BLOCK, mode="nearest")
    return maximum_filter(blocks, BLOCK + 2 * trim, mode="nearest").view(bool)


def _interpolate(values: np.ndarray, rows: Axis, cols: Axis) -> np.ndarray:
    across = values[:, :, cols.low] * (1 - cols.share) + values[:, :, cols.low + 1] * cols.share
    share = rows.share[:, np.newaxis]
    return across[:, rows.low] * (1 - share) + across[:, rows.low + 1] * share
