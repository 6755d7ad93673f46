"""How much seams stand out: the gradient across them against the gradient beside them (paper, 2.3)."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

BESIDE = (3.0, 8.0)


@dataclass
class SeamScore:
    """Gradients summed window by window, over pairs of neighbouring pixels.

    Attributes:
        across: sum over the pairs that a seam parts, and their number.
        beside: sum over the pairs 3 to 8 pixels from a seam, and their number.
    """

    across: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    beside: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def add(self, picture: NDArray[np.uint8], use: NDArray[np.bool_], labels: NDArray[np.integer]) -> None:
        """Add a window.

        Args:
            picture: uint8 (bands, h, w), as people see it.
            use: bool (h, w), pixels with data that are no water.
            labels: int (h, w), what changes at a seam.
        """
        bands = picture.astype(np.float32)
        for axis in (0, 1):
            gradient = np.abs(np.diff(bands, axis=axis + 1)).mean(axis=0)
            both = _pairs(use, axis)
            seam = np.diff(labels, axis=axis) != 0
            if not seam.any():
                continue
            distance = distance_transform_edt(~seam)
            near = (distance >= BESIDE[0]) & (distance <= BESIDE[1]) & both
            self.across += gradient[seam & both].sum(dtype=np.float64), (seam & both).sum()
            self.beside += gradient[near].sum(dtype=np.float64), near.sum()

    @property
    def pairs(self) -> int:
        """How many pairs of pixels the seams part."""
        return int(self.across[1])

    @property
    def score(self) -> float:
        """Mean gradient across seams by that beside them; 1 = cannot be told (also where there are none)."""
        if not self.across[1] or not self.beside[0]:
            return 1.0
        return float(self.across[0] / self.across[1] / (self.beside[0] / self.beside[1]))


def _pairs(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    return mask[:-1] & mask[1:] if axis == 0 else mask[:, :-1] & mask[:, 1:]
