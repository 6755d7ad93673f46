"""Lists of several tiles together are the best on every level of the region's objective."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.scene_list import options, region_blocks
from pipeline.scene_list import region as region_module
from pipeline.scene_list.objective import Problem
from pipeline.scene_list.region import Region, RegionCost, solve_region
from tests.pipeline.scene_list import drawing

# Ways to combine the lists of a region's tiles that are all tried.
MOST_TRIED = 3000


@st.composite
def regions(draw: st.DrawFn, most_tiles: int = 4) -> Region:
    """A few tiles with few dates and datatakes, so that every level gets to decide; some have a margin."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = [f"tile-{place}" for place in range(draw(st.integers(1, most_tiles)))]
    problems, datatakes = {}, {}
    for name in names:
        problems[name] = draw(drawing.problems(f"{name}-", most_masks=40, most_repeats=2))
        datatakes[name] = [f"take-{random.integers(5)}" for _ in problems[name].ids]
    pairs = [pair for pair in itertools.combinations(names, 2) if random.random() < 0.8]
    found = Region(problems, datatakes, pairs)
    assume(math.prod(len(lists) for lists in lists_of_all(found)) <= MOST_TRIED)
    return found


def best_by_trying_all(region: Region) -> RegionCost:
    names = sorted(region.problems)
    every = itertools.product(*lists_of_all(region))
    return min(region.cost(dict(zip(names, one, strict=True))) for one in every)


def lists_of_all(region: Region) -> list[list[tuple[int, ...]]]:
    return [feasible_lists(region.problems[name]) for name in sorted(region.problems)]


def feasible_lists(problem: Problem) -> list[tuple[int, ...]]:
    """Those with the fewest scenes: a longer one of any tile makes the region's first level worse."""
    for size in range(max(1, len(problem.forced)), len(problem.ids) + 1):
        every = itertools.combinations(range(len(problem.ids)), size)
        found = [
            one
            for one in every
            if set(one).issuperset(problem.forced) and problem.covered(one) >= problem.needed
        ]
        if found:
            return found
    raise AssertionError("all candidates together are always feasible")


@settings(max_examples=80, deadline=None)
@given(regions())
def test_the_lists_of_a_region_equal_the_best_of_all(region: Region) -> None:
    solution = solve_region(region, time_limit=600.0)
    assert solution.cost == best_by_trying_all(region)
    assert solution.optimal
    assert solution.bounds == solution.cost[:3]


def test_without_time_the_lists_are_feasible_and_the_bounds_are_honest() -> None:
    random = np.random.default_rng(5)
    problems = {}
    for name in ("a", "b", "c"):
        clear = random.random((25, 400)) < 0.5
        ids = tuple(f"{name}-{place:02d}" for place in range(25))
        problems[name] = Problem(ids, clear, random.integers(0, 9, 25), np.zeros((25, 0), bool), 0.99)
    takes = {name: [f"take-{place % 7}" for place in range(25)] for name in problems}
    region = Region(problems, takes, [("a", "b"), ("b", "c")])
    rushed, proven = solve_region(region, time_limit=0.0), solve_region(region, time_limit=600.0)
    assert proven.optimal and not rushed.optimal
    assert rushed.cost >= proven.cost
    assert rushed.bounds[0] <= proven.cost.scenes
    for name, problem in problems.items():
        assert problem.covered(rushed.chosen[name]) >= problem.needed
    assert rushed.to_json()["levels"]["scenes"]["bound"] == rushed.bounds[0]


@settings(max_examples=60, deadline=None)
@given(regions(), st.sampled_from([0, 9999]), st.integers(1, 3), st.sampled_from([2, 1000]))
def test_of_a_large_region_the_lists_are_feasible_and_the_bounds_hold(
    region: Region, most_options: int, size: int, most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region_module, "PROGRAM_OPTIONS", most_options)
        patch.setattr(region_blocks, "SIZE", size)
        patch.setattr(options, "MOST", most)
        solution = solve_region(region, time_limit=600.0)
    best = best_by_trying_all(region)
    assert solution.cost >= best
    assert solution.cost.scenes == best.scenes
    for bound, value, found in zip(solution.bounds, best[:3], solution.cost[:3], strict=True):
        assert bound is not None and bound <= min(value, found)
    assert not solution.optimal or solution.cost == best


def test_a_tile_that_was_short_of_time_is_gathered_again_in_what_others_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, list[float]] = {"a": [], "b": []}

    def hurried(problem: Problem, *rest: object) -> options.Options:
        name, seconds = problem.ids[0][0], rest[-1]
        asked[name].append(float(seconds))
        found = options.options_of(problem, *rest)
        return replace(found, complete=len(asked["a"]) > 1 or name == "b")

    monkeypatch.setattr(region_module, "options_of", hurried)
    clear = np.ones((2, 9), bool)
    problems = {
        name: Problem((f"{name}0", f"{name}1"), clear, np.arange(2), np.zeros((2, 0), bool), 1.0)
        for name in asked
    }
    takes = {name: ["one", "other"] for name in asked}
    solution = solve_region(Region(problems, takes, [("a", "b")]), time_limit=60.0)
    assert len(asked["b"]) == 1 and len(asked["a"]) == 2
    assert asked["a"][1] > 1.5 * asked["a"][0]
    assert solution.optimal
