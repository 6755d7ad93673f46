"""The search for the best list of a given number of scenes: branch and bound over bit sets."""

import time
from dataclasses import dataclass

import numpy as np

from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Words

PAIR_WORDS = 2**20


class OutOfTime(Exception):
    """The search met its deadline; what it has found so far stands."""


@dataclass(frozen=True)
class Node:
    """A partial list and what may still join it.

    Attributes:
        chosen: indices chosen so far.
        open: indices that may join.
        live: uint64 (open, words), the pixels that still need the open candidate.
        layers: uint64 (wanted - 1, words), pixels that 1, 2, ... chosen scenes show.
        sums: float32 (words, cuts) of the words kept.
        missing: float32 (cuts,), what must yet be covered in each cut.
        matched: bool (neighbours,), neighbours with a common datatake.
    """

    chosen: tuple[int, ...]
    open: np.ndarray
    live: np.ndarray
    layers: np.ndarray
    sums: np.ndarray
    missing: np.ndarray
    matched: np.ndarray

    def gains(self) -> np.ndarray:
        """What each open candidate would cover besides, float32 (open, cuts)."""
        return weigh(self.live, self.sums)


def weigh(bits: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Pixels that bit rows stand for, in each cut; exact, as all sums stay far below 2 ** 24."""
    return np.bitwise_count(bits).astype(np.float32) @ sums


def root(problem: Problem, words: Words, usable: np.ndarray) -> Node:
    """The node with the forced scenes chosen and all other usable candidates open."""
    budget = problem.coverable - problem.needed
    usable = np.union1d(usable, np.array(problem.forced, dtype=int))
    width = words.bits.shape[1]
    node = Node(
        chosen=(),
        open=usable,
        live=words.bits[usable],
        layers=np.zeros((problem.wanted - 1, width), np.uint64),
        sums=words.sums,
        missing=words.totals - np.float32(budget),
        matched=np.zeros(problem.matches.shape[1], bool),
    )
    for one in problem.forced:
        place = int(np.flatnonzero(node.open == one)[0])
        rest = np.delete(np.arange(len(node.open)), place)
        node = joined(problem, node, place, rest, node.gains()[place])
    return node


def joined(problem: Problem, node: Node, place: int, rest: np.ndarray, gain: np.ndarray) -> Node:
    """The node after the open candidate at `place` joined; `rest` are the places that stay open."""
    one = node.live[place]
    below = np.concatenate([one[None], node.layers & one])
    layers = node.layers | below[:-1]
    live = node.live[rest] & ~below[-1]
    kept = live.any(axis=0)
    index = int(node.open[place])
    return Node(
        chosen=(*node.chosen, index),
        open=node.open[rest],
        live=live[:, kept],
        layers=layers[:, kept],
        sums=node.sums[kept],
        missing=node.missing - gain,
        matched=node.matched | problem.matches[index],
    )


class Search:
    """All lists of one number of scenes, the best of them first where a list to better is known.

    Args:
        problem: what is to be chosen.
        deadline: value of `time.monotonic()` at which it stops.
    """

    def __init__(self, problem: Problem, deadline: float) -> None:
        self.problem = problem
        self.deadline = deadline
        self.nodes = 0
        self.best: Cost | None = None
        self.found: tuple[int, ...] | None = None
        self.first = True

    def any_list(self, start: Node, size: int) -> tuple[int, ...] | None:
        """Some feasible list of at most `size` scenes, or None where there is provably none.

        Raises:
            OutOfTime: neither was found by the deadline.
        """
        self.best, self.found, self.first = None, None, True
        self._visit(start, size - len(start.chosen))
        return self.found

    def best_list(self, start: Node, size: int, known: tuple[int, ...]) -> tuple[int, ...]:
        """The best feasible list of `size` scenes, where fewer are known not to do.

        After `OutOfTime`, `found` is the best so far.

        Args:
            start: the root.
            size: number of scenes.
            known: a feasible list of that size.
        """
        self.best, self.found, self.first = self.problem.cost(known), known, False
        self._visit(start, size - len(start.chosen))
        return self.found

    def _visit(self, node: Node, left: int) -> None:
        self.nodes += 1
        if time.monotonic() > self.deadline:
            raise OutOfTime
        if node.missing[-1] <= 0:
            self._offer(node.chosen, int((~node.matched).sum()), -int(node.missing[-1]))
            return
        if left == 0 or len(node.open) == 0:
            return
        gains = node.gains()
        if left == 1:
            self._finish(node, np.arange(len(node.open))[:, None], gains[:, -1])
            return
        useful = self._useful(node, gains, left)
        if len(useful) < len(node.open):
            node = _narrowed(node, useful)
            gains = gains[useful]
        if len(node.open) and self._possible(node, gains, left):
            if left == 2:
                self._finish_pair(node, gains)
            else:
                self._branch(node, gains, left)

    def _branch(self, node: Node, gains: np.ndarray, left: int) -> None:
        """Every feasible list has a scene that shows some of the hardest pixels still missing: try each."""
        cut = int(np.argmax(node.missing > 0))
        touching = np.flatnonzero(gains[:, cut] > 0)
        if self.first:
            order = touching[np.argsort(-gains[touching, cut], kind="stable")]
        else:
            fresh = (self.problem.matches[node.open[touching]] & ~node.matched).sum(axis=1)
            order = touching[
                np.lexsort((-gains[touching, -1], self.problem.days[node.open[touching]], -fresh))
            ]
        still_open = np.ones(len(node.open), bool)
        for place in order:
            still_open[place] = False
            self._visit(joined(self.problem, node, place, np.flatnonzero(still_open), gains[place]), left - 1)
            if self.first and self.found is not None:
                return

    def _useful(self, node: Node, gains: np.ndarray, left: int) -> np.ndarray:
        """Places of the open candidates that a feasible and better list could still have."""
        good = (gains + _top(gains, left - 1) >= node.missing).all(axis=1) & (gains[:, -1] > 0)
        best = self.best
        if best is not None and good.any() and self._bound(node, gains, left)[0] == best.strangers:
            days = self.problem.days[node.open]
            least = -_top(-days[good][:, None], left - 1)[0]
            good &= self._days(node) + days + least <= best.days
        return np.flatnonzero(good)

    def _possible(self, node: Node, gains: np.ndarray, left: int) -> bool:
        """Whether the bounds allow a feasible list, better than the best one."""
        if (_top(gains, left) < node.missing).any():
            return False
        if self.problem.wanted == 1:
            union = np.bitwise_or.reduce(node.live, axis=0)
            if (weigh(union[None], node.sums)[0] < node.missing).any():
                return False
        return self.best is None or self._bound(node, gains, left) <= tuple(self.best[1:4])

    def _bound(self, node: Node, gains: np.ndarray, left: int) -> tuple[int, int, int]:
        """A lower bound of (strangers, days, unclear) of every list below the node."""
        matches = self.problem.matches[node.open]
        fresh = (matches & ~node.matched).sum(axis=1)
        together = (matches.any(axis=0) | node.matched).sum()
        matched = min(together, node.matched.sum() + _top(fresh[:, None], left)[0])
        days = self._days(node) - int(_top(-self.problem.days[node.open][:, None], left)[0])
        covered = self.problem.needed - int(node.missing[-1]) + int(_top(gains, left)[-1])
        return len(node.matched) - int(matched), days, -min(covered, self.problem.coverable)

    def _finish_pair(self, node: Node, gains: np.ndarray) -> None:
        """Offer the best last two scenes, or the best last one where that is enough."""
        self._finish(node, np.arange(len(node.open))[:, None], gains[:, -1])
        one, other = np.triu_indices(len(node.open), 1)
        good = np.ones(len(one), bool)
        for cut, missing in enumerate(node.missing):
            good &= gains[one, cut] + gains[other, cut] >= missing
        if self.best is not None and self._bound(node, gains, 2)[0] == self.best.strangers:
            days = self.problem.days[node.open]
            good &= self._days(node) + days[one] + days[other] <= self.best.days
        pairs = np.stack([one[good], other[good]], axis=1)
        size = max(PAIR_WORDS // max(node.live.shape[1], 1), 1)
        for begin in range(0, len(pairs), size):
            part = pairs[begin : begin + size]
            shared = node.live[part[:, 0]] & node.live[part[:, 1]]
            if len(node.layers):
                shared &= node.layers[-1]
            both = gains[part, -1].sum(axis=1) - weigh(shared, node.sums[:, -1])
            self._finish(node, part, both)
            if time.monotonic() > self.deadline:
                raise OutOfTime

    def _finish(self, node: Node, last: np.ndarray, gains: np.ndarray) -> None:
        """Offer the best of some ways to end a list.

        Args:
            node: the list so far.
            last: places of the scenes that end it, int (ways, scenes).
            gains: what they would cover, float32 (ways,).
        """
        spare = gains - node.missing[-1]
        ways = np.flatnonzero(spare >= 0)
        if len(ways) == 0:
            return
        index = node.open[last[ways]]
        strangers = (~(self.problem.matches[index].any(axis=1) | node.matched)).sum(axis=1)
        keys = np.stack([strangers, self.problem.days[index].sum(axis=1), -spare[ways]])
        first = keys[:, np.lexsort(keys[::-1])[0]]
        ties = index[(keys == first[:, None]).all(axis=0)]
        lists = [(*node.chosen, *(int(one) for one in way)) for way in ties]
        self._offer(min(lists, key=sorted), int(first[0]), -int(first[2]))

    def _offer(self, chosen: tuple[int, ...], strangers: int, spare: int) -> None:
        """Keep a feasible list that covers `spare` pixels more than needed, if it is the best so far."""
        ids = tuple(sorted(self.problem.ids[one] for one in chosen))
        days = int(self.problem.days[list(chosen)].sum())
        cost = Cost(len(chosen), strangers, days, -(self.problem.needed + spare), ids)
        if self.best is None or cost < self.best:
            self.best, self.found = cost, chosen

    def _days(self, node: Node) -> int:
        return int(self.problem.days[list(node.chosen)].sum())


def _narrowed(node: Node, places: np.ndarray) -> Node:
    return Node(
        node.chosen, node.open[places], node.live[places], node.layers, node.sums, node.missing, node.matched
    )


def _top(values: np.ndarray, count: int) -> np.ndarray:
    """Sum of the `count` greatest of each column."""
    if count <= 0:
        return np.zeros(values.shape[1], values.dtype)
    if count >= len(values):
        return values.sum(axis=0)
    return -np.partition(-values, count - 1, axis=0)[:count].sum(axis=0)
