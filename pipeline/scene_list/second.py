"""The second-best list, and what it would cost against the best one."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance
from pipeline.scene_list.search import Clock, OutOfTime, Search


@dataclass(frozen=True)
class Second:
    """The best of all other feasible lists.

    Attributes:
        cost: its objective, ids included.
        proven: whether the best one is proven, and no list lies between the two.
    """

    cost: Cost
    proven: bool

    def to_json(self, best: Cost) -> dict[str, Any]:
        """What it would cost, in numbers and in words."""
        return {
            "ids": list(self.cost.ids),
            "scenes": self.cost.scenes,
            "strangers": self.cost.strangers,
            "days": self.cost.days,
            "clear_pixels": -self.cost.unclear,
            "proven": self.proven,
            "words": self.words(best),
        }

    def words(self, best: Cost) -> str:
        """Such as "1 scene more, 12 days fewer, 340 clear pixels more"."""
        parts = [
            _more(self.cost.scenes - best.scenes, "scene"),
            _more(self.cost.strangers - best.strangers, "neighbour without a common datatake"),
            _more(self.cost.days - best.days, "day"),
            _more(best.unclear - self.cost.unclear, "clear pixel"),
        ]
        return ", ".join(part for part in parts if part) or "the same"


def second_best(
    problem: Problem,
    instance: Instance,
    best: tuple[int, ...],
    seconds: float,
    clock: Clock = time.monotonic,
    proven: bool = True,
) -> Second | None:
    """The best of all lists but one; None where there is no other.

    Args:
        problem: what was to be chosen.
        instance: its pixels; candidates that a best list does without may be in a second one.
        best: the one list that does not count, the best one known.
        seconds: for the search; where they do not do, the best of those looked at is given, unproven. Without
            any, those with one scene exchanged or one scene more are looked at.
        clock: gives the seconds.
        proven: whether no list is better than `best`; else the answer is unproven too, and may be better.
    """
    known = _by_swap(problem, instance, best)
    larger = _by_one_more(problem, best)
    found = known or larger
    if seconds > 0:
        everyone = replace(instance, usable=np.arange(len(problem.ids)))
        search = Search(problem, everyone, clock() + seconds, best, clock)
        try:
            found = search.best_list(len(best), known)
            if found is None and larger is not None:
                found = search.best_list(len(best) + 1, larger)
        except OutOfTime:
            found, proven = search.found or known or larger, False
    else:
        proven = False
    return None if found is None else Second(problem.cost(found), proven)


def best_and_second(
    problem: Problem,
    instance: Instance,
    known: tuple[int, ...],
    seconds: float,
    clock: Clock = time.monotonic,
    proven: bool = True,
) -> tuple[tuple[int, ...], Second | None]:
    """The better one of a list and the best of all others, and the other one; arguments as `second_best`."""
    other = second_best(problem, instance, known, seconds, clock, proven)
    cost = problem.cost(known)
    if other is None or other.cost > cost:
        return known, other
    return tuple(problem.ids.index(one) for one in other.cost.ids), Second(cost, False)


def _by_swap(problem: Problem, instance: Instance, best: tuple[int, ...]) -> tuple[int, ...] | None:
    """The best feasible list with one scene in place of another."""
    lists = []
    for one in sorted(set(best) - set(problem.forced)):
        others = tuple(other for other in best if other != one)
        feasible = np.flatnonzero(instance.covered_with(others) >= problem.needed)
        lists += [(*others, int(place)) for place in feasible if place not in best]
    return min(lists, key=problem.cost) if lists else None


def _by_one_more(problem: Problem, best: tuple[int, ...]) -> tuple[int, ...] | None:
    lists = [(*best, one) for one in range(len(problem.ids)) if one not in best]
    return min(lists, key=lambda one: (problem.strangers(one), problem.days[list(one)].sum()), default=None)


def _more(count: int, noun: str) -> str:
    if count == 0:
        return ""
    ending = "" if abs(count) == 1 else "s"
    head, _, tail = noun.partition(" without")
    rest = f" without{tail}" if tail else ""
    return f"{abs(count)} {head}{ending}{rest} {'more' if count > 0 else 'fewer'}"
