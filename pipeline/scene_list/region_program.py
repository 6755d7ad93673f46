"""The integer program that picks one list of each tile, so that neighbours agree on their datatakes."""

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pipeline.scene_list.options import Option


class Picked(NamedTuple):
    """One option of each tile by name.

    Attributes:
        options: what was picked.
        proven: whether no better ones exist.
        bounds: lower bounds of strangers, days, ..., of the levels that are proven and of the one after them.
    """

    options: dict[str, Option]
    proven: bool
    bounds: tuple[int, ...]


class Program:
    """z_to = 1 where tile t has its option o, s_p = 1 where the tiles of pair p share no datatake.

    sum_o z_to = 1; a_pd <= sum of z over the options of either tile that have datatake d;
    s_p >= 1 - sum_d a_pd. The levels are minimised one after the other, each held for the next.

    Args:
        options: of each tile by name.
        pairs: of neighbours.
        apart: what a pair without a common datatake counts as strangers.
    """

    def __init__(
        self,
        options: Mapping[str, Sequence[Option]],
        pairs: Sequence[tuple[str, str]],
        apart: int = 1,
    ) -> None:
        self.apart = apart
        self.of_tile: dict[str, list[int]] = {}
        self.options: list[tuple[str, Option]] = []
        for name in sorted(options):
            own = sorted(options[name], key=lambda one: one.ids)
            self.of_tile[name] = list(range(len(self.options), len(self.options) + len(own)))
            self.options += [(name, one) for one in own]
        self.having = [self._having(one, other) for one, other in pairs]
        self.agreements = sum(len(one) for one in self.having)
        self.held: list[tuple[np.ndarray, float]] = []

    def _having(self, one: str, other: str) -> list[tuple[list[int], list[int]]]:
        """For each datatake that both tiles of a pair can have, the options of either that have it."""
        sides = [[(at, self.options[at][1].takes) for at in self.of_tile[name]] for name in (one, other)]
        mine, theirs = ({take for _, takes in side for take in takes} for side in sides)
        return [
            ([at for at, has in sides[0] if take in has], [at for at, has in sides[1] if take in has])
            for take in sorted(mine & theirs)
        ]

    def pick(self, deadline: float) -> Picked:
        """The best options, or those that are found by the deadline."""
        picked, bounds = np.array([own[0] for own in self.of_tile.values()]), []
        proven = True
        for level in self._levels():
            found, bound = self._minimum(level, deadline)
            if proven and np.isfinite(bound):
                bounds.append(int(np.ceil(bound - 1e-6)))
            if found is None:
                return Picked(self._named(picked), False, tuple(bounds))
            picked = np.flatnonzero(found[: len(self.options)] > 0.5)
            value = float(np.round(level @ found))
            proven = proven and bound > value - 0.5
            self.held.append((level, value))
        return Picked(self._named(picked), proven, tuple(bounds))

    def least_strangers(self, deadline: float) -> int:
        """A lower bound of the strangers; 0 where there was no time."""
        _, bound = self._minimum(self._strangers(), deadline)
        return max(0, int(np.ceil(bound - 1e-6))) if np.isfinite(bound) else 0

    def _named(self, picked: np.ndarray) -> dict[str, Option]:
        return dict(self.options[at] for at in picked)

    def _strangers(self) -> np.ndarray:
        level = self._level([one.strangers for _, one in self.options])
        level[len(self.options) : len(self.options) + len(self.having)] = self.apart
        return level

    def _level(self, values: Sequence[float] | np.ndarray) -> np.ndarray:
        rest = len(self.having) + self.agreements
        return np.concatenate([np.array(values, float), np.zeros(rest)])

    def _levels(self) -> list[np.ndarray]:
        """What is minimised in turn: strangers, days, unclear pixels, then each tile's rank by ids."""
        levels = [self._strangers(), self._level([one.days for _, one in self.options])]
        levels.append(self._level([one.unclear for _, one in self.options]))
        for own in self.of_tile.values():
            if len(own) > 1:
                ranks = np.zeros(len(self.options))
                ranks[own] = np.arange(len(own))
                levels.append(self._level(ranks))
        return levels

    def _minimum(self, level: np.ndarray, deadline: float) -> tuple[np.ndarray | None, float]:
        seconds = deadline - time.monotonic()
        if seconds <= 0.05:
            return None, -np.inf
        whole = np.concatenate([np.ones(len(self.options)), np.zeros(len(self.having) + self.agreements)])
        result = milp(
            level,
            integrality=whole,
            bounds=Bounds(0, 1),
            constraints=self._constraints(),
            options={"time_limit": seconds, "mip_rel_gap": 0.0},
        )
        bound = result.mip_dual_bound if result.mip_dual_bound is not None else -np.inf
        return result.x, float(bound)

    def _constraints(self) -> list[LinearConstraint]:
        width = len(self.options) + len(self.having) + self.agreements
        one_each = [dict.fromkeys(own, 1.0) for own in self.of_tile.values()]
        agree: list[dict[int, float]] = []
        least: list[dict[int, float]] = []
        at = len(self.options) + len(self.having)
        for pair, takes in enumerate(self.having):
            apart = {len(self.options) + pair: 1.0}
            for sides in takes:
                apart[at] = 1.0
                agree += [{at: -1.0} | dict.fromkeys(side, 1.0) for side in sides]
                at += 1
            least.append(apart)
        found = [LinearConstraint(_matrix(one_each, width), 1, 1)]
        for rows, value in ((agree, 0), (least, 1)):
            if rows:
                found.append(LinearConstraint(_matrix(rows, width), value, np.inf))
        found += [LinearConstraint(level[None], -np.inf, value + 0.5) for level, value in self.held]
        return found


def _matrix(rows: Sequence[Mapping[int, float]], width: int) -> sparse.csr_array:
    data = [(place, column, value) for place, row in enumerate(rows) for column, value in row.items()]
    where, columns, values = zip(*data, strict=True)
    return sparse.csr_array((values, (where, columns)), shape=(len(rows), width))
