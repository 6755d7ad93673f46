"""Good lists soon: greedy, then single scenes and pairs of scenes put in place of others."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance

SAMPLE = 3000
TRIES = 12
STARTS = 8
FEW = 100
ROUNDS = 20


class Exchange:
    """Searches near a list, with no proof; the same answer for the same problem, however long it takes.

    Args:
        problem: what is to be chosen.
        instance: its pixels, merged and packed.
        has_time: whether there is time for a further step; without it, what was found till then is given.
    """

    def __init__(self, problem: Problem, instance: Instance, has_time: Callable[[], bool]) -> None:
        self.problem = problem
        self.instance = instance
        self.has_time = has_time
        self.free = np.setdiff1d(instance.usable, problem.forced)

    def greedy(self) -> tuple[int, ...]:
        """A feasible list: always the scene that adds most (nearest date on a tie), less the superfluous."""
        chosen = tuple(self.problem.forced)
        while not self._feasible(chosen):
            covered = self.instance.covered_with(chosen)
            chosen = (*chosen, int(np.lexsort((self.problem.days, -covered))[0]))
        for one in sorted(set(chosen) - set(self.problem.forced), key=lambda one: -self.problem.days[one]):
            fewer = tuple(other for other in chosen if other != one)
            if fewer and self._feasible(fewer):
                chosen = fewer
        return chosen

    def shorter(self, known: tuple[int, ...], least: int) -> tuple[int, ...]:
        """A feasible list with fewer scenes where one is found; not below `least`."""
        while len(known) > max(least, len(self.problem.forced) + 2):
            found = next((one for one in self._starts(len(known) - 1, known) if self._feasible(one)), None)
            if found is None:
                return known
            known = found
        return known

    def better(self, known: tuple[int, ...]) -> tuple[int, ...]:
        """A feasible list of the same number that no exchange of one or two scenes is seen to better."""
        for _ in range(ROUNDS):
            best = min([self._best_single(known), *self._best_pairs(known)], key=self._cost)
            if self._cost(best) >= self._cost(known):
                break
            known = best
            if not self.has_time():
                break
        return known

    def _feasible(self, chosen: tuple[int, ...]) -> bool:
        return self.instance.covered(chosen) >= self.problem.needed

    def _cost(self, chosen: tuple[int, ...]) -> Cost:
        return self.problem.cost_of(chosen, self.instance.covered(chosen))

    def _starts(self, size: int, known: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Lists of a size that cover as much as exchanges of pairs can bring them to, from several starts."""
        forced = tuple(self.problem.forced)
        least = min(
            (one for one in known if one not in forced), key=lambda one: self.instance.covered((one,))
        )
        yield self._covering(tuple(one for one in known if one != least))
        alone = self.instance.covered_with(())[self.free]
        clearest = self.free[np.argsort(-alone, kind="stable")][: 8 * size]
        random = np.random.default_rng(size)
        for _ in range(STARTS if len(self.free) > FEW else 0):
            if not self.has_time() or len(clearest) < size:
                return
            chosen = random.choice(clearest, size - len(forced), replace=False)
            yield self._covering((*forced, *(int(one) for one in chosen)))

    def _covering(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """Exchange pairs as long as that covers more and the list is not feasible."""
        covered, improved = self.instance.covered(chosen), True
        while improved:
            improved = False
            for kept in self._without_two(chosen):
                if covered >= self.problem.needed or not self.has_time():
                    return chosen
                pairs = self._pairs(kept, by_cost=False)
                found = max(pairs, key=self.instance.covered, default=chosen)
                if self.instance.covered(found) > covered:
                    chosen, covered, improved = found, self.instance.covered(found), True
                    break
        return chosen

    def _without_two(self, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        movable = [one for one in chosen if one not in self.problem.forced]
        for pair in itertools.combinations(movable, 2):
            yield tuple(one for one in chosen if one not in pair)

    def _pairs(self, kept: tuple[int, ...], by_cost: bool) -> list[tuple[int, ...]]:
        """The likeliest ways to add two scenes: by what they cover, or by cost among those that may do."""
        pixels = self.instance.pixels.after(kept)
        sample = pixels.at(np.arange(0, len(pixels.need), -(-len(pixels.need) // SAMPLE) or 1))
        free = np.setdiff1d(self.free, kept)
        uncovered = left_by_pairs(sample.seen_by(free), sample.need, sample.weights)
        first, second = np.triu_indices(len(free), 1)
        uncovered = uncovered[first, second]
        if by_cost:
            spare = (self.problem.coverable - self.problem.needed) * sample.total / max(pixels.total, 1)
            order = self._by_cost(kept, free[first], free[second], uncovered <= 1.1 * spare)
        else:
            few = min(TRIES, len(uncovered))
            order = np.argpartition(uncovered, few - 1)[:few] if few else first[:0]
        return [(*kept, int(free[first[at]]), int(free[second[at]])) for at in order]

    def _by_cost(
        self, kept: tuple[int, ...], one: np.ndarray, other: np.ndarray, likely: np.ndarray
    ) -> np.ndarray:
        places = np.flatnonzero(likely)
        matches = self.problem.matches
        matched = matches[list(kept)].any(axis=0)
        strangers = (~(matches[one[places]] | matches[other[places]] | matched)).sum(axis=1)
        days = self.problem.days[one[places]] + self.problem.days[other[places]]
        return places[np.lexsort((days, strangers))[:TRIES]]

    def _best_single(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        swaps = [self._swap(chosen, one) for one in chosen if one not in self.problem.forced]
        return min([chosen, *swaps], key=self._cost)

    def _swap(self, chosen: tuple[int, ...], one: int) -> tuple[int, ...]:
        """The best feasible list with another scene, or the same, in place of `one`."""
        others = tuple(other for other in chosen if other != one)
        covered = self.instance.covered_with(others)
        index = np.setdiff1d(np.flatnonzero(covered >= self.problem.needed), others)
        matched = self.problem.matches[list(others)].any(axis=0)
        strangers = (~(self.problem.matches[index] | matched)).sum(axis=1)
        best = np.lexsort((index, -covered[index], self.problem.days[index], strangers))[0]
        return (*others, int(index[best]))

    def _best_pairs(self, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for kept in self._without_two(chosen):
            if not self.has_time():
                return
            yield from (found for found in self._pairs(kept, by_cost=True) if self._feasible(found))


def left_by_pairs(seen: np.ndarray, need: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What two scenes leave uncovered, float32 (candidates, candidates); exact below 2 ** 24.

    Args:
        seen: float32 (pixels, candidates), 1 where a candidate shows a pixel.
        need: float32 (pixels,), how many more scenes must show it, at least 1.
        weights: float32 (pixels,), how many equal ones it stands for.
    """
    missed = 1 - seen
    left = (missed * np.where(need == 1, weights, np.float32(0))[:, None]).T @ missed
    if (need > 1).any():
        often = np.where(need > 1, weights, np.float32(0))
        gains = often @ seen
        left += often @ need - gains[:, None] - gains
    return left
