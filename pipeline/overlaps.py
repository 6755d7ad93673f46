"""What two tiles show of the ground they share, as conditions on their corrections."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.shared_ground import SharedGround
from pipeline.smooth import KNOTS, knot_shares

BLOCK = 4_800
DARKEST = 1e-3
LEAST_SPREAD = 0.1
LEAST_CELLS = 8
SAMPLE = 1_000
MEAN_NOISE = 0.12
SPREAD_NOISE = 0.4
CELL_NOISE = 1.2
LEVEL_STEP = 0.05
MOST_CONTRAST = 0.3
UNKNOWNS = 2 * KNOTS * KNOTS


@dataclass(frozen=True)
class Overlap:
    """The land that two images share, block by block of `BLOCK` metres.

    Attributes:
        place: float64 (2, 2, n), where each image has the middle of a block's cells: metres south and east of
            its tile's upper-left corner.
        count: int64 (n), cells.
        mean, spread: float64 (2, 4, n), mean and standard deviation of each image's cells by band.
    """

    place: NDArray[np.float64]
    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, shared: SharedGround, corners: tuple[tuple[float, float], tuple[float, float]]) -> "Overlap":
        """The blocks of the cells on which both images agree.

        Args:
            shared: cells that are usable in both.
            corners: southing and easting of the upper-left corner of each image's tile.
        """
        kept = np.flatnonzero(agreeing(*shared.means))
        if len(kept) < LEAST_CELLS:
            kept = kept[:0]
        means, places = shared.means.take(kept, axis=2), shared.places.take(kept, axis=2)
        index, count = _blocks(places[0])
        place = _averaged(places, index, count) - np.asarray(corners)[:, :, None]
        mean = _averaged(means, index, count)
        away = means - mean.take(index, axis=2)
        return cls(place, count, mean, np.sqrt(_averaged(away * away, index, count)))

    def conditions(self) -> "Conditions":
        """Normal equations of the two corrections, by band.

        The unknowns x are, at the knots of the first image and then of the second, the gains a, less 1, and
        the offsets o. Corrected means and spreads are to be equal in each block, as logarithms, so that noise
        draws no gain towards 0:

            log(a1 m1 + o1) = log(a2 m2 + o2),    log(a1 s1) = log(a2 s2).

        Both are linearised where the pair alone would meet, halfway in contrast and in brightness, which
        leaves an error of second order in what the other neighbours add. What a block lacks to the line
        through all blocks of the pair does not depend on the gains, or they would shrink to make it less.
        """
        knots, n = KNOTS * KNOTS, len(self.count)
        shares = np.stack([knot_shares(*place) for place in self.place], axis=1)
        signed = shares * np.array([1.0, -1.0])[:, None]
        met = self._meeting()
        jacobian = np.zeros((4, 2, n, 2, 2, knots))
        jacobian[:, 0, :, :, 0] = met.level_by_gain[..., None] * signed
        jacobian[:, 0, :, :, 1] = met.level_by_offset[..., None] * signed
        jacobian[:, 1, :, :, 0] = signed / met.gain[:, None, :, None]
        rows = jacobian.reshape(4, 2 * n, 2 * UNKNOWNS)
        weighted = (rows * met.weight.reshape(4, -1, 1)).transpose(0, 2, 1)
        return Conditions.of(weighted @ rows, (weighted @ met.target.reshape(4, -1, 1))[..., 0])

    def _meeting(self) -> "Meeting":
        contrast, contrast_weight = self._contrasts()
        whole = (contrast * contrast_weight).sum(axis=1) / np.maximum(contrast_weight.sum(axis=1), 1e-9)
        half = np.clip(whole, -MOST_CONTRAST, MOST_CONTRAST)[:, None] / 2
        first, second = self._on_one_line(np.exp(-2 * half))
        middle = np.sqrt(first * second)
        rest = np.log(self.mean[0] / self.mean[1]) - np.log(first / second)
        target = np.stack([(second - first) / middle - rest, 2 * half - contrast - 2 * np.sinh(half)], axis=1)
        return Meeting(
            np.exp(np.concatenate([-half, half], axis=1)),
            np.stack([first / middle, second / middle], axis=2),
            np.stack([1 / middle, 1 / middle], axis=2),
            target,
            np.stack([self._level_weight(), contrast_weight], axis=1),
        )

    def _on_one_line(self, slope: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The means (4, n) of both images brought onto the line of a slope (4, 1) through their middle."""
        whole = (self.mean * self.count).sum(axis=2) / max(int(self.count.sum()), 1)
        away = self.mean - whole[:, :, None]
        along = (away[0] + away[1] / slope) / 2
        first, second = whole[0][:, None] + along, whole[1][:, None] + along * slope
        return np.maximum(first, DARKEST), np.maximum(second, DARKEST)

    def _contrasts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """log(s1 / s2) by band and block, (4, n), and its weight."""
        first, second = np.maximum(self.spread, DARKEST / 10)
        relative = np.sqrt(first * second / (self.mean[0] * self.mean[1]))
        variance = SPREAD_NOISE**2 + (CELL_NOISE / relative) ** 2 / self.count
        return np.log(first / second), np.where(self.count >= LEAST_CELLS, 1 / variance, 0.0)

    def _level_weight(self) -> NDArray[np.float64]:
        """Weight (4, n) of the equal means, less where a block's ratio is far from the median one."""
        ratio = np.log(self.mean[0] / self.mean[1])
        off = np.abs(ratio - np.median(ratio, axis=1, keepdims=True)) if len(self.count) else ratio
        trust = np.minimum(1.0, LEVEL_STEP / np.maximum(off, LEVEL_STEP))
        return trust / (MEAN_NOISE**2 + CELL_NOISE**2 / self.count)


