"""What the ground did between two dates: learned where both show it, foretold where one does (paper, 2.3).

Fields are harvested and meadows dry, but ground that looks alike on one date has mostly done alike. So a
further scene of the list is led towards those before it by the change that cells of the same look went
through where both can be seen: a regression by nearest neighbours in the space of the bands.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.mosaic.cells import put
from pipeline.parallel import in_order, threads

SAMPLES = 100_000
EXAMPLES = 2_000
ALIKE = 64
LEAST_SAMPLES = 2_000
NEAREST = 4
LOOKS = np.array([1.0, 2.0, 2.0, 0.5])
DARKEST = 5e-4
SAME, STRANGE = 0.003, 0.1
# Of a look; half of it is what a cell's look is rounded by.
STEP = 1 / 256
# Rows of cells that are led at once.
STRIP = 512
# Cells to each side through which a line is fitted.
AROUND = 1
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
    def learned(
        cls, earlier: NDArray[np.float32], later: NDArray[np.float32], shared: NDArray[np.bool_]
    ) -> "Change | None":
        """The change from what `later` shows to what `earlier` shows; None where too few cells tell it.

        Each example's step is the median over the `ALIKE` cells nearest to it in look, so that what changed
        by itself alone, or a cloud that was missed, has no say.

        Args:
            earlier: (4, h, w), reflectance of cells in common radiometry.
            later: (4, h, w), the same cells.
            shared: bool (h, w), those that both show.
        """
        cells = np.flatnonzero(shared)
        if len(cells) < LEAST_SAMPLES:
            return None
        picked = cells[np.linspace(0, len(cells) - 1, min(len(cells), SAMPLES)).astype(np.int64)]
        first, second = (values.reshape(4, -1)[:, picked] for values in (earlier, later))
        samples, steps = look(second), (first - second).T
        examples = samples[np.linspace(0, len(samples) - 1, EXAMPLES).astype(np.int64)]
        alike = cKDTree(samples).query(examples, k=ALIKE, workers=threads())[1]
        return cls(cKDTree(examples), np.median(steps[alike], axis=1).astype(np.float32))

    def follow(
        self, values: NDArray[np.float32], known: NDArray[np.bool_], lines: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Lead the later date by the change, by strips of rows.

        Args:
            values: (4, h, w), its cells.
            known: bool (h, w), where the change is asked for.
            lines: float32 (8, h, w), filled, see `fitted`.

        Returns:
            float32 (4, h, w), the cells with their change, NaN where it is not asked for.
        """
        found, height = np.full_like(values, np.nan), len(known)

        def strip(top: int) -> None:
            rows = slice(top, min(top + STRIP, height))
            wide = slice(max(top - AROUND, 0), min(rows.stop + AROUND, height))
            near, here = values[:, wide], known[wide]
            added = np.zeros(near.shape, np.float32)
            if here.any():
                added[:, here] = self.of(near[:, here])
            inner = slice(top - wide.start, rows.stop - wide.start)
            lines[:, rows] = fitted(near, added, here)[:, inner]
            put(values[:, rows], lines[:, rows], None, known[rows], found[:, rows])

        for _ in in_order(strip, range(0, height, STRIP)):
            pass
        return found

    def of(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """What is to be added to cells (4, n) of the later date; little to what looks like no example."""
        seen, which = _alike(look(values))
        away, nearest = self.looks.query(seen, k=NEAREST)
        weight = 1 / (away**2 + SAME**2)
        weight *= (np.exp(-((away[:, 0] / STRANGE) ** 2)) / weight.sum(axis=1))[:, None]
        added = np.einsum("nk,nkb->nb", weight.astype(np.float32), self.steps[nearest])
        return np.ascontiguousarray(added[which].T)


def look(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The look of cells (4, n), as (n, 4)."""
    return np.sqrt(np.maximum(values, DARKEST)).T * LOOKS


@njit(nogil=True, cache=True)
def _alike(looks: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Looks (m, 4) that differ by a step at least, and which of them each of (n, 4) is nearest to.

    A step is small beside what makes two looks the same, and many cells share one.
    """
    count = len(looks)
    slots = 1
    while slots < 2 * count:
        slots *= 2
    table, which = np.full(slots, -1, np.int64), np.empty(count, np.int64)
    kept, found = np.empty((count, 4), np.int64), 0
    steps = np.empty(4, np.int64)
    for cell in range(count):
        key = np.int64(0)
        for band in range(4):
            steps[band] = np.int64(np.rint(looks[cell, band] / STEP))
            key = key * 1_000_003 + steps[band]
        slot = (key ^ (key >> 17)) & (slots - 1)
        while table[slot] >= 0 and not _same(kept[table[slot]], steps):
            slot = (slot + 1) & (slots - 1)
        if table[slot] < 0:
            table[slot] = found
            kept[found] = steps
            found += 1
        which[cell] = table[slot]
    return np.asarray(kept[:found] * STEP, np.float64), which


@njit(nogil=True, cache=True)
def _same(one: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    return one[0] == other[0] and one[1] == other[1] and one[2] == other[2] and one[3] == other[3]


def fitted(
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
    lines = np.empty((8, *known.shape), np.float32)
    for band in range(4):
        _fit_lines(values[band], added[band], known, lines[band], lines[4 + band])
    return lines


@njit(nogil=True, cache=True)
def _fit_lines(
    value: NDArray[np.float32],
    step: NDArray[np.float32],
    known: NDArray[np.bool_],
    gain: NDArray[np.float32],
    offset: NDArray[np.float32],
) -> None:
    """The lines of one band, see `fitted`; gain and offset are filled."""
    rows, cols = known.shape
    for row in range(rows):
        top, bottom = max(row - AROUND, 0), min(row + AROUND + 1, rows)
        for col in range(cols):
            count, mean, mean_step, square, product = 0, 0.0, 0.0, 0.0, 0.0
            gain[row, col], offset[row, col] = 1, 0
            for near in range(top, bottom):
                for beside in range(max(col - AROUND, 0), min(col + AROUND + 1, cols)):
                    if known[near, beside]:
                        one, other = float(value[near, beside]), float(step[near, beside])
                        count += 1
                        mean += one
                        mean_step += other
                        square += one * one
                        product += one * other
            if count:
                mean, mean_step = mean / count, mean_step / count
                spread = max(square / count - mean * mean, 0.0) + LEAST_CONTRAST**2
                slope = (product / count - mean * mean_step) / spread
                gain[row, col], offset[row, col] = 1 + slope, mean_step - slope * mean
