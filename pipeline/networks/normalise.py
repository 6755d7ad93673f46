"""From reflectance to what a network reads."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True)
class Normalisation:
    """Clip, square root (dark surfaces get more of the range), shift and scale.

    Attributes:
        high: reflectance above this reads as this; below 0 reads as 0.
        mean: square root of the reflectance that becomes 0.
        scale: what the shifted square root is divided by.
    """

    high: float = 1.0
    mean: float = 0.35
    scale: float = 0.2

    def apply(self, reflectance: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the network's input; pixels without data become 0, the middle of the range.

        Args:
            reflectance: (bands, rows, cols), 0..1, may hold NaN.
            valid: (rows, cols), False where there is no data.
        """
        kind = reflectance.dtype.type
        inputs = np.empty(reflectance.shape, np.float32)
        _fill(reflectance, valid, kind(self.high), kind(self.mean), kind(self.scale), inputs)
        return inputs


def valid_pixels(reflectance: NDArray[np.floating], valid: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return where every band is finite and `valid`, where given, agrees; (rows, cols)."""
    finite = np.ones(reflectance.shape[1:], bool)
    _mark_holes(reflectance, finite)
    return finite if valid is None else finite & valid


@njit(nogil=True, cache=True)
def _fill(
    reflectance: NDArray[np.floating],
    valid: NDArray[np.bool_],
    high: np.floating,
    mean: np.floating,
    scale: np.floating,
    inputs: NDArray[np.float32],
) -> None:
    """Fill the inputs, see `Normalisation.apply`; the numbers are of the reflectance's type."""
    none = high - high
    for band in range(reflectance.shape[0]):
        for row in range(reflectance.shape[1]):
            for col in range(reflectance.shape[2]):
                if valid[row, col]:
                    value = min(max(reflectance[band, row, col], none), high)
                    inputs[band, row, col] = (np.sqrt(value) - mean) / scale
                else:
                    inputs[band, row, col] = 0


@njit(nogil=True, cache=True)
def _mark_holes(reflectance: NDArray[np.floating], finite: NDArray[np.bool_]) -> None:
    """Take what is not finite in any band out of `finite`."""
    for band in range(reflectance.shape[0]):
        for row in range(reflectance.shape[1]):
            for col in range(reflectance.shape[2]):
                if not np.isfinite(reflectance[band, row, col]):
                    finite[row, col] = False
