"""The exact minimum scene list: by number of scenes upwards, with the proof or the bound of each level."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance, Patterns
from pipeline.scene_list.search import OutOfTime, Search
from pipeline.scene_list.second import Second, second_best

LEVELS = ("scenes", "strangers", "days", "unclear")
HARD_PATTERNS = 1500
EASY = 4
SECOND = 0.1


@dataclass(frozen=True)
class Solution:
    """A feasible list and how good it is known to be.

    Attributes:
        chosen: indices into the problem's candidates, sorted.
        cost: its objective.
        bounds: lower bound of each level of `LEVELS`; None where a level before it is not settled.
        optimal: whether no better list exists.
        method: "count" where the search by count ended, "milp" where a bound came from the integer program.
        patterns: different pixels after merging.
        nodes: partial lists looked at.
        seconds: time taken.
        second: the best list but one; None where there is none, or where the best one is not proven.
    """

    chosen: tuple[int, ...]
    cost: Cost
    bounds: tuple[int | None, ...]
    optimal: bool
    method: str
    patterns: int
    nodes: int
    seconds: float
    second: Second | None

    def to_json(self) -> dict[str, Any]:
        """The proof as it goes into the scene list."""
        levels = {
            name: {"value": value, "bound": bound}
            for name, value, bound in zip(LEVELS, self.cost[:4], self.bounds, strict=True)
        }
        names = ("optimal", "method", "patterns", "nodes", "seconds")
        return {name: getattr(self, name) for name in names} | {
            "levels": levels,
            "second_best": self.second.to_json(self.cost) if self.second is not None else None,
        }


def solve(problem: Problem, time_limit: float = 15.0, second: bool = True) -> Solution:
    """Find the best list; proven where the time allows, else with its bounds.

    Args:
        problem: at least one pixel must be coverable.
        time_limit: seconds; reading the masks is not counted.
        second: whether the second-best list is asked for too, which may take a tenth of the time besides.
    """
    began = time.monotonic()
    instance = Instance.of(problem)
    search = Search(problem, instance, began + 0.7 * time_limit)
    known = _swapped(problem, instance, _greedy(problem, instance))
    known, least = _fewest(problem, search, instance, known)
    method = "count"
    if least < len(known):
        method = "milp"
        least = max(least, milp_bound(problem, instance.patterns, began + 0.85 * time_limit))
    search.deadline = began + time_limit
    chosen, settled = _best_dates(search, _swapped(problem, instance, known))
    cost = problem.cost(chosen)
    settled = settled and least >= len(known)
    bounds = _bounds(problem, cost, least, settled, instance)
    other = second_best(problem, instance, chosen, time_limit * SECOND) if settled and second else None
    seconds = round(time.monotonic() - began, 3)
    patterns = len(instance.patterns.weights)
    return Solution(
        tuple(sorted(chosen)), cost, bounds, settled, method, patterns, search.nodes, seconds, other
    )


def _fewest(
    problem: Problem, search: Search, instance: Instance, known: tuple[int, ...]
) -> tuple[tuple[int, ...], int]:
    """A list with as few scenes as can be found, and the proven least number."""
    least = max(len(problem.forced), 1)
    if len(known) > EASY:
        least = max(least, linear_bound(problem, instance.patterns, search.deadline))
    while least < len(known):
        try:
            found = search.any_list(least)
        except OutOfTime:
            return known, least
        if found is not None:
            return found, least
        least += 1
    return known, least


def _best_dates(search: Search, known: tuple[int, ...]) -> tuple[tuple[int, ...], bool]:
    try:
        return search.best_list(len(known), known) or known, True
    except OutOfTime:
        return search.found or known, False


def _greedy(problem: Problem, instance: Instance) -> tuple[int, ...]:
    """A feasible list: always the scene that adds most (nearest date on a tie), less the superfluous."""
    chosen = tuple(problem.forced)
    while instance.covered(chosen) < problem.needed:
        covered = instance.covered_with(chosen)
        chosen = (*chosen, int(np.lexsort((problem.days, -covered))[0]))
    for one in sorted(set(chosen) - set(problem.forced), key=lambda one: -problem.days[one]):
        fewer = tuple(other for other in chosen if other != one)
        if fewer and instance.covered(fewer) >= problem.needed:
            chosen = fewer
    return chosen


def _swapped(
    problem: Problem, instance: Instance, chosen: tuple[int, ...], rounds: int = 20
) -> tuple[int, ...]:
    """Better a feasible list by single swaps until none helps."""
    for _ in range(rounds):
        swaps = [_best_swap(problem, instance, chosen, one) for one in chosen if one not in problem.forced]
        best = min([chosen, *swaps], key=problem.cost)
        if best == chosen:
            break
        chosen = best
    return chosen


def _best_swap(problem: Problem, instance: Instance, chosen: tuple[int, ...], one: int) -> tuple[int, ...]:
    """The best feasible list with another scene, or the same, in place of `one`."""
    others = tuple(other for other in chosen if other != one)
    covered = instance.covered_with(others)
    index = np.setdiff1d(np.flatnonzero(covered >= problem.needed), others)
    matched = problem.matches[list(others)].any(axis=0)
    strangers = (~(problem.matches[index] | matched)).sum(axis=1)
    best = np.lexsort((index, -covered[index], problem.days[index], strangers))[0]
    return (*others, int(index[best]))


def _bounds(
    problem: Problem, cost: Cost, least: int, settled: bool, instance: Instance
) -> tuple[int | None, int | None, int | None, int | None]:
    if settled:
        return cost.scenes, cost.strangers, cost.days, cost.unclear
    if least < cost.scenes:
        return least, None, None, None
    strangers = int((~problem.matches[instance.usable].any(axis=0)).sum())
    if strangers < cost.strangers:
        return least, strangers, None, None
    free = np.sort(problem.days[np.setdiff1d(instance.usable, problem.forced)])
    days = int(problem.days[list(problem.forced)].sum() + free[: cost.scenes - len(problem.forced)].sum())
    return least, strangers, days, -problem.coverable if days == cost.days else None


def milp_bound(problem: Problem, patterns: Patterns, deadline: float) -> int:
    """A proven lower bound of the number of scenes, from the integer program on the hardest pixels alone.

    Leaving pixels out can only make covering easier, so the bound holds for the whole tile.
    """
    return _program_bound(problem, patterns, deadline, integer=True)


def linear_bound(problem: Problem, patterns: Patterns, deadline: float) -> int:
    """The same from the linear relaxation: weaker, and much sooner there."""
    return _program_bound(problem, patterns, deadline, integer=False)


def _program_bound(problem: Problem, patterns: Patterns, deadline: float, integer: bool) -> int:
    seconds = deadline - time.monotonic()
    if seconds <= 0.1:
        return 0
    rows, weights = patterns.rows[:HARD_PATTERNS], patterns.weights[:HARD_PATTERNS]
    available = np.minimum(rows.sum(axis=1), problem.wanted)
    candidates, count = rows.shape[1], len(weights)
    budget = problem.coverable - problem.needed
    covers = sparse.hstack([sparse.csr_array(rows.astype(float)), -sparse.eye_array(count)], format="csr")
    enough = sparse.csr_array(np.concatenate([np.zeros(candidates), weights.astype(float)])[None])
    lower = np.zeros(candidates + count)
    lower[list(problem.forced)] = 1
    result = milp(
        np.concatenate([np.ones(candidates), np.zeros(count)]),
        integrality=np.concatenate([np.full(candidates, int(integer)), np.zeros(count)]),
        bounds=Bounds(lower, np.concatenate([np.ones(candidates), available])),
        constraints=[
            LinearConstraint(covers, 0, np.inf),
            LinearConstraint(enough, float((available * weights).sum() - budget), np.inf),
        ],
        options={"time_limit": seconds},
    )
    bound = getattr(result, "mip_dual_bound", None) if integer or result.status == 0 else None
    return int(np.ceil(bound - 1e-6)) if bound is not None and np.isfinite(bound) else 0