@dataclass(frozen=True)
class Conditions:
    """Normal equations of the unknowns x and y of two images by band: N_x x + M y = b_x, M' x + N_y y = b_y.

    Attributes:
        own: float64 (2, 4, UNKNOWNS, UNKNOWNS), N_x and N_y.
        across: float64 (4, UNKNOWNS, UNKNOWNS), M.
        right: float64 (2, 4, UNKNOWNS), b_x and b_y.
    """

    own: NDArray[np.float64]
    across: NDArray[np.float64]
    right: NDArray[np.float64]

    @classmethod
    def of(cls, matrix: NDArray[np.float64], right: NDArray[np.float64]) -> "Conditions":
        """From one matrix (4, 2 UNKNOWNS, 2 UNKNOWNS) and right side (4, 2 UNKNOWNS) of both."""
        one, other = slice(0, UNKNOWNS), slice(UNKNOWNS, 2 * UNKNOWNS)
        own = np.stack([matrix[:, part, part] for part in (one, other)])
        return cls(own, matrix[:, one, other].copy(), np.stack([right[:, one], right[:, other]]))


@dataclass(frozen=True)
class Meeting:
    """Where two images would meet if no other were there, and how their difference changes from there.

    Attributes:
        gain: float64 (4, 2), of each image, by band.
        level_by_gain, level_by_offset: float64 (4, n, 2), growth of the logarithm of a corrected mean.
        target: float64 (4, 2, n), right sides of the conditions on means and on spreads.
        weight: float64 (4, 2, n), of the conditions.
    """

    gain: NDArray[np.float64]
    level_by_gain: NDArray[np.float64]
    level_by_offset: NDArray[np.float64]
    target: NDArray[np.float64]
    weight: NDArray[np.float64]


def agreeing(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Cells (n) of two means (bands, n) that show the same ground in all bands, up to a linear relation.

    Cells of a ratio far from the median one are left out first, then those far from the line through the
    others.
    """
    if not first.shape[1]:
        return np.zeros(0, bool)
    first, second = np.maximum(first, DARKEST), np.maximum(second, DARKEST)
    near = _not_far(np.log(second / first))
    middle, width = _moments(first, near)
    other_middle, other_width = _moments(second, near)
    slope = np.clip(other_width / width, np.exp(-MOST_CONTRAST), np.exp(MOST_CONTRAST))
    beside = second - (first - middle) * slope - other_middle
    return np.asarray(_not_far(beside / np.sqrt(first * second)).all(axis=0))


def _moments(
    values: NDArray[np.float64], use: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each band over the cells in use, (bands, 1)."""
    count = np.maximum(use.sum(axis=1, keepdims=True), 1)
    mean = (values * use).sum(axis=1, keepdims=True) / count
    away = (values - mean) * use
    return mean, np.maximum(np.sqrt((away * away).sum(axis=1, keepdims=True) / count), 1e-6)


def _not_far(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which values (bands, n) lie near their band's median; it is taken from about `SAMPLE` of them."""
    step = max(values.shape[1] // SAMPLE, 1)
    off = np.abs(values - _median(values[:, ::step]))
    limit = 3 * 1.4826 * _median(off[:, ::step])
    return np.asarray(off <= np.maximum(limit, LEAST_SPREAD))


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians (bands, 1) of finite values (bands, n)."""
    last = values.shape[1] // 2
    first = last - 1 + values.shape[1] % 2
    parted = np.partition(values, (first, last), axis=1)
    return np.asarray((parted[:, first : first + 1] + parted[:, last : last + 1]) / 2)


def _blocks(place: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The block of each of n places (2, n), numbered by row and column, and how many lie in each."""
    if not place.shape[1]:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    block = np.floor(place / BLOCK).astype(np.int64)
    row, column = block - block.min(axis=1, keepdims=True)
    flat = row * (column.max() + 1) + column
    count = np.bincount(flat)
    full = count > 0
    return (np.cumsum(full) - 1)[flat], count[full]


def _averaged(
    values: NDArray[np.float64], index: NDArray[np.int64], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Means (2, k, n) by block of values (2, k, cells)."""
    flat = [np.bincount(index, line, len(count)) for part in values for line in part]
    return np.asarray(flat).reshape(*values.shape[:2], -1) / np.maximum(count, 1)
