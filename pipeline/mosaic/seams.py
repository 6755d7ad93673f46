"""How much seams stand out: the gradient across them against the gradient beside them (paper, 2.3)."""

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.distance import distance_to_false

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
            labels: integers (h, w), what changes at a seam.
        """
        for down, across in ((1, 0), (0, 1)):
            seam = _changes(labels, down, across)
            if seam.any():
                distance = distance_to_false(~seam, BESIDE[1] + 1)
                found = _sums(picture, use, seam, distance, down, across)
                self.across += found[0] / len(picture), found[1]
                self.beside += found[2] / len(picture), found[3]

    def join(self, other: "SeamScore") -> None:
        """Add what another one has summed."""
        self.across += other.across
        self.beside += other.beside

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


def _changes(labels: NDArray[np.integer], down: int, across: int) -> NDArray[np.bool_]:
    """Which pixels have another label than the next one in a direction."""
    return labels[down:, across:] != labels[: len(labels) - down, : labels.shape[1] - across]


@njit(nogil=True, cache=True)
def _sums(
    picture: NDArray[np.uint8],
    use: NDArray[np.bool_],
    seam: NDArray[np.bool_],
    distance: NDArray[np.float64],
    down: int,
    across: int,
) -> tuple[int, int, int, int]:
    """Differences, summed over the bands, and how many: of pairs that a seam parts, and of those beside it.

    They are whole numbers, so that windows can be added in any order.
    """
    apart, parted, near, beside = 0, 0, 0, 0
    for row in range(seam.shape[0]):
        for col in range(seam.shape[1]):
            away = distance[row, col]
            parts = seam[row, col]
            if not (parts or BESIDE[0] <= away <= BESIDE[1]):
                continue
            if not (use[row, col] and use[row + down, col + across]):
                continue
            step = 0
            for band in range(picture.shape[0]):
                one, other = picture[band, row, col], picture[band, row + down, col + across]
                step += max(one, other) - min(one, other)
            if parts:
                apart, parted = apart + step, parted + 1
            else:
                near, beside = near + step, beside + 1
    return apart, parted, near, beside
