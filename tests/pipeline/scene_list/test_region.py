"""Lists of several tiles together are the best on every level of the region's objective."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scene_list import options
from pipeline.scene_list import region as region_module
from pipeline.scene_list.objective import Problem
from pipeline.scene_list.region import Region, RegionCost, solve_region


@st.composite
def regions(draw: st.DrawFn, most_tiles: int = 4) -> Region:
    """A few tiles with few candidates, dates and datatakes, so that every level gets to decide."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    names = [f"tile-{place}" for place in range(draw(st.integers(1, most_tiles)))]
    problems, datatakes = {}, {}
    for name in names:
        count = draw(st.integers(1, 5))
        clear = random.random((count, 12)) < random.uniform(0.4, 0.95)
        clear[0, 0] = True
        problems[name] = Problem(
            ids=tuple(f"{name}-scene-{place}" for place in range(count)),
            clear=clear,
            days=random.integers(0, 4, count),
            matches=random.random((count, draw(st.integers(0, 2)))) < 0.5,
            share=draw(st.sampled_from([1.0, 0.8])),
            wanted=draw(st.integers(1, 2)),
        )
        datatakes[name] = [f"take-{random.integers(5)}" for _ in range(count)]
    pairs = [pair for pair in itertools.combinations(names, 2) if random.random() < 0.8]
    return Region(problems, datatakes, pairs)


def best_by_trying_all(region: Region) -> RegionCost:
    names = sorted(region.problems)
    lists = [feasible_lists(region.problems[name]) for name in names]
    return min(region.cost(dict(zip(names, one, strict=True))) for one in itertools.product(*lists))


def feasible_lists(problem: Problem) -> list[tuple[int, ...]]:
    """Those with the fewest scenes: a longer one of any tile makes the region's first level worse."""
    for size in range(1, len(problem.ids) + 1):
        every = itertools.combinations(range(len(problem.ids)), size)
        found = [one for one in every if problem.covered(one) >= problem.needed]
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


@settings(max_examples=40, deadline=None)
@given(regions())
def test_of_a_large_region_the_lists_are_feasible_and_the_bounds_hold(region: Region) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region_module, "PROGRAM_TILES", 0)
        patch.setattr(options, "MOST", 2)
        solution = solve_region(region, time_limit=600.0)
    best = best_by_trying_all(region)
    assert solution.cost >= best
    for bound, value in zip(solution.bounds, best[:3], strict=True):
        assert bound is None or bound <= value
    assert not solution.optimal or solution.cost == best
