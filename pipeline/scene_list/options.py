"""The lists that a tile can have in a region: with the fewest scenes, the best for each set of datatakes."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.scene_list.objective import Cost, Problem
from pipeline.scene_list.reduce import Instance
from pipeline.scene_list.search import OutOfTime, Search
from pipeline.scene_list.solve import solve

# Lists that one tile brings into a region's program, and how many more days than the best they may have
# where there is no time to look at all.
MOST = 1000
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
        options: lists with as few scenes as were found.
        least: proven lower bound of the number of scenes.
        least_days: lower bound of the days of any list with as many scenes.
        possible: datatakes that a list can have.
        complete: whether no list is missing that could be wanted.
        hopes: as good for a region, or better, as any list with as many scenes; the options where complete.
    """

    options: tuple[Option, ...]
    least: int
    least_days: int
    possible: frozenset[str]
    complete: bool
    hopes: tuple[Option, ...] = ()

    @property
    def hoped(self) -> Option:
        """A list that shares every datatake that the tile can have, at no more days than any."""
        return Option((), self.possible, 0, self.least_days, 0, ())


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
    """The options of a tile: the best list for each set of datatakes and number of strangers.

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
    found = (*search.kept.values(), option_of(problem, datatakes, set(shared), alone.chosen))
    least_days = _least_days(problem, alone.cost.scenes)
    if complete:
        least_days = min(one.days for one in found)
    elif alone.bounds[2] is not None and not problem.matches.shape[1]:
        least_days = alone.bounds[2]
    possible = frozenset().union(*(one.takes for one in found)) if complete else frozenset(shared)
    return Options(found, alone.bounds[0] or 1, least_days, possible, complete)


def _least_days(problem: Problem, scenes: int) -> int:
    """The fewest days of so many scenes, whatever they cover."""
    free = np.sort(np.delete(problem.days, problem.forced))
    return int(problem.days[list(problem.forced)].sum() + free[: scenes - len(problem.forced)].sum())


def narrowed(found: Mapping[str, Options], near: Mapping[str, Collection[str]]) -> dict[str, Options]:
    """The options as a region sees them: none beats another, and of very many the foremost.

    A datatake that no list of any neighbour has does not count, so that few sets of datatakes are left.

    Args:
        found: of each tile by name.
        near: the neighbours of each tile.
    """
    return {
        name: _narrow(one, frozenset().union(*(found[other].possible for other in near[name])))
        for name, one in found.items()
    }


def _narrow(one: Options, wanted: frozenset[str]) -> Options:
    best: dict[tuple[frozenset[str], int], Option] = {}
    for option in one.options:
        seen = replace(option, takes=option.takes & wanted)
        known = best.get((seen.takes, seen.strangers))
        if known is None or seen.beats(known):
            best[seen.takes, seen.strangers] = seen
    kept = _unbeaten(list(best.values()))
    narrow = replace(one, options=tuple(_foremost(kept)), possible=one.possible & wanted)
    complete = one.complete and len(narrow.options) == len(kept)
    if complete:
        return replace(narrow, hopes=narrow.options)
    hopes = _hopes(kept, one.least_days) if one.complete else (narrow.hoped,)
    return replace(narrow, complete=False, hopes=hopes)


def _hopes(kept: Sequence[Option], least_days: int) -> tuple[Option, ...]:
    """The options of the largest sets of datatakes, at no more days than any."""
    hoped = [Option((), one.takes, one.strangers, least_days, 0, ()) for one in kept]
    return tuple(_unbeaten(hoped))


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
    """The different options of which none beats another."""
    different = list(dict.fromkeys(options))
    names = sorted(frozenset().union(*(one.takes for one in different)))
    has = np.array([[name in one.takes for name in names] for one in different], np.float32)
    keys = [(one.days, one.unclear, one.ids) for one in different]
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    rank = np.array([places[key] for key in keys])
    strangers = np.array([one.strangers for one in different])
    beats = has @ has.T >= has.sum(axis=1)
    beats &= (strangers[:, None] <= strangers) & (rank[:, None] <= rank)
    np.fill_diagonal(beats, False)
    return [one for one, beaten in zip(different, beats.any(axis=0), strict=True) if not beaten]
