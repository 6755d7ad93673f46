"""What the ground did between two dates: learned where both show it, foretold where one does (paper, 2.3).

Fields are harvested and meadows dry, but ground that looks alike on one date has mostly done alike. So a
further scene of the list is led towards those before it by the change that cells of the same look went
through where both can be seen: a regression by nearest neighbours in the space of the bands.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.spatial import cKDTree

from pipeline.parallel import threads

SAMPLES = 100_000
EXAMPLES = 2_000
ALIKE = 64
LEAST_SAMPLES = 2_000
NEAREST = 4
LOOKS = np.array([1.0, 2.0, 2.0, 0.5])
DARKEST = 5e-4
SAME, STRANGE = 0.003, 0.1
AT_ONCE = 2**18
AROUND = 3
LEAST_CONTRAST = 0.005


@dataclass(frozen=True)
class Change:
    """How ground of each look changed from one date to another.

    Attributes:
        looks: of the examples; the look of a cell is the square root of its bands, each by its weight.
        steps: float32 (examples, 4), what is to be added to ground of that look.
    """

    looks: cKDTree
    steps: NDArray[np.float32]

    @classmethod
    def learned(cls, earlier: NDArray[np.float32], later: NDArray[np.float32]) -> "Change | None":
        """The change from what `later` shows to what `earlier` shows; None where too few cells tell it.

        Each example's step is the median over the `ALIKE` cells nearest to it in look, so that what changed
        by itself alone, or a cloud that was missed, has no say.

        Args:
            earlier: (4, n), reflectance of cells in common radiometry.
            later: (4, n), the same cells.
        """
        count = later.shape[1]
        if count < LEAST_SAMPLES:
            return None
        picked = np.linspace(0, count - 1, min(count, SAMPLES)).astype(np.int64)
        samples, steps = look(later[:, picked]), (earlier - later)[:, picked].T
        examples = samples[np.linspace(0, len(samples) - 1, EXAMPLES).astype(np.int64)]
        alike = cKDTree(samples).query(examples, k=ALIKE, workers=threads())[1]
        return cls(cKDTree(examples), np.median(steps[alike], axis=1).astype(np.float32))

    def of(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is to be added to cells (4, n) of the later date; little to what looks like no example."""
        added = np.empty_like(values)
        for start in range(0, values.shape[1], AT_ONCE):
            part = slice(start, start + AT_ONCE)
            away, nearest = self.looks.query(look(values[:, part]), k=NEAREST, workers=threads())
            weight = 1 / (away**2 + SAME**2)
            weight *= (np.exp(-((away[:, 0] / STRANGE) ** 2)) / weight.sum(axis=1))[:, None]
            added[:, part] = np.einsum("nk,nkb->bn", weight.astype(np.float32), self.steps[nearest])
        return added


def look(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The look of cells (4, n), as (n, 4)."""
    return np.sqrt(np.maximum(values, DARKEST)).T * LOOKS


def lines(
    values: NDArray[np.float32], added: NDArray[np.float32], known: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The change as a gain and an offset at each cell, which pixels finer than a cell can follow.

    A line is fitted, band by band, through the cells around each one (the guided filter of He, Sun and Tang
    2013, eq. 5 and 6), so that a field's border stays where the pixels have it.

    Args:
        values: (4, h, w), the later date.
        added: (4, h, w), what is to be added.
        known: bool (h, w), where it is known.

    Returns:
        float32 (8, h, w): the gains of the bands, and what is then added; 1 and 0 where nothing is known.
    """
    share = _around(known.astype(np.float32))
    seen = share > 0
    result = np.empty((8, *known.shape), np.float32)
    for band, (value, step) in enumerate(zip(values, added, strict=True)):
        value, step = np.where(known, value, 0), np.where(known, step, 0)
        mean, mean_step, square, product = (
            np.divide(_around(one), share, out=np.zeros_like(share), where=seen)
            for one in (value, step, value * value, value * step)
        )
        slope = (product - mean * mean_step) / (np.maximum(square - mean * mean, 0) + LEAST_CONTRAST**2)
        result[band], result[4 + band] = 1 + slope, mean_step - slope * mean
    return result


def _around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(uniform_filter(values, AROUND, mode="constant"), np.float32)
