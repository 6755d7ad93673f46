"""The last scenes of a list: what each pair or triple would leave uncovered, by matrix products."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PAIR_PIXELS = 2048
TRIPLE_PIXELS = 640
PRODUCT = 60_000
CHUNK = 2**18


@dataclass(frozen=True)
class Ground:
    """Pixels that are needed yet, and who shows them.

    Attributes:
        seen: float32 (pixels, candidates), 1 where an open candidate shows a pixel.
        need: float32 (pixels,), how many more scenes must show it, at least 1.
        weights: float32 (pixels,), how many equal ones it stands for.
        spare: float32 (pixels,), how many more candidates show it than it needs.
    """

    seen: np.ndarray
    need: np.ndarray
    weights: np.ndarray
    spare: np.ndarray

    def hardest(self, count: int) -> "Ground":
        """The `count` pixels that have fewest candidates to spare."""
        if len(self.need) <= count:
            return self
        at = np.argpartition(self.spare, count)[:count]
        return Ground(self.seen[at], self.need[at], self.weights[at], self.spare[at])


@dataclass(frozen=True)
class Limits:
    """What the scenes that end a list may have.

    Attributes:
        uncovered: the most that they may leave uncovered.
        days: int (candidates,).
        most_days: the most days that they may have together, inf where that does not count.
    """

    uncovered: float
    days: np.ndarray
    most_days: float


def singles(ground: Ground, limits: Limits) -> np.ndarray:
    """Places of the scenes that could end a list alone, int (ways, 1)."""
    left = ground.weights @ ground.need - ground.weights @ ground.seen
    return np.flatnonzero((left <= limits.uncovered) & (limits.days <= limits.most_days))[:, None]


def pairs(ground: Ground, limits: Limits) -> np.ndarray:
    """Places of the pairs that could end a list, int (ways, 2)."""
    hard = ground.hardest(PAIR_PIXELS)
    good = left_by_pairs(hard.seen, hard.need, hard.weights) <= limits.uncovered
    good &= limits.days[:, None] + limits.days <= limits.most_days
    return likely(ground, limits, np.argwhere(np.triu(good, 1)))


def triples(ground: Ground, limits: Limits) -> np.ndarray:
    """Places of the triples that could end a list, int (ways, 3)."""
    return likely(ground, limits, triples_of_hardest(ground.hardest(TRIPLE_PIXELS), limits))


def triples_of_hardest(hard: Ground, limits: Limits) -> np.ndarray:
    """The same as far as some pixels tell, int (ways, 3)."""
    products = Triples(hard.seen, hard.need, hard.weights)
    days, count = limits.days, len(limits.days)
    one, other = np.triu_indices(count, 1)
    near = (days[one] + days[other] + days.min() <= limits.most_days) & (other < count - 1)
    one, other = one[near], other[near]
    order = np.argsort(other, kind="stable")
    one, other = one[order], other[order]
    found = [np.zeros((0, 3), int)]
    step = max(PRODUCT // count, 1)
    for begin in range(0, len(one), step):
        first, second = one[begin : begin + step], other[begin : begin + step]
        third = np.arange(second[0] + 1, count)
        good = products.left(first, second, third) <= limits.uncovered
        good &= third > second[:, None]
        if np.isfinite(limits.most_days):
            good &= (days[first] + days[second])[:, None] + days[third] <= limits.most_days
        pair, last = np.nonzero(good)
        found.append(np.stack([first[pair], second[pair], third[last]], axis=1))
    return np.concatenate(found)


def likely(ground: Ground, limits: Limits, ways: np.ndarray) -> np.ndarray:
    """The ways to end a list, int (ways, scenes), that leave little enough of all the ground uncovered.

    Bits tell soon how many pixels needed once are left; only where that may do, all is counted as it weighs.
    """
    if not len(ways):
        return ways
    missed = _bits((ground.seen[ground.need == 1] == 0).T)
    ways = _kept(ways, missed.shape[1], lambda part: _left_of_bits(missed, part) <= limits.uncovered)
    if (ground.need == 1).all() and (ground.weights == 1).all():
        return ways
    seen = np.ascontiguousarray(ground.seen.T)

    def fits(part: np.ndarray) -> np.ndarray:
        times = seen[part].sum(axis=1)
        return np.maximum(ground.need - times, 0) @ ground.weights <= limits.uncovered

    return _kept(ways, seen.shape[1] // 2, fits)


def _bits(rows: np.ndarray) -> np.ndarray:
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 64)))
    return np.ascontiguousarray(np.packbits(rows, axis=1)).view(np.uint64)


def _left_of_bits(missed: np.ndarray, ways: np.ndarray) -> np.ndarray:
    return np.bitwise_count(np.bitwise_and.reduce(missed[ways], axis=1)).sum(axis=1, dtype=np.int64)


def _kept(ways: np.ndarray, width: int, fits: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The ways that fit, looked at in parts that need little memory."""
    step = max(CHUNK // max(width, 1), 1)
    parts = [ways[begin : begin + step] for begin in range(0, len(ways), step)]
    return np.concatenate([ways[:0], *(part[fits(part)] for part in parts)])


def left_by_pairs(seen: np.ndarray, need: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What two scenes leave uncovered, float32 (candidates, candidates); exact below 2 ** 24.

    Args:
        seen: as of `Ground`.
        need: as of `Ground`.
        weights: as of `Ground`.
    """
    missed = 1 - seen
    left = (missed * np.where(need == 1, weights, np.float32(0))[:, None]).T @ missed
    if (need > 1).any():
        often = np.where(need > 1, weights, np.float32(0))
        gains = often @ seen
        left += often @ need - gains[:, None] - gains
    return left


class Triples:
    """What three scenes leave uncovered, for all triples of candidates by a few matrix products.

    With n_p the scenes of a triple that show pixel p, m = 1 - seen, and need r_p: max(r_p - n_p, 0) is
    m_i m_j m_e for r_p = 1; m_i m_j + m_i m_e + m_j m_e - m_i m_j m_e for r_p = 2; r_p - n_p for more.

    Args:
        seen: as of `Ground`.
        need: as of `Ground`.
        weights: as of `Ground`.
    """

    def __init__(self, seen: np.ndarray, need: np.ndarray, weights: np.ndarray) -> None:
        missed = 1 - seen
        self.rows = np.ascontiguousarray(missed.T)
        self.signed = missed * weights[:, None]
        self.twice: np.ndarray | None = None
        self.often: np.ndarray | None = None
        self.base = np.float32(0)
        if (need > 1).any():
            self.signed = missed * np.where(need == 1, weights, np.where(need == 2, -weights, 0))[:, None]
            self.twice = (missed * np.where(need == 2, weights, np.float32(0))[:, None]).T @ missed
            weight = np.where(need > 2, weights, np.float32(0))
            self.often, self.base = weight @ seen, weight @ need

    def left(self, one: np.ndarray, other: np.ndarray, third: np.ndarray) -> np.ndarray:
        """float32 (pairs, thirds) for pairs (one, other) with each of the third candidates."""
        found = (self.rows[one] * self.rows[other]) @ self.signed[:, third]
        if self.twice is not None and self.often is not None:
            found += self.twice[one, other][:, None] + self.twice[one][:, third] + self.twice[other][:, third]
            found += self.base - (self.often[one] + self.often[other])[:, None] - self.often[third]
        return found
