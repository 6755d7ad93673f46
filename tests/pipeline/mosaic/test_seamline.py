from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mosaic.seamline import cut, yielded


def price(won, cost):
    """What a labelling's cuts cost."""
    total = 0
    for axis in (0, 1):
        pairs = np.diff(won.astype(int), axis=axis) != 0
        both = cost[:-1] + cost[1:] if axis == 0 else cost[:, :-1] + cost[:, 1:]
        total += both[pairs].sum()
    return total


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**30))
def test_the_cut_is_the_cheapest_of_all(seed):
    cost = np.random.default_rng(seed).integers(1, 9, (3, 5))
    source, sink = np.zeros((3, 5), bool), np.zeros((3, 5), bool)
    source[:, 0] = sink[:, 4] = True
    free = ~source & ~sink
    found = price(cut(source, sink, free, cost.astype(np.int32)) | sink, cost)
    choices = (np.array(bits, bool) for bits in product([False, True], repeat=9))
    best = np.inf
    for bits in choices:
        won = sink.copy()
        won[free] = bits
        best = min(best, price(won, cost))
    assert found == best


@pytest.fixture
def meeting():
    """A cloud in the middle of a field of which both scenes agree along one ring alone."""
    rows, cols = np.mgrid[:60, :60]
    away = np.hypot(rows - 30, cols - 30)
    cost = np.full((60, 60), 500, np.int32)
    cost[np.abs(away - 18) < 1.5] = 1
    return away, cost


def test_the_edge_runs_where_the_scenes_agree_and_not_at_the_cloud(meeting):
    away, cost = meeting
    takes = away < 10
    won = yielded(~takes, takes, ~takes, cost, reach=14)
    edge = (won | takes)[:, 1:] != (won | takes)[:, :-1]
    assert np.abs(away[:, 1:][edge] - 18).max() < 2.5 and not (won & takes).any()


def test_the_edge_stays_within_reach_and_on_ground_that_both_show(meeting):
    away, cost = meeting
    takes = away < 10
    both = ~takes & (np.arange(60)[None, :] < 40)
    won = yielded(~takes, takes, both, cost, reach=4)
    assert not won[away > 15].any() and not won[~both].any()


def test_the_same_ground_gives_the_same_edge(meeting):
    away, cost = meeting
    again = [yielded(away >= 10, away < 10, away >= 10, cost, reach=14) for _ in range(2)]
    assert np.array_equal(*again)
