"""The minimum scene list is exact on every level of its objective."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from pipeline.scene_list import reduce
from pipeline.scene_list.exchange import left_by_pairs
from pipeline.scene_list.objective import Cost, Problem, least_covered
from pipeline.scene_list.pixels import Pixels
from pipeline.scene_list.search import OutOfTime, Search
from pipeline.scene_list.solve import LEVELS, milp_bound, solve
from tests.pipeline.scene_list.drawing import problems


def costs_of_all(problem: Problem, size: int) -> list[Cost]:
    """Of all feasible lists of a size."""
    lists = (set(one) for one in itertools.combinations(range(len(problem.ids)), size))
    return [
        problem.cost(tuple(one))
        for one in lists
        if one.issuperset(problem.forced) and problem.covered(tuple(one)) >= problem.needed
    ]


def best_two_by_trying_all(problem: Problem) -> list[Cost]:
    found: list[Cost] = []
    for size in range(1, len(problem.ids) + 1):
        found += sorted(costs_of_all(problem, size))
        if len(found) >= 2:
            break
    return found[:2]


@settings(max_examples=250, deadline=None)
@given(problems())
def test_the_list_equals_the_best_of_all_lists_and_the_second_the_best_but_one(problem: Problem) -> None:
    solution = solve(problem, time_limit=300.0)
    best, *others = best_two_by_trying_all(problem)
    assert solution.cost == best == problem.cost(solution.chosen)
    assert solution.optimal
    assert solution.bounds == solution.cost[:4]
    assert [solution.second.cost] == others if solution.second is not None else not others


@settings(max_examples=60, deadline=None)
@given(problems(), st.integers(0, 2**32 - 1))
def test_the_order_of_the_pixels_does_not_matter(problem: Problem, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(problem.clear.shape[1])
    sure = problem.sure if problem.sure is None else problem.sure[:, shuffled]
    other = replace(problem, clear=problem.clear[:, shuffled], sure=sure)
    assert solve(other).chosen == solve(problem).chosen


def cumulus(count: int, seed: int, clearest: float, size: int = 343) -> Problem:
    """Candidates with small clouds in weather fields of their own."""
    random = np.random.default_rng(seed)
    clear = np.empty((count, size * size), bool)
    for one in clear:
        small, wide = (gaussian_filter(random.standard_normal((size, size)), sigma) for sigma in (4, 30))
        field = small / small.std() + 0.7 * wide / wide.std()
        one[:] = (field < np.quantile(field, random.uniform(0.2, clearest))).ravel()
    ids = tuple(f"scene-{place:03d}" for place in range(count))
    return Problem(ids, clear, random.integers(0, 90, count), np.zeros((count, 0), bool), 0.999)


def test_a_summer_of_sixty_candidates_is_proven_optimal() -> None:
    problem = cumulus(60, seed=1, clearest=0.95)
    solution = solve(problem, time_limit=300.0)
    assert solution.optimal
    assert problem.covered(solution.chosen) >= problem.needed
    assert len(solution.chosen) < 6


def test_without_time_the_list_is_feasible_and_the_bounds_are_honest() -> None:
    problem = cumulus(30, seed=2, clearest=0.8, size=120)
    rushed, proven = solve(problem, time_limit=0.0), solve(problem, time_limit=300.0)
    assert proven.optimal
    assert not rushed.optimal
    assert problem.covered(rushed.chosen) >= problem.needed
    assert rushed.cost >= proven.cost
    assert rushed.bounds[0] is not None
    assert rushed.bounds[0] <= len(proven.chosen)
    assert rushed.second is not None and not rushed.second.proven
    assert rushed.second.cost > rushed.cost
    assert problem.covered(tuple(problem.ids.index(one) for one in rushed.second.cost.ids)) >= problem.needed


def test_the_integer_program_gives_an_honest_lower_bound() -> None:
    problem = cumulus(14, seed=3, clearest=0.8, size=48)
    patterns = reduce.merge(problem.shown)
    bound = milp_bound(problem, patterns, 120)
    assert 2 <= bound <= len(solve(problem, time_limit=300.0).chosen)
    assert milp_bound(problem, patterns, 0) == 0


def test_the_proof_names_value_and_bound_of_each_level() -> None:
    told = solve(cumulus(30, seed=2, clearest=0.8, size=60), time_limit=0.0).to_json()
    assert set(told["levels"]) == set(LEVELS)
    assert told["optimal"] is False
    assert told["method"] == "milp"


@settings(max_examples=60, deadline=None)
@given(problems())
def test_merged_patterns_stand_for_all_their_pixels(problem: Problem) -> None:
    patterns = reduce.merge(problem.shown)
    assert patterns.weights.sum() == problem.shown.any(axis=0).sum()
    assert np.array_equal(patterns.weights @ patterns.rows, problem.shown.sum(axis=1))
    assert patterns.total(problem.wanted) == problem.coverable
    words = reduce.pack(patterns, problem.wanted)
    assert np.array_equal(words.weigh(words.bits), problem.shown.sum(axis=1))
    pixels = Pixels.of(patterns.rows, patterns.weights, problem.wanted)
    assert pixels.total == problem.coverable
    assert np.array_equal(pixels.seen_by(np.arange(len(problem.ids))), patterns.rows)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_what_two_scenes_leave_uncovered_is_counted_exactly(problem: Problem) -> None:
    patterns = reduce.merge(problem.shown)
    everyone = np.arange(len(problem.ids))
    pixels = Pixels.of(patterns.rows, patterns.weights, problem.wanted)
    pairs = left_by_pairs(pixels.seen_by(everyone), pixels.need, pixels.weights)
    for one, other in itertools.combinations(everyone, 2):
        assert pairs[one, other] == problem.coverable - problem.covered((one, other))
        assert pixels.after((one, other)).total == pairs[one, other]


class Collecting(Search):
    """A search that keeps all lists that it meets."""

    def __init__(self, problem: Problem, quota: int = Search.quota, looks: float = np.inf) -> None:
        everyone = replace(reduce.Instance.of(problem), usable=np.arange(len(problem.ids)))
        super().__init__(problem, everyone, deadline=looks, clock=self._count)
        self.quota = quota
        self.met: list[tuple[int, ...]] = []
        self.looks = 0

    def _count(self) -> float:
        self.looks += 1
        return self.looks

    def all_lists(self, size: int) -> list[tuple[int, ...]]:
        """Feasible lists of a size, sorted."""
        self.met = []
        self.best_list(size, None)
        return sorted(self.met)

    def _offer(self, chosen: tuple[int, ...], strangers: int, days: int, covered: int) -> None:
        assert (strangers, days, -covered) == self.problem.cost(chosen)[1:4]
        self.met.append(tuple(sorted(chosen)))


def feasible_lists(problem: Problem, size: int) -> list[tuple[int, ...]]:
    instance = reduce.Instance.of(problem)
    return [
        one
        for one in itertools.combinations(range(len(problem.ids)), size)
        if set(one).issuperset(problem.forced) and instance.covered(one) >= problem.needed
    ]


@settings(max_examples=100, deadline=None)
@given(problems(), st.integers(1, 7), st.sampled_from([0, 1000, Search.quota]))
def test_the_search_meets_each_feasible_list_of_a_size_once(problem: Problem, size: int, quota: int) -> None:
    assert Collecting(problem, quota).all_lists(size) == feasible_lists(problem, size)


def test_the_clock_is_looked_at_between_the_last_three_scenes_too() -> None:
    problem = cumulus(30, seed=4, clearest=0.8, size=60)
    seldom, often = Collecting(problem), Collecting(problem, quota=0)
    assert often.all_lists(3) == seldom.all_lists(3) == feasible_lists(problem, 3)
    assert often.looks > seldom.looks + 10
    hurried = Collecting(problem, quota=0, looks=5)
    with pytest.raises(OutOfTime):
        hurried.all_lists(3)
    assert hurried.looks == 6


@pytest.mark.parametrize(("wanted", "share"), [(1, 0.99), (2, 0.93), (3, 0.85)])
def test_the_search_meets_each_feasible_list_where_bounds_look_at_few_of_the_pixels(
    wanted: int, share: float
) -> None:
    problem = replace(cumulus(18, seed=4, clearest=0.8, size=150), wanted=wanted, share=share)
    for size in (4, 5):
        lists = feasible_lists(problem, size)
        assert 0 < len(lists) < 0.4 * math.comb(18, size)
        assert Collecting(problem).all_lists(size) == lists


def test_the_least_cover_is_a_true_ceiling() -> None:
    assert least_covered(0.999, 1000) == 999
    assert least_covered(0.999, 1001) == 1000
    assert least_covered(1.0, 117_649) == 117_649
    assert least_covered(0.1, 3) == 1
