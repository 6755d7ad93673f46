"""Where crops with labels come from. Every source has `sample(rng) -> Sample`, a licence and places."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.training.datasets.places import Places

IGNORE = 255
"""Label of pixels about which nothing is known."""

CLAIMED = 254
"""Label of pixels that are of any of a network's classes but its first, "other"."""

CLEAR, CLOUD, SHADOW = 0, 1, 2


@dataclass(frozen=True)
class Sample:
    """A crop: reflectance float32 (4, rows, cols), NaN for no data, and its labels uint8 (rows, cols)."""

    reflectance: NDArray[np.float32]
    labels: NDArray[np.uint8]


class Source(Protocol):
    """A data set that crops are drawn from, all of them from the places of one split."""

    @property
    def licence(self) -> str:
        """What the data may be used for, and whom to name."""
        ...

    @property
    def places(self) -> Places:
        """The places of the whole set by split; a place is in one split only."""
        ...

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return one crop; the same generator state gives the same crop."""
        ...
