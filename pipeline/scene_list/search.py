"""The search for the best list of a given number of scenes: branch and bound over bit sets."""

import time
from dataclasses import replace

import numpy as np

from pipeline.scene_list.node import Node, Weighed, compact, least_days, less, narrowed, top, weigh
from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance, Words

PAIR_WORDS = 2**20


class OutOfTime(Exception):
    """The search met its deadline; what it has found so far stands."""


class Search:
    """All lists of one number of scenes, the best of them first where a list to better is known.

    A list is grown by taking a candidate in, or leaving it out for good. Each scene taken uses up the number;
    each left out may lose pixels that too few others show, and uses up what may stay uncovered. A candidate
    whose loss alone would be too much must be taken. Bounds look at the hardest pixels alone, which can only
    make covering easier, and at all pixels where those are covered.

    Args:
        problem: what is to be chosen.
        instance: its pixels, merged and packed.
        deadline: value of `time.monotonic()` at which it stops.
        barred: a list that does not count.
    """

    def __init__(
        self, problem: Problem, instance: Instance, deadline: float, barred: tuple[int, ...] = ()
    ) -> None:
        self.problem = problem
        self.instance = instance
        self.deadline = deadline
        self.barred = sorted(barred)
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
            self._visit(self.node(tuple(forced), opened, self.instance.hard), size - len(forced))

    def node(self, chosen: tuple[int, ...], opened: np.ndarray, words: Words) -> Node:
        """The node of a partial list on the given words."""
        need = words.available
        for one in chosen:
            need = less(need, words.bits[one])
        matched = np.asarray(self.problem.matches[list(chosen)].any(axis=0))
        whole = words is self.instance.all
        return compact(Node(chosen, opened, words.bits[opened], need, words.sums, whole, matched))

    def _visit(self, node: Node, left: int) -> None:
        self.nodes += 1
        if time.monotonic() > self.deadline:
            raise OutOfTime
        while True:
            if left < 0 or len(node.open) < left:
                return
            if left == 0:
                self._finish(node, np.zeros((1, 0), int))
                return
            seen = self._weigh(node)
            if seen.missing[-1] <= 0 and not node.whole:
                node = self.node(node.chosen, node.open, self.instance.all)
                continue
            if seen.lost > self.budget or (top(seen.gains, left) < seen.missing).any():
                return
            must = np.flatnonzero(seen.lost + seen.losses > self.budget)
            if len(must):
                node, left = self._taken(node, must), left - len(must)
                continue
            useful = self._useful(node, seen, left)
            if len(useful) == len(node.open):
                break
            node = narrowed(node, useful)
        if self._hopeful(node, seen, left):
            self._end(node, seen, left)

    def _end(self, node: Node, seen: Weighed, left: int) -> None:
        if left == 1:
            self._finish(node, np.flatnonzero(seen.gains[:, -1] >= seen.missing[-1])[:, None])
        elif left == 2:
            self._finish(node, self._pairs(node, seen))
        else:
            self._branch(node, seen, left)

    def _branch(self, node: Node, seen: Weighed, left: int) -> None:
        """Take the candidate that is missed most, then leave it out."""
        worth = seen.losses + 0.01 * seen.gains[:, -1] + 0.1 * seen.gains[:, 0]
        place = int(np.argmax(worth))
        self._visit(self._taken(node, np.array([place])), left - 1)
        if not (self.first and self.found is not None):
            self._visit(narrowed(node, np.delete(np.arange(len(node.open)), place)), left)

    def _taken(self, node: Node, places: np.ndarray) -> Node:
        need, matched = node.need, node.matched
        for place in places:
            need = less(need, node.live[place])
            matched = matched | self.problem.matches[node.open[place]]
        chosen = (*node.chosen, *(int(one) for one in node.open[places]))
        rest = narrowed(node, np.delete(np.arange(len(node.open)), places))
        return compact(replace(rest, chosen=chosen, need=need, matched=matched))

    def _weigh(self, node: Node) -> Weighed:
        """What the open candidates would add, and what would be lost without each."""
        live, wanted = node.live, len(node.need)
        rarely = np.zeros(live.shape[1], np.uint64)
        lost = 0.0
        again = live
        seen = [np.zeros_like(rarely)] * (wanted + 1)
        for times in range(min(wanted + 1, len(live))):
            before = np.bitwise_or.accumulate(again, axis=0)
            seen[times] = before[-1]
            again = again[1:] & before[:-1]
        for times in range(wanted):
            rarely |= node.need[times] & seen[times] & ~seen[times + 1]
            lost += float(weigh(node.need[times] & ~seen[times], node.sums[:, -1]))
        missing = weigh(node.need, node.sums).sum(axis=0) - np.float32(self.budget)
        losses = weigh(live & rarely, node.sums[:, -1])
        return Weighed(weigh(live, node.sums), losses, missing, lost)

    def _useful(self, node: Node, seen: Weighed, left: int) -> np.ndarray:
        """Places of the open candidates that a feasible and better list could still have."""
        good = (seen.gains + top(seen.gains, left - 1) >= seen.missing).all(axis=1)
        best = self.best
        if best is not None and good.any() and self._least_strangers(node, left) == best.strangers:
            days = self.problem.days[node.open]
            least = -top(-days[good][:, None], left - 1)[0]
            good &= self._days(node) + days + least <= best.days
        return np.flatnonzero(good)

    def _hopeful(self, node: Node, seen: Weighed, left: int) -> bool:
        """Whether the bounds allow a list better than the best one."""
        if self.best is None:
            return True
        strangers = self._least_strangers(node, left)
        if strangers != self.best.strangers:
            return strangers < self.best.strangers
        least = least_days(self.problem.days[node.open], seen, left)
        return self._days(node) + least <= self.best.days

    def _least_strangers(self, node: Node, left: int) -> int:
        """A lower bound of the neighbours without a common datatake, of every list below the node."""
        if len(node.matched) == 0:
            return 0
        matches = self.problem.matches[node.open]
        fresh = (matches & ~node.matched).sum(axis=1)
        together = (matches.any(axis=0) | node.matched).sum()
        matched = min(together, node.matched.sum() + top(fresh[:, None], left)[0])
        return len(node.matched) - int(matched)

    def _pairs(self, node: Node, seen: Weighed) -> np.ndarray:
        """Places of the two scenes that could end the list, int (ways, 2)."""
        one, other = np.triu_indices(len(node.open), 1)
        good = np.ones(len(one), bool)
        for cut, missing in enumerate(seen.missing):
            good &= seen.gains[one, cut] + seen.gains[other, cut] >= missing
        if self.best is not None and self._least_strangers(node, 2) == self.best.strangers:
            days = self.problem.days[node.open]
            good &= self._days(node) + days[one] + days[other] <= self.best.days
        pairs = np.stack([one[good], other[good]], axis=1)
        size = max(PAIR_WORDS // max(node.live.shape[1], 1), 1)
        kept = [pairs[:0]]
        for begin in range(0, len(pairs), size):
            part = pairs[begin : begin + size]
            shared = node.live[part[:, 0]] & node.live[part[:, 1]]
            if len(node.need) > 1:
                shared &= ~node.need[1]
            both = seen.gains[part, -1].sum(axis=1) - weigh(shared, node.sums[:, -1])
            kept.append(part[both >= seen.missing[-1]])
            if time.monotonic() > self.deadline:
                raise OutOfTime
        return np.concatenate(kept)

    def _finish(self, node: Node, last: np.ndarray) -> None:
        """Offer the best of some ways to end a list; `last` are places of the scenes that end it."""
        if len(last) == 0:
            return
        index = node.open[last]
        strangers = (~(self.problem.matches[index].any(axis=1) | node.matched)).sum(axis=1)
        days = self.problem.days[index].sum(axis=1) + self._days(node)
        for way in np.lexsort((days, strangers)):
            if self.best is not None and (strangers[way], days[way]) > (self.best[1], self.best[2]):
                return
            chosen = (*node.chosen, *(int(one) for one in index[way]))
            if sorted(chosen) == self.barred:
                continue
            covered = self.instance.covered(chosen)
            if covered >= self.problem.needed:
                self._offer(chosen, int(strangers[way]), int(days[way]), covered)
                if self.first:
                    return
            if time.monotonic() > self.deadline:
                raise OutOfTime

    def _offer(self, chosen: tuple[int, ...], strangers: int, days: int, covered: int) -> None:
        """Keep a feasible list if it is the best so far."""
        ids = tuple(sorted(self.problem.ids[one] for one in chosen))
        cost = Cost(len(chosen), strangers, days, -covered, ids)
        if self.best is None or cost < self.best:
            self.best, self.found = cost, chosen

    def _days(self, node: Node) -> int:
        return int(self.problem.days[list(node.chosen)].sum())
