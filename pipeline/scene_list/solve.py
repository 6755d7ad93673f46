"""The exact minimum scene list: by number of scenes upwards, with the proof or the bound of each level."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from pipeline.scene_list.exchange import Exchange
from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance, Patterns
from pipeline.scene_list.search import Clock, OutOfTime, Search, compile_loops
from pipeline.scene_list.second import Second, best_and_second

LEVELS = ("scenes", "strangers", "days", "unclear")
HARD_PATTERNS = 1500
FEW = 4
# Shares of the time that are over when good lists, the proof by count, the integer program and the best dates
# end; a step is not cut off at once.
NEAR, COUNT, PROGRAM, DATES = 0.5, 0.7, 0.85, 0.93
SECOND = 0.1


@dataclass(frozen=True)
class Solution:
    """A feasible list and how good it is known to be.

    Attributes:
        chosen: indices into the problem's candidates, sorted.
        cost: its objective.
        bounds: lower bound of each level of `LEVELS`; None where a level before it is not settled.
        optimal: whether no better list exists.
        method: "count" where the search by count ended, "milp" where a bound came from the integer program,
            "region" where lists were chosen together.
        patterns: different pixels after merging.
        nodes: partial lists looked at.
        seconds: time taken.
        second: the best other list known; None where there is none, or where it was not asked for.
        region: what is known of the lists of the region, where they were chosen together.
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
    region: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """The proof as it goes into the scene list."""
        levels = {
            name: {"value": value, "bound": bound}
            for name, value, bound in zip(LEVELS, self.cost[:4], self.bounds, strict=True)
        }
        names = ("optimal", "method", "patterns", "nodes", "seconds")
        told = {} if self.region is None else {"region": self.region}
        return (
            {name: getattr(self, name) for name in names}
            | told
            | {
                "levels": levels,
                "second_best": self.second.to_json(self.cost) if self.second is not None else None,
            }
        )


def solve(
    problem: Problem, time_limit: float = 15.0, second: bool = True, clock: Clock = time.monotonic
) -> Solution:
    """Find the best list; proven where the time allows, else with its bounds.

    Args:
        problem: at least one pixel must be coverable.
        time_limit: seconds, merging of pixels included; reading the masks and compiling the search are not
            counted. The search stops at 93 % of them, as no step is cut off.
        second: whether the second-best list is asked for too, which may take a tenth of the time besides;
            where the best one is not proven, only lists near to it are looked at.
        clock: what counts the seconds, such as `time.process_time` on a machine that others use too.
    """
    compile_loops()
    began = clock()
    instance = Instance.of(problem)
    search = Search(problem, instance, began + COUNT * time_limit, clock=clock)
    near = Exchange(problem, instance, lambda: clock() < began + NEAR * time_limit)
    known, least = _fewest(search, near)
    method = "count"
    if least < len(known) - 1:
        method = "milp"
        least = max(least, milp_bound(problem, instance.patterns, began + PROGRAM * time_limit - clock()))
    search.deadline = began + DATES * time_limit
    chosen, settled = _best_dates(search, near.better(known))
    settled, other = settled and least >= len(known), None
    if second:
        seconds = SECOND * time_limit if settled else 0.0
        chosen, other = best_and_second(problem, instance, chosen, seconds, clock, settled)
    cost = problem.cost(chosen)
    bounds = _bounds(problem, cost, least, settled, instance)
    seconds = round(clock() - began, 3)
    patterns = len(instance.patterns.weights)
    return Solution(
        tuple(sorted(chosen)), cost, bounds, settled, method, patterns, search.nodes, seconds, other
    )


def _fewest(search: Search, near: Exchange) -> tuple[tuple[int, ...], int]:
    """A list with as few scenes as can be found, and the proven least number.

    Few scenes are soon tried; how many more are needed at most is better known before more are tried.
    """
    known, least = near.greedy(), max(len(search.problem.forced), 1)
    while least < len(known):
        if least == FEW:
            known = near.shorter(known, least)
        try:
            found = search.any_list(least) if least < len(known) else known
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


def milp_bound(problem: Problem, patterns: Patterns, seconds: float) -> int:
    """A proven lower bound of the number of scenes, from the integer program on the hardest pixels alone.

    Leaving pixels out can only make covering easier, so the bound holds for the whole tile.
    """
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
