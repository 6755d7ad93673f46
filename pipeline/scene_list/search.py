"""The search for the best list of a given number of scenes: branch and bound, closed by matrix products."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline.scene_list.branches import Branches, Node
from pipeline.scene_list.closing import (
    TRIPLE_PIXELS,
    Limits,
    likely,
    pairs,
    singles,
    triples,
    triples_of_hardest,
)
from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.pixels import Pixels
from pipeline.scene_list.reduce import Instance

Clock = Callable[[], float]
CLOSING = 3
FEWEST_PIXELS = 2048
CELLS = 500_000


class OutOfTime(Exception):
    """The search met its deadline; what it has found so far stands."""


class Search:
    """All lists of one number of scenes, those that cannot be the best left out.

    A list is grown by taking a candidate in, or leaving it out for good, the one first that shows most of
    what few others show. Each scene taken uses up the number; each left out loses pixels that too few others
    show, which uses up what may stay uncovered. The last three scenes are not grown: matrix products
    tell what every triple leaves uncovered. Bounds look at the hardest pixels alone, which can only make
    covering easier, and at all pixels where those are covered; each list found is counted on all pixels.

    Args:
        problem: what is to be chosen.
        instance: its pixels, merged and packed.
        deadline: value of the clock at which it stops.
        barred: a list that does not count.
        clock: gives seconds.
    """

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
        """Some feasible list of `size` scenes where fewer do not do, or None where there is provably none.

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
        forced = self.problem.forced
        opened = np.setdiff1d(self.instance.usable, forced)
        if len(forced) + len(opened) >= size:
            self._visit(self._whole(tuple(forced), opened, 0.0), size - len(forced))

    def _whole(self, chosen: tuple[int, ...], opened: np.ndarray, lost: float) -> Node:
        """The node of a partial list on all pixels."""
        pixels = self.instance.pixels
        for one in chosen:
            pixels = pixels.after(one)
        return Node(chosen, opened, pixels.among(opened), True, 0.0)

    def _visit(self, node: Node, left: int) -> None:
        self.nodes += 1
        self._check_time()
        ready = self._ready(node, left)
        if ready is None:
            return
        node, left = ready
        if left > CLOSING:
            self._branch(node, left)
        elif left > 0:
            self._end(node, left)
        else:
            self._finish(node.chosen, node.open, np.zeros((1, 0), int))

    def _ready(self, node: Node, left: int) -> tuple[Node, int] | None:
        """The node with what it must have alone, and the scenes left to choose; None where it is hopeless."""
        while True:
            if len(node.open) < left:
                return None
            if left == 0:
                return node, left
            pixels, lost = node.pixels.possible()
            node = replace(node, pixels=pixels, lost=node.lost + lost)
            if node.lost > self.budget:
                return None
            if pixels.total <= self.budget - node.lost and not node.whole:
                node = self._whole(node.chosen, node.open, node.lost)
                continue
            useful = self._useful(node, left)
            if len(useful) < left:
                return None
            if len(useful) < len(node.open):
                node = node.only(useful)
                continue
            must = self._musts(node)
            if not len(must):
                return node, left
            left -= len(must)
            if left < 0:
                return None
            for one in must:
                node = node.took(int(one))

    def _musts(self, node: Node) -> np.ndarray:
        """The open candidates without which too much would be lost."""
        tight = node.pixels.at(node.pixels.viewers() == node.pixels.need)
        spare = self.budget - node.lost
        if tight.weights.sum() <= spare:
            return node.open[:0]
        return node.open[tight.weights @ tight.seen_by(node.open) > spare]

    def _useful(self, node: Node, left: int) -> np.ndarray:
        """The open candidates that a list better than the best one could have."""
        if self.best is None:
            return node.open
        strangers = self._least_strangers(node.chosen, node.open, left)
        if strangers != self.best.strangers:
            return node.open if strangers < self.best.strangers else node.open[:0]
        days = self.problem.days[node.open]
        least = np.sort(days)[: left - 1].sum() + self._days(node.chosen)
        return node.open[least + days <= self.best.days]

    def _least_strangers(self, chosen: tuple[int, ...], opened: np.ndarray, left: int) -> int:
        """A lower bound of the neighbours without a common datatake, of every list below the node."""
        neighbours = self.problem.matches.shape[1]
        if neighbours == 0:
            return 0
        matched = self.problem.matches[list(chosen)].any(axis=0)
        matches = self.problem.matches[opened]
        fresh = np.sort((matches & ~matched).sum(axis=1))[-left:].sum()
        together = (matches.any(axis=0) | matched).sum()
        return neighbours - int(min(together, matched.sum() + fresh))

    def _branch(self, node: Node, left: int) -> None:
        """Take in each candidate in turn, those before it left out, as long as the others can do without."""
        pixels = self._some(node)
        node = replace(node, pixels=pixels, whole=node.whole and pixels is node.pixels)
        branches = Branches(node, left, self.budget)
        while (place := branches.next()) is not None:
            if left - 1 > CLOSING or not self._closed(branches, place):
                self._visit(branches.child(place), left - 1)
            if self.first and self.found is not None:
                return
            branches.leave_out(place)

    def _closed(self, branches: Branches, place: int) -> bool:
        """Close a child by triples without making a node of it; False where its pixels do not do for that."""
        after = branches.after(place)
        spare = self.budget - branches.lost
        if after.total <= spare:
            return False
        self.nodes += 1
        self._check_time()
        opened = after.open
        if len(opened) >= CLOSING:
            chosen = (*branches.node.chosen, int(branches.node.open[place]))
            limits = self._limits(chosen, opened, spare, CLOSING)
            ways = triples_of_hardest(after.ground(TRIPLE_PIXELS), limits)
            if len(ways):
                self._finish(chosen, opened, likely(after.ground(), limits, ways))
        return True

    def _end(self, node: Node, left: int) -> None:
        limits = self._limits(node.chosen, node.open, self.budget - node.lost, left)
        ways = (singles, pairs, triples)[left - 1]
        self._finish(node.chosen, node.open, ways(self._some(node).ground(node.open), limits))

    def _some(self, node: Node) -> Pixels:
        """The hardest pixels of a node, as many as make matrices of a good size."""
        return node.pixels.hardest(max(FEWEST_PIXELS, CELLS // len(node.open)))

    def _limits(self, chosen: tuple[int, ...], opened: np.ndarray, spare: float, left: int) -> Limits:
        most = np.inf
        if self.best is not None:
            strangers = self._least_strangers(chosen, opened, left)
            if strangers > self.best.strangers:
                most = -1
            elif strangers == self.best.strangers:
                most = self.best.days - self._days(chosen)
        return Limits(spare, self.problem.days[opened], most)

    def _finish(self, begun: tuple[int, ...], opened: np.ndarray, last: np.ndarray) -> None:
        """Offer the best of some ways to end a list; `last` are places of the scenes that end it."""
        if len(last) == 0:
            return
        index = opened[last]
        matched = self.problem.matches[list(begun)].any(axis=0)
        strangers = (~(self.problem.matches[index].any(axis=1) | matched)).sum(axis=1)
        days = self.problem.days[index].sum(axis=1) + self._days(begun)
        for way in np.lexsort((days, strangers)):
            if self.best is not None and (strangers[way], days[way]) > (self.best[1], self.best[2]):
                return
            chosen = (*begun, *(int(one) for one in index[way]))
            if sorted(chosen) == self.barred:
                continue
            covered = self.instance.covered(chosen)
            if covered >= self.problem.needed:
                self._offer(chosen, int(strangers[way]), int(days[way]), covered)
                if self.first:
                    return
            self._check_time()

    def _offer(self, chosen: tuple[int, ...], strangers: int, days: int, covered: int) -> None:
        """Keep a feasible list if it is the best so far."""
        ids = tuple(sorted(self.problem.ids[one] for one in chosen))
        cost = Cost(len(chosen), strangers, days, -covered, ids)
        if self.best is None or cost < self.best:
            self.best, self.found = cost, chosen

    def _days(self, chosen: tuple[int, ...]) -> int:
        return int(self.problem.days[list(chosen)].sum())

    def _check_time(self) -> None:
        if self.clock() > self.deadline:
            raise OutOfTime
