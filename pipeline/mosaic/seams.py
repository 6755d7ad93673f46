"""How much seams stand out: the gradient across them against the gradient beside them (paper, 2.3)."""

from dataclasses import dataclass, field

import numpy as np
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
        for axis in (0, 1):
            seam = labels[1:] != labels[:-1] if axis == 0 else labels[:, 1:] != labels[:, :-1]
            if seam.any():
                near = _span(seam.any(axis=1)), _span(seam.any(axis=0))
                self._add(picture, _pairs(use, axis)[near], seam[near], near, axis)

    def join(self, other: "SeamScore") -> None:
        """Add what another one has summed."""
        self.across += other.across
        self.beside += other.beside

    def _add(
        self,
        picture: NDArray[np.uint8],
        both: NDArray[np.bool_],
        seam: NDArray[np.bool_],
        near: tuple[slice, slice],
        axis: int,
    ) -> None:
        """Add the pairs along one axis in the part of a window that holds all that lies near a seam."""
        pixels = tuple(slice(part.start, part.stop + (along == axis)) for along, part in enumerate(near))
        bands = picture[(slice(None), *pixels)]
        first, second = (bands[:, :-1], bands[:, 1:]) if axis == 0 else (bands[:, :, :-1], bands[:, :, 1:])
        # The sum over the bands, in whole numbers; the mean is taken of the sums over the pairs.
        gradient = (np.maximum(first, second) - np.minimum(first, second)).sum(axis=0, dtype=np.uint16)
        distance = distance_to_false(~seam, BESIDE[1] + 1)
        beside = (distance >= BESIDE[0]) & (distance <= BESIDE[1]) & both
        across = seam & both
        self.across += gradient[across].sum(dtype=np.int64) / len(bands), across.sum()
        self.beside += gradient[beside].sum(dtype=np.int64) / len(bands), beside.sum()

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


def _span(found: NDArray[np.bool_]) -> slice:
    """From the first to the last True, with all that counts as beside them."""
    places, grow = np.flatnonzero(found), int(BESIDE[1]) + 1
    return slice(max(int(places[0]) - grow, 0), min(int(places[-1]) + grow + 1, len(found)))
