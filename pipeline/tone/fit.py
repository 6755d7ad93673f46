"""A tone curve for one campaign, by linear programming over its density of levels.

After Wu, "A linear programming approach for optimal contrast-tone mapping" (IEEE Trans. Image Processing
20, 2011): contrast is linear in the density, the levels that a curve spends on each bin of reflectance. Let
x_i be the levels of bin i, the n bins being of equal width under the default curve, whose x is constant. Then

    sum_i w_bki x_i >= m need_k c_bk     local contrast of band b, tenth k, over need_k times true colour's
    |x_(i+1) - 2 x_i + x_(i-1)| <= bend * 254 / n^2     no staircase: the density bends gently
    x_i >= reserve * 254 / n                            cloud, snow and deep shadow keep levels of their own
    sum_i x_i = 254

are linear. First the greatest m is found. Of the curves that have some of its slack over 1 (or nearly the
greatest m, where 1 cannot be reached), the gentlest is taken that leaves a reserve of at least `RESERVE`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from pipeline.raster import QUANTIFICATION
from pipeline.tone.contrast import NEEDED, Crossings, true_colour
from pipeline.tone.curve import LEVELS, NIR_BEND, RGB_BEND, TOP, Tone

BINS = 254
SLACK, MOST_MARGIN = 0.6, 1.2
RESERVE = 0.1
BENDS = tuple(2.0**power for power in range(1, 8))
KEPT = 0.95
DENSEST = 0.5
"""Levels per stored value at most, so that each level is some stored values wide."""


@dataclass(frozen=True)
class _Program:
    """The linear program of one curve.

    Attributes:
        rows: float64 (bands x 10, bins), contrast per level in a bin over what is needed.
        edges: stored values at which the bins begin, and the end of the last, int (bins + 1).
    """

    rows: NDArray[np.float64]
    edges: NDArray[np.int64]

    def solve(
        self, aim: str, margin: float = 0.0, reserve: float = 0.0, bend: float | None = None
    ) -> tuple[float, NDArray[np.float64]] | None:
        """Bring one of "margin", "reserve" (as great) and "bend" (as small as can be), within the others.

        Returns:
            What was reached and the levels of each bin; None where nothing fits.
        """
        names = ("margin", "reserve", "bend")
        cost = np.zeros(BINS + len(names))
        cost[BINS + names.index(aim)] = 1.0 if aim == "bend" else -1.0
        bounds: list[tuple[float, float | None]] = [
            (0.0, DENSEST * float(width)) for width in np.diff(self.edges)
        ]
        bounds += [(margin, None), (reserve, None), (0.0, bend)]
        found = linprog(cost, **self._constraints(), bounds=bounds, method="highs")
        return (abs(float(found.fun)), found.x[:BINS]) if found.success else None

    def _constraints(self) -> dict[str, Any]:
        mean = (LEVELS - 1) / BINS
        second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(BINS - 2, BINS))
        bent = second * (BINS / mean)
        one = [np.ones((count, 1)) for count in (len(self.rows), BINS, BINS - 2)]
        least = sparse.block_array(
            [
                [sparse.csr_array(-self.rows), one[0], None, None],
                [-sparse.eye_array(BINS), None, one[1] * mean, None],
                [bent, None, None, -one[2]],
                [-bent, None, None, -one[2]],
            ],
            format="csr",
        )
        whole = np.concatenate([np.ones(BINS), np.zeros(3)])[np.newaxis]
        return {"A_ub": least, "b_ub": np.zeros(least.shape[0]), "A_eq": whole, "b_eq": [LEVELS - 1.0]}


def fit_tone(crossings: Crossings, name: str = "fitted") -> Tone:
    """The gentlest curve that has all the contrast asked for, or the most that a curve can have.

    Args:
        crossings: of a sample of the campaign's clear ground.
        name: name of the curve.
    """
    return Tone(
        name,
        _table(crossings, (0, 1, 2), RGB_BEND),
        _table(crossings, (3,), NIR_BEND),
        round(TOP * QUANTIFICATION) + 1,
    )


def _table(crossings: Crossings, bands: tuple[int, ...], default_bend: float) -> tuple[int, ...]:
    edges = _edges(default_bend)
    levels = _levels(_Program(_rows(crossings, bands, edges), edges))
    reached = 1 + np.concatenate([[0.0], np.cumsum(levels)])
    least = np.interp(np.arange(2, LEVELS + 1) - 0.5, reached, edges)
    return tuple(int(value) for value in np.ceil(least))


def _levels(program: _Program) -> NDArray[np.float64]:
    """The levels of each bin; those of the default curve where the ground has no contrast at all."""
    if not len(program.rows):
        return np.full(BINS, (LEVELS - 1) / BINS)
    best = program.solve("margin", reserve=RESERVE, bend=BENDS[-1])
    assert best is not None, "the default curve keeps to every limit"
    margin = min(1 + SLACK * (best[0] - 1), MOST_MARGIN) if best[0] > 1 else KEPT * best[0]
    for bend in BENDS:
        roomy = program.solve("reserve", margin=margin, bend=bend)
        if roomy and roomy[0] >= RESERVE:
            gentle = program.solve("bend", margin=margin, reserve=KEPT * roomy[0])
            return gentle[1] if gentle else roomy[1]
    return best[1]


def _rows(crossings: Crossings, bands: tuple[int, ...], edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Contrast per level in each bin over the contrast needed, one row for each band and tenth."""
    below = np.pad(crossings.counts[list(bands)].cumsum(axis=-1), ((0, 0), (0, 0), (1, 0)))
    crossed = np.diff(below[..., edges], axis=-1) / np.diff(edges)
    wanted = crossings.pairs * crossings.contrast(true_colour()) * NEEDED
    rows = crossed.reshape(-1, BINS)
    wanted = wanted[list(bands)].reshape(-1, 1)
    return rows[wanted[:, 0] > 0] / wanted[wanted[:, 0] > 0]


def _edges(bend: float) -> NDArray[np.int64]:
    """Bins of equal width under the default curve, in stored values from 1 to the top."""
    reflectance = bend * np.sinh(np.linspace(0, 1, BINS + 1) * np.arcsinh(TOP / bend))
    return np.rint(reflectance * QUANTIFICATION).astype(np.int64) + 1
