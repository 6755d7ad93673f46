"""The lists that a tile can have in a region: with the fewest scenes, the best for each set of datatakes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance
from pipeline.scene_list.search import OutOfTime, Search
from pipeline.scene_list.solve import solve

# Lists that one tile brings into a region's program, and how many more days than the best they may have
# where there is no time to look at all.
MOST = 60
NEAR = 1.3


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
    """A search that keeps the best list for each set of datatakes; finished neighbours do not steer it."""

    def __init__(
        self,
        problem: Problem,
        instance: Instance,
        deadline: float,
        datatakes: Sequence[str],
        shared: set[str],
    ) -> None:
        alone = replace(problem, matches=np.zeros((len(problem.ids), 0), bool))
        super().__init__(alone, instance, deadline)
        self.tile = problem
        self.datatakes = datatakes
        self.shared = shared
        self.kept: dict[tuple[frozenset[str], int], Option] = {}

    def gather(self, size: int, most_days: int | None) -> bool:
        """Go through all lists of `size` scenes, where fewer do not do; gives whether time sufficed.

        Args:
            size: number of scenes.
            most_days: lists with more are left out; None = all are wanted.
        """
        self.best = None if most_days is None else Cost(size, 0, most_days, 0, ())
        self.found, self.first = None, False
        try:
            self._begin(size)
        except OutOfTime:
            return False
        return True

    def _offer(self, chosen: tuple[int, ...], strangers: int, days: int, covered: int) -> None:
        option = option_of(self.tile, self.datatakes, self.shared, chosen)
        key = (option.takes, option.strangers)
        known = self.kept.get(key)
        if known is None or option.beats(known):
            self.kept[key] = option


def options_of(problem: Problem, datatakes: Sequence[str], shared: Sequence[str], seconds: float) -> Options:
    """The options of a tile; of very many, those with the best dates and the best with each datatake.

    Args:
        problem: of the tile; its `matches` are those with finished neighbours.
        datatakes: of its candidates.
        shared: datatakes that matter to a neighbour in the region.
        seconds: for the search.
    """
    began = time.monotonic()
    alone = solve(problem, 0.6 * seconds, second=False)
    everyone = replace(Instance.of(problem), usable=np.arange(len(problem.ids)))
    search = Gathering(problem, everyone, began + seconds, datatakes, set(shared))
    complete = alone.bounds[0] == alone.cost.scenes
    if complete:
        near = search.gather(alone.cost.scenes, int(NEAR * alone.cost.days))
        complete = near and search.gather(alone.cost.scenes, None)
    found = [*search.kept.values(), option_of(problem, datatakes, set(shared), alone.chosen)]
    kept = _unbeaten(found)
    least_days = alone.bounds[2] if alone.bounds[2] is not None else 0
    if problem.matches.shape[1]:
        least_days = min(one.days for one in kept) if complete else 0
    fewer = _foremost(kept)
    complete = complete and len(fewer) == len(kept)
    return Options(tuple(fewer), alone.bounds[0] or 1, least_days, frozenset(shared), complete)


def _foremost(options: Sequence[Option]) -> list[Option]:
    """Of very many options, those with the best dates and the best with each datatake."""
    order = sorted(set(options), key=lambda one: (one.strangers, one.days, one.unclear, one.ids))
    if len(order) <= MOST:
        return order
    kept = dict.fromkeys(order[:MOST])
    for take in sorted({take for one in order for take in one.takes}):
        kept[next(one for one in order if take in one.takes)] = None
    return list(kept)


def option_of(
    problem: Problem, datatakes: Sequence[str], shared: set[str], chosen: tuple[int, ...]
) -> Option:
    """A list as an option of its tile."""
    takes = frozenset(datatakes[one] for one in chosen) & shared
    cost = problem.cost(chosen)
    return Option(tuple(sorted(chosen)), takes, cost.strangers, cost.days, cost.unclear, cost.ids)


def _unbeaten(options: Sequence[Option]) -> list[Option]:
    """Options of which none beats another; very many are left as they are."""
    if len(options) > 10 * MOST:
        return list(options)
    return [one for place, one in enumerate(options) if not _beaten(one, place, options)]


def _beaten(one: Option, place: int, options: Sequence[Option]) -> bool:
    return any(
        other.beats(one) and (not one.beats(other) or before < place)
        for before, other in enumerate(options)
        if before != place
    )
