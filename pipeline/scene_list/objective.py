"""What makes one scene list better than another (paper, 2.1 d; the objective of the design)."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np


class Cost(NamedTuple):
    """The levels of the objective, compared one after the other; smaller is better.

    Attributes:
        scenes: number of scenes.
        strangers: neighbours with which no chosen scene shares a datatake.
        days: sum of |date - target| in whole days.
        unclear: minus what is covered, in pixels or, with a margin, half pixels.
        ids: the ids, sorted.
    """

    scenes: int
    strangers: int
    days: int
    unclear: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Problem:
    """Choose the best list among candidates that are sorted by id.

    With x_c = 1 for a chosen scene, a_cp = 1 where it shows pixel p clear, b_cp = 1 where it shows it clear
    outside the margin around its cloud, and V(x) what a list x covers, minimise lexicographically

        (sum_c x_c, sum_n [no chosen scene has a datatake of neighbour n], sum_c days_c x_c, - V(x), ids)

    subject to V(x) >= ceil(share * V(1, 1, ..., 1)) and x_c = 1 for forced scenes, where

        V(x) = sum_p min(k, sum_c a_cp x_c)                                 without a margin,
        V(x) = sum_p min(k, sum_c a_cp x_c) + sum_p min(k, sum_c b_cp x_c)  with one, in half pixels.

    So ground seen only inside a margin is doubtful, not lost: it counts half where some other candidate shows
    it surely, as it would if the mask of the preview erred there every other time, and whole where no
    candidate does.

    Attributes:
        ids: sorted, all different.
        clear: bool (candidates, pixels), a.
        days: int (candidates,).
        matches: bool (candidates, neighbours), whether the scene shares a datatake with the neighbour's list.
        share: of the coverable pixels that must be clear, 0..1.
        wanted: k, the clear dates wanted for each pixel.
        forced: indices of scenes that every list must have.
        sure: bool (candidates, pixels), b; None without a margin.
    """

    ids: tuple[str, ...]
    clear: np.ndarray
    days: np.ndarray
    matches: np.ndarray
    share: float
    wanted: int = 1
    forced: tuple[int, ...] = ()
    sure: np.ndarray | None = None

    @cached_property
    def shown(self) -> np.ndarray:
        """What counts, bool (candidates, counts): clear pixels and, with a margin, the sure ones besides."""
        return self.clear if self.sure is None else np.concatenate([self.clear, self.sure], axis=1)

    def covered(self, chosen: tuple[int, ...]) -> int:
        """V of a list: pixels, or half pixels with a margin, each counted up to `wanted` times."""
        return int(np.minimum(self.shown[list(chosen)].sum(axis=0), self.wanted).sum())

    @cached_property
    def coverable(self) -> int:
        """V of all candidates together."""
        return int(np.minimum(self.shown.sum(axis=0), self.wanted).sum())

    @property
    def needed(self) -> int:
        """The least that a feasible list covers."""
        return least_covered(self.share, self.coverable)

    def strangers(self, chosen: tuple[int, ...]) -> int:
        """Neighbours with which no chosen scene shares a datatake."""
        return int((~self.matches[list(chosen)].any(axis=0)).sum())

    def cost(self, chosen: tuple[int, ...]) -> Cost:
        """The objective of a list."""
        return self.cost_of(chosen, self.covered(chosen))

    def cost_of(self, chosen: tuple[int, ...], covered: int) -> Cost:
        """The same where V of the list is known."""
        ids = tuple(sorted(self.ids[one] for one in chosen))
        days = int(self.days[list(chosen)].sum())
        return Cost(len(chosen), self.strangers(chosen), days, -covered, ids)


def least_covered(share: float, coverable: int) -> int:
    """ceil(share * coverable), without the rounding error of a share such as 0.999."""
    return -int(-round(share * 1_000_000) * coverable // 1_000_000)
