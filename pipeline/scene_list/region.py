"""Scene lists of several tiles that agree on their datatakes: a tile's objective, summed over a region."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipeline.scene_list.objective import Problem
from pipeline.scene_list.options import Option, Options, narrowed, options_of
from pipeline.scene_list.region_blocks import Near, bettered, least_strangers
from pipeline.scene_list.region_program import Picked, Program
from pipeline.scene_list.search import compile_loops

# Regions with more options in all are solved a block at a time.
PROGRAM_OPTIONS = 8000
ROUNDS = 50
# Shares of the time that are over when the options are gathered, and when the best of them are picked.
GATHER, BETTER = 0.65, 0.85


class RegionCost(NamedTuple):
    """The levels of a region, compared one after the other; smaller is better.

    Attributes:
        scenes: number of scenes of all tiles.
        strangers: pairs of neighbours without a common datatake, finished neighbours included.
        days: sum of |date - target| in whole days.
        unclear: minus the clear pixels.
        ids: of each tile by name, sorted.
    """

    scenes: int
    strangers: int
    days: int
    unclear: int
    ids: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Region:
    """Tiles whose lists are to agree.

    With C_t the scenes of tile t chosen, each feasible for its tile alone, minimise lexicographically
    (sum |C_t|, pairs (s, t) where datatakes(C_s) and datatakes(C_t) are disjoint + strangers among finished
    lists, sum of days, - sum of clear pixels, ids by tile name).

    Attributes:
        problems: of each tile by name; their `matches` are those with finished lists, which are constants.
        datatakes: of each tile's candidates, in their order.
        pairs: neighbours within the region.
    """

    problems: Mapping[str, Problem]
    datatakes: Mapping[str, Sequence[str]]
    pairs: Sequence[tuple[str, str]]

    def cost(self, chosen: Mapping[str, Sequence[int]]) -> RegionCost:
        """The objective of the lists of all tiles."""
        names = sorted(self.problems)
        costs = [self.problems[name].cost(tuple(chosen[name])) for name in names]
        takes = {name: {self.datatakes[name][one] for one in chosen[name]} for name in names}
        apart = sum(takes[one].isdisjoint(takes[other]) for one, other in self.pairs)
        return RegionCost(
            sum(cost.scenes for cost in costs),
            sum(cost.strangers for cost in costs) + apart,
            sum(cost.days for cost in costs),
            sum(cost.unclear for cost in costs),
            tuple(cost.ids for cost in costs),
        )

    def near(self, name: str) -> list[str]:
        """The neighbours of a tile in the region."""
        return [two[two[0] == name] for two in self.pairs if name in two]

    def shared(self, name: str) -> list[str]:
        """The datatakes that a tile's candidates have in common with those of a neighbour in the region."""
        theirs = {take for other in self.near(name) for take in self.datatakes[other]}
        return sorted(theirs & set(self.datatakes[name]))


@dataclass(frozen=True)
class RegionSolution:
    """Lists of all tiles and how good they are known to be.

    Attributes:
        chosen: indices of the scenes of each tile by name, sorted.
        cost: the objective.
        bounds: lower bounds of scenes, strangers and days; None where the number of scenes is not proven.
        optimal: whether no better lists exist.
        seconds: time taken.
        least: proven lower bound of the number of scenes of each tile by name.
    """

    chosen: Mapping[str, tuple[int, ...]]
    cost: RegionCost
    bounds: tuple[int, int | None, int | None]
    optimal: bool
    seconds: float
    least: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """The proof as it goes into each tile's scene list."""
        values = dict(
            zip(("scenes", "strangers", "days"), zip(self.cost[:3], self.bounds, strict=True), strict=True)
        )
        levels = {name: {"value": value, "bound": bound} for name, (value, bound) in values.items()}
        return {"tiles": len(self.chosen), "optimal": self.optimal, "seconds": self.seconds, "levels": levels}


