"""The exact minimum scene list: by number of scenes upwards, with the proof or the bound of each level."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pipeline.scene_list import reduce
from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.search import Node, OutOfTime, Search, joined, root, weigh

LEVELS = ("scenes", "strangers", "days", "unclear")
HARD_PATTERNS = 1500


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
    """

    chosen: tuple[int, ...]
    cost: Cost
    bounds: tuple[int | None, ...]
    optimal: bool
    method: str
    patterns: int
    nodes: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The proof as it goes into the scene list."""
        levels = {
            name: {"value": value, "bound": bound}
            for name, value, bound in zip(LEVELS, self.cost[:4], self.bounds, strict=True)
        }
        content = asdict(self)
        return {name: content[name] for name in ("optimal", "method", "patterns", "nodes", "seconds")} | {
            "levels": levels
        }


def solve(problem: Problem, time_limit: float = 15.0) -> Solution:
    """Find the best list; proven where the time allows, else with its bounds.

    Args:
        problem: at least one pixel must be coverable.
        time_limit: seconds; reading the masks is not counted.
    """
    began = time.monotonic()
    patterns = reduce.merge(problem.clear)
    words = reduce.pack(patterns, problem.wanted, problem.coverable - problem.needed)
    usable = reduce.undominated(words, problem.days, problem.matches, problem.forced, problem.wanted)
    start = root(problem, words, usable)
    search = Search(problem, began + 0.6 * time_limit)
    known, least = _fewest(problem, search, start, _greedy(problem, start))
    method = "count"
    if least < len(known):
        method = "milp"
        least = max(least, milp_bound(problem, patterns, began + 0.8 * time_limit))
    search.deadline = began + time_limit
    chosen, settled = _best_dates(problem, search, start, _swapped(problem, start, known))
    cost = problem.cost(chosen)
    settled = settled and least >= len(known)
    bounds = _bounds(problem, cost, least, settled, start)
    seconds = round(time.monotonic() - began, 3)
    return Solution(
        tuple(sorted(chosen)), cost, bounds, settled, method, len(patterns.weights), search.nodes, seconds
    )


def _fewest(
    problem: Problem, search: Search, start: Node, known: tuple[int, ...]
) -> tuple[tuple[int, ...], int]:
    """A list with as few scenes as can be found, and the proven least number."""
    least = max(len(problem.forced), 1)
    while least < len(known):
        try:
            found = search.any_list(start, least)
        except OutOfTime:
            return known, least
        if found is not None:
            return found, least
        least += 1
    return known, least


def _best_dates(
    problem: Problem, search: Search, start: Node, known: tuple[int, ...]
) -> tuple[tuple[int, ...], bool]:
    try:
        return search.best_list(start, len(known), known), True
    except OutOfTime:
        return search.found or known, False


def _greedy(problem: Problem, start: Node) -> tuple[int, ...]:
    """A feasible list: always the scene that adds most (nearest date on a tie), less the superfluous."""
    node = start
    while node.missing[-1] > 0:
        gains = node.gains()
        place = int(np.lexsort((problem.days[node.open], -gains[:, -1]))[0])
        rest = np.delete(np.arange(len(node.open)), place)
        node = joined(problem, node, place, rest, gains[place])
    chosen = node.chosen
    for one in sorted(set(chosen) - set(problem.forced), key=lambda one: -problem.days[one]):
        fewer = tuple(other for other in chosen if other != one)
        if fewer and problem.covered(fewer) >= problem.needed:
            chosen = fewer
    return chosen


def _swapped(problem: Problem, start: Node, chosen: tuple[int, ...], rounds: int = 20) -> tuple[int, ...]:
    """Better a feasible list by single swaps until none helps."""
    for _ in range(rounds):
        swaps = [_best_swap(problem, start, chosen, one) for one in chosen if one not in problem.forced]
        best = min([chosen, *swaps], key=problem.cost)
        if best == chosen:
            break
        chosen = best
    return chosen


def _best_swap(problem: Problem, start: Node, chosen: tuple[int, ...], one: int) -> tuple[int, ...]:
    """The best feasible list with another scene, or the same, in place of `one`."""
    node = start
    for other in chosen:
        if other != one and other not in problem.forced:
            place = int(np.flatnonzero(node.open == other)[0])
            gain = weigh(node.live[place][None], node.sums)[0]
            node = joined(problem, node, place, np.delete(np.arange(len(node.open)), place), gain)
    gains = node.gains()[:, -1]
    places = np.flatnonzero(gains >= node.missing[-1])
    index = node.open[places]
    strangers = (~(problem.matches[index] | node.matched)).sum(axis=1)
    best = np.lexsort((index, -gains[places], problem.days[index], strangers))[0]
    return (*node.chosen, int(index[best]))


def _bounds(
    problem: Problem, cost: Cost, least: int, settled: bool, start: Node
) -> tuple[int | None, int | None, int | None, int | None]:
    if settled:
        return cost.scenes, cost.strangers, cost.days, cost.unclear
    if least < cost.scenes:
        return least, None, None, None
    open_matches = problem.matches[start.open].any(axis=0) | start.matched
    strangers = int((~open_matches).sum())
    if strangers < cost.strangers:
        return least, strangers, None, None
    free = np.sort(problem.days[start.open])[: cost.scenes - len(start.chosen)]
    days = int(problem.days[list(start.chosen)].sum() + free.sum())
    return least, strangers, days, -problem.coverable if days == cost.days else None


def milp_bound(problem: Problem, patterns: reduce.Patterns, deadline: float) -> int:
    """A proven lower bound of the number of scenes, from the integer program on the hardest pixels alone.

    Leaving pixels out can only make covering easier, so the bound holds for the whole tile.
    """
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
        integrality=np.concatenate([np.ones(candidates), np.zeros(count)]),
        bounds=Bounds(lower, np.concatenate([np.ones(candidates), available])),
        constraints=[
            LinearConstraint(covers, 0, np.inf),
            LinearConstraint(enough, float((available * weights).sum() - budget), np.inf),
        ],
        options={"time_limit": seconds},
    )
    bound = getattr(result, "mip_dual_bound", None)
    return int(np.ceil(bound - 1e-6)) if bound is not None and np.isfinite(bound) else 0
