"""The lists that a tile can have in a region: with the fewest scenes, the best for each set of datatakes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.scene_list.objective import Problem
from pipeline.scene_list.reduce import Instance
from pipeline.scene_list.search import OutOfTime, Search
from pipeline.scene_list.solve import solve


@dataclass(frozen=True, order=True)
class Option:
    """A feasible list of a tile.

    Attributes:
        chosen: indices, sorted.
        takes: its datatakes that matter to a neighbour in the region.
        strangers, days, unclear, ids: as of `Cost`, for the tile alone.
    """

    chosen: tuple[int, ...]
    takes: frozenset[str]
    strangers: int
    days: int
    unclear: int
    ids: tuple[str, ...]

    def beats(self, other: "Option") -> bool:
        """Whether it is as good as another in every respect that a region can see."""
        mine, theirs = (self.days, self.unclear, self.ids), (other.days, other.unclear, other.ids)
        return self.takes >= other.takes and self.strangers <= other.strangers and mine <= theirs


@dataclass(frozen=True)
class Options:
    """What a tile can have.

    Attributes:
        options: of which none beats another.
        least: proven lower bound of the number of scenes.
        least_days: proven lower bound of the days.
        possible: datatakes that a list not among the options may have.
        complete: whether no list is missing that could be wanted.
    """

    options: tuple[Option, ...]
    least: int
    least_days: int
    possible: frozenset[str]
    complete: bool


class Gathering(Search):
    """A search that keeps the best list for each set of datatakes."""

    def __init__(self, problem: Problem, instance: Instance, deadline: float, takes: Sequence[str]) -> None:
        super().__init__(problem, instance, deadline)
        self.takes = takes
        self.kept: dict[frozenset[str], Option] = {}

    def gather(self, size: int) -> bool:
        """Go through all lists of `size` scenes, where fewer do not do; gives whether time sufficed."""
        try:
            self.best_list(size, None)
        except OutOfTime:
            return False
        return True

    def _offer(self, chosen: tuple[int, ...], strangers: int, days: int, covered: int) -> None:
        ids = tuple(sorted(self.problem.ids[one] for one in chosen))
        shown = np.asarray(self.problem.matches[list(chosen)].any(axis=0))
        takes = frozenset(take for take, is_shown in zip(self.takes, shown, strict=True) if is_shown)
        option = Option(tuple(sorted(chosen)), takes, strangers, days, -covered, ids)
        known = self.kept.get(takes)
        if known is None or (days, -covered, ids) < (known.days, known.unclear, known.ids):
            self.kept[takes] = option


def options_of(problem: Problem, datatakes: Sequence[str], shared: Sequence[str], seconds: float) -> Options:
    """The options of a tile.

    Args:
        problem: of the tile; its `matches` are those with finished neighbours.
        datatakes: of its candidates.
        shared: datatakes that matter to a neighbour in the region.
        seconds: for the search.
    """
    began = time.monotonic()
    alone = solve(problem, 0.6 * seconds, second=False)
    constants = [f"finished {place}" for place in range(problem.matches.shape[1])]
    apart = np.array([[take == one for one in shared] for take in datatakes], bool)
    matches = np.concatenate([apart.reshape(len(datatakes), len(shared)), problem.matches], axis=1)
    told = replace(problem, matches=matches)
    search = Gathering(told, Instance.of(told), began + seconds, (*shared, *constants))
    complete = alone.bounds[0] == alone.cost.scenes and search.gather(alone.cost.scenes)
    found = [*search.kept.values(), _own(problem, datatakes, shared, alone.chosen)]
    real = [_alone(problem, one, set(shared)) for one in found]
    kept = [one for place, one in enumerate(real) if not _beaten(one, place, real)]
    least_days = alone.bounds[2] if alone.bounds[2] is not None else 0
    if problem.matches.shape[1]:
        least_days = min(least_days, *(one.days for one in kept)) if complete else 0
    return Options(tuple(kept), alone.bounds[0] or 1, least_days, frozenset(shared), complete)


def _own(
    problem: Problem, datatakes: Sequence[str], shared: Sequence[str], chosen: tuple[int, ...]
) -> Option:
    takes = frozenset(datatakes[one] for one in chosen) & frozenset(shared)
    cost = problem.cost(chosen)
    return Option(tuple(sorted(chosen)), takes, cost.strangers, cost.days, cost.unclear, cost.ids)


def _alone(problem: Problem, one: Option, shared: set[str]) -> Option:
    return replace(one, takes=one.takes & shared, strangers=problem.strangers(one.chosen))


def _beaten(one: Option, place: int, options: Sequence[Option]) -> bool:
    return any(
        other.beats(one) and (not one.beats(other) or before < place)
        for before, other in enumerate(options)
        if before != place
    )
