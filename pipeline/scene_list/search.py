"""The search for the best list of a given number of scenes: branch and bound on pixels as bits."""

import time
from collections.abc import Callable, Iterator
from functools import cache, cached_property

import numpy as np

from pipeline.scene_list.growing import DEPTH, DONE, NODES, Limits, grow
from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance
from pipeline.scene_list.start import Start

Clock = Callable[[], float]


class OutOfTime(Exception):
    """The search met its deadline; what it has found so far stands."""


@cache
def compile_loops() -> None:
    """Compile the loops of a search, or read what was compiled before, so that no clock counts that."""
    problem = Problem(("scene",), np.ones((1, 1), bool), np.zeros(1, int), np.zeros((1, 0), bool), 1.0)
    Search(problem, Instance.of(problem), np.inf).any_list(1)


class Search:
    """All lists of one number of scenes, those that cannot be the best left out.

    A list is grown by taking a candidate in, or leaving it out for good, the one first that shows most of
    what few others show. Each scene taken uses up the number; each left out loses pixels that too few others
    show, which uses up what may stay uncovered. What the scenes left can cover at most is bounded by sums of
    gains on the hardest pixels, which can only make covering easier; the last three are counted on all.

    Args:
        problem: what is to be chosen.
        instance: its pixels, merged and packed.
        deadline: value of the clock at which it stops.
        barred: a list that does not count.
        clock: gives seconds.
    """

    # So much takes some hundredths of a second.
    quota = 20_000_000

    def __init__(
        self,
        problem: Problem,
        instance: Instance,
        deadline: float,
        barred: tuple[int, ...] = (),
        clock: Clock = time.monotonic,
    ) -> None:
        self.problem = problem
        self.instance = instance
        self.deadline = deadline
        self.barred = sorted(barred)
        self.clock = clock
        self.budget = problem.coverable - problem.needed
        self.nodes = 0
        self.best: Cost | None = None
        self.found: tuple[int, ...] | None = None
        self.first = True

    def any_list(self, size: int) -> tuple[int, ...] | None:
        """Some feasible list of `size` scenes, or None where there is provably none.

        Raises:
            OutOfTime: neither was found by the deadline.
        """
        self.best, self.found, self.first = None, None, True
        self._begin(size)
        return self.found

    def best_list(self, size: int, known: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """The best feasible list of `size` scenes; None where there is provably none.

        After `OutOfTime`, `found` is the best so far.

        Args:
            size: number of scenes.
            known: a feasible list of that size, if there is one at hand.
        """
        self.best = self.problem.cost(known) if known is not None else None
        self.found, self.first = known, False
        self._begin(size)
        return self.found

    def _begin(self, size: int) -> None:
        forced = tuple(self.problem.forced)
        left = size - len(forced)
        if left < 0 or left > len(self._start.opened):
            return
        if left == 0:
            if self.instance.covered(forced) >= self.problem.needed:
                self._finish(forced, np.zeros((1, 0), int))
            return
        for begun, last in self._endings(left):
            self._finish(begun, last)
            if self.first and self.found is not None:
                return

    @cached_property
    def _start(self) -> Start:
        """The ground of all open candidates, the forced ones taken."""
        return Start.of(self.problem, self.instance)

    def _endings(self, left: int) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Feasible lists as what they begin with and, int (ways, scenes), the candidates that end them."""
        start = self._start
        state, ending = start.state(left), start.ending()
        while True:
            self._check_time()
            nodes = state.at[NODES]
            ways = grow(start.ground, state, ending, self._limits(left))
            self.nodes += int(state.at[NODES] - nodes)
            if ways == DONE:
                return
            if ways:
                places = state.chosen[: state.at[DEPTH]]
                begun = (*self.problem.forced, *(int(one) for one in start.opened[places]))
                last = ending.ways[:ways, : left - len(places)]
                yield begun, start.opened[last]

    def _limits(self, left: int) -> Limits:
        forced = list(self.problem.forced)
        matched = np.asarray(self.problem.matches[forced].any(axis=0), bool)
        first = self.first and not self.barred
        known = self.best or Cost(0, -1, 0, 0, ())
        days = known.days - int(self.problem.days[forced].sum())
        return Limits(left, self.budget, matched, known.strangers, days, first, self.quota)

    def _finish(self, begun: tuple[int, ...], last: np.ndarray) -> None:
        """Offer the best of some feasible lists; `last` are the scenes that end each."""
        matched = self.problem.matches[list(begun)].any(axis=0)
        strangers = (~(self.problem.matches[last].any(axis=1) | matched)).sum(axis=1)
        days = self.problem.days[last].sum(axis=1) + int(self.problem.days[list(begun)].sum())
        for way in np.lexsort((days, strangers)):
            if self.best is not None and (strangers[way], days[way]) > (self.best[1], self.best[2]):
                return
            chosen = (*begun, *(int(one) for one in last[way]))
            if sorted(chosen) != self.barred:
                self._offer(chosen, int(strangers[way]), int(days[way]), self.instance.covered(chosen))
                if self.first:
                    return
            self._check_time()

    def _offer(self, chosen: tuple[int, ...], strangers: int, days: int, covered: int) -> None:
        """Keep a feasible list if it is the best so far."""
        ids = tuple(sorted(self.problem.ids[one] for one in chosen))
        cost = Cost(len(chosen), strangers, days, -covered, ids)
        if self.best is None or cost < self.best:
            self.best, self.found = cost, chosen

    def _check_time(self) -> None:
        if self.clock() > self.deadline:
            raise OutOfTime
