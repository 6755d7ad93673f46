"""Tasks of `script/bench scene-lists`: a tile's list, and those of a region."""

import time
from collections.abc import Sequence
from typing import Any

from pipeline.scene_list.reduce import Instance
from pipeline.scene_list.region import solve_region
from pipeline.scene_list.search import compile_loops
from pipeline.scene_list.second import best_and_second
from pipeline.scene_list.solve import SECOND, solve
from script.lib.bench.scene_list_instances import SUMMERS, YEARS, problem_of, region_of


def lists(family: str, seeds: Sequence[int], limit: float) -> dict[str, Any]:
    """The best list of a tile for each seed, and the next one.

    The limit is that of the processor for a summer, of the clock for a year; so are the seconds, and "wall"
    are those of the clock.
    """
    compile_loops()
    found = [_list(family, seed, limit) for seed in seeds]
    return {"seconds": sum(one["seconds"] for one in found), "lists": found}


def _list(family: str, seed: int, limit: float) -> dict[str, Any]:
    problem = problem_of((SUMMERS | YEARS)[family], seed)
    clock = time.monotonic if family in YEARS else time.process_time
    began = time.monotonic()
    found = solve(problem, limit, second=False, clock=clock)
    wall = time.monotonic() - began
    told = {"scenes": found.cost.scenes, "bound": found.bounds[0], "proven": found.optimal}
    instance, began = Instance.of(problem), clock()
    seconds = SECOND * limit if found.optimal else 0.0
    _, second = best_and_second(problem, instance, found.chosen, seconds, clock, found.optimal)
    told |= {"second_seconds": clock() - began, "second_proven": second is not None and second.proven}
    return {"seed": seed, "seconds": found.seconds, "wall": wall, **told}


def region_lists(family: str, seed: int, side: int, limit: float) -> dict[str, Any]:
    """The lists of side x side tiles that are to agree; the limit is that of the clock."""
    compile_loops()
    region = region_of(SUMMERS[family], seed, side)
    began = time.process_time()
    found = solve_region(region, limit)
    return {
        "seconds": found.seconds,
        "cpu": time.process_time() - began,
        "levels": found.to_json()["levels"],
        "proven": found.optimal,
        "pairs": len(region.pairs),
    }
