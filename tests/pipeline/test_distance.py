import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from pipeline.distance import MOST_STEPS, distance_to_false, near_true


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    share=st.sampled_from([0.0005, 0.01, 0.3, 0.9]),
    limit=st.sampled_from([0.5, 1.0, 2.5, 13.0, 30.0, MOST_STEPS, MOST_STEPS + 20.5]),
)
def test_distances_are_those_of_the_whole_transform_up_to_the_limit(seed, shape, share, limit):
    mask = np.random.default_rng(seed).random(shape) >= share
    found = distance_to_false(mask, limit)
    expected = np.minimum(distance_transform_edt(mask), limit) if not mask.all() else np.full(shape, limit)
    assert found.dtype == np.float64
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("limit", [5.0, 100.0])
def test_all_or_nothing_needs_no_transform(limit):
    assert (distance_to_false(np.ones((4, 7), bool), limit) == limit).all()
    assert (distance_to_false(np.zeros((4, 7), bool), limit) == 0).all()


def test_one_false_pixel_far_from_everything_is_seen_up_to_the_limit_only():
    mask = np.ones((200, 300), bool)
    mask[120, 40] = False
    found = distance_to_false(mask, 12.0)
    assert found[120, 40] == 0 and found[120, 51] == 11 and found[132, 40] == 12 and found[0, 299] == 12
    assert found[123, 44] == 5


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    share=st.sampled_from([0.0, 0.0005, 0.01, 0.3, 0.9]),
    reach=st.sampled_from([0.0, 0.5, 1.0, 2.5, 5**0.5, 13.0, 30.0, 70.2]),
)
def test_what_is_near_lies_within_reach_by_the_whole_transform(seed, shape, share, reach):
    mask = np.random.default_rng(seed).random(shape) < share
    expected = distance_transform_edt(~mask) <= reach if mask.any() else np.zeros(shape, bool)
    assert np.array_equal(near_true(mask, reach), expected)