def solve_region(region: Region, time_limit: float = 120.0) -> RegionSolution:
    """Find the best lists of all tiles together; proven where the time allows, else with bounds.

    The tiles alone fix the numbers of scenes, so for each tile its lists of that number are gathered, the
    best for each set of datatakes; an integer program picks one of each tile, one level after the other, of
    all tiles at once or of one block after the other.

    Args:
        region: at least one pixel of each tile must be coverable.
        time_limit: seconds; where a tile's do not do, it has only the lists found till then.
    """
    compile_loops()
    began = time.monotonic()
    found = _gathered(region, began + GATHER * time_limit)
    near = {name: region.near(name) for name in found}
    found = narrowed(found, near)
    picked = _picked(region, found, near, began, time_limit)
    chosen = {name: option.chosen for name, option in picked.options.items()}
    cost, least = region.cost(chosen), sum(one.least for one in found.values())
    bounds: tuple[int, int | None, int | None] = (least, None, None)
    if least == cost.scenes:
        known = [sum(one.least_days for one in found.values()), *picked.bounds[1:2]]
        bounds = least, min(cost.strangers, picked.bounds[0]), max(known)
    optimal = picked.proven and least == cost.scenes
    least_of = {name: one.least for name, one in found.items()}
    return RegionSolution(chosen, cost, bounds, optimal, round(time.monotonic() - began, 3), least_of)


def _gathered(region: Region, deadline: float) -> dict[str, Options]:
    """The options of each tile; those that were short of time are gathered again in what others left."""
    found: dict[str, Options] = {}
    had = dict.fromkeys(region.problems, 0.0)
    for _ in range(2):
        waiting = [name for name in sorted(had) if name not in found or not found[name].complete]
        for done, name in enumerate(waiting):
            seconds = max(deadline - time.monotonic(), 0.0) / (len(waiting) - done)
            if name not in found or seconds > 1.5 * had[name]:
                problem, takes = region.problems[name], region.datatakes[name]
                found[name], had[name] = options_of(problem, takes, region.shared(name), seconds), seconds
    return found


def _picked(
    region: Region, found: Mapping[str, Options], near: Near, began: float, time_limit: float
) -> Picked:
    """One option of each tile, and at least a bound of the strangers."""
    settled, deadline = settle(found, region.pairs), began + BETTER * time_limit
    options = {name: one.options for name, one in found.items()}
    bounds: tuple[int, ...] = ()
    if sum(map(len, options.values())) > PROGRAM_OPTIONS:
        best = bettered(found, near, settled, deadline)
    else:
        picked = Program(options, region.pairs).pick(deadline)
        complete = all(one.complete for one in found.values())
        if complete and picked.proven:
            return picked
        both = (settled, picked.options)
        best = min(both, key=lambda one: region.cost({name: one[name].chosen for name in one}))
        if complete:
            bounds = picked.bounds
    strangers = least_strangers(found, near, began + time_limit)
    return Picked(best, False, (max((strangers, *bounds[:1])), *bounds[1:]))


def settle(found: Mapping[str, Options], pairs: Sequence[tuple[str, str]]) -> dict[str, Option]:
    """One option of each tile, each the best beside those of its neighbours; soon found, with no proof."""
    near: dict[str, list[str]] = {name: [] for name in found}
    for one, other in pairs:
        near[one].append(other)
        near[other].append(one)
    picked = {name: min(own.options, key=_alone) for name, own in sorted(found.items())}
    for _ in range(ROUNDS):
        before = dict(picked)
        for name in picked:
            beside = [picked[other].takes for other in near[name]]
            picked[name] = min(found[name].options, key=lambda one: _beside(one, beside))
        if picked == before:
            break
    return picked


def _alone(one: Option) -> tuple[int, int, int, int, tuple[str, ...]]:
    return _beside(one, [])


def _beside(one: Option, takes: Sequence[frozenset[str]]) -> tuple[int, int, int, int, tuple[str, ...]]:
    apart = sum(one.takes.isdisjoint(theirs) for theirs in takes)
    return len(one.ids), one.strangers + apart, one.days, one.unclear, one.ids
