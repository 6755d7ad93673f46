import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.mosaic.cells import BLOCK, COST_SCALE, difference, put
from pipeline.mosaic.fields import Axis, field

NONE = np.zeros((4, 1, 1), np.float32)


def scene(seed):
    """A scene (4, h, w), its lines (8, h, w), its offsets on blocks, and cells that are asked for."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 40, 2))
    blocks = tuple(-(-length // BLOCK) for length in shape)
    values = rng.random((4, *shape), np.float32)
    values[:, rng.random(shape) < 0.1] = np.nan
    lines = rng.normal(1, 0.2, (8, *shape)).astype(np.float32)
    return values, lines, rng.normal(0, 0.02, (4, *blocks)).astype(np.float32), rng.random(shape) < 0.6


def spread(offsets, shape):
    rows, cols = (
        Axis.of_cells(0, length, BLOCK, count) for length, count in zip(shape, offsets.shape[1:], strict=True)
    )
    return field(offsets, rows, cols)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), changed=st.booleans(), meets=st.booleans())
def test_what_is_put_is_the_scene_led_by_its_change_and_then_by_its_offsets(seed, changed, meets):
    values, lines, offsets, takes = scene(seed)
    shown = np.full_like(values, 0.5)
    expected = values * lines[:4] + lines[4:] if changed else values
    expected = expected + spread(offsets, takes.shape) if meets else expected
    put(values, lines if changed else None, offsets if meets else None, takes, shown)
    assert np.array_equal(shown, np.where(takes, expected, np.float32(0.5)), equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_cost_of_a_cut_is_the_difference_of_square_roots_over_all_bands(seed):
    values, _, offsets, takes = scene(seed)
    shown = np.roll(values, 1, axis=2)
    roots = [np.sqrt(np.maximum(one, 0)) for one in (shown, values + spread(offsets, takes.shape))]
    steps = np.abs(roots[0] - roots[1]).sum(axis=0) * COST_SCALE
    expected = np.clip(np.rint(np.nan_to_num(steps, nan=2_000)), 1, 2_000)
    assert np.abs(difference(shown, values, offsets) - expected).max() <= 1


@pytest.mark.parametrize(("other", "cost"), [(0.1, 1), (np.nan, 2_000), (1.0, 2_000), (-0.1, 2_000)])
def test_the_cost_is_least_where_views_are_equal_and_most_where_one_is_missing(other, cost):
    shown, values = (np.full((4, 1, 1), value, np.float32) for value in (0.1, other))
    assert difference(shown, values, NONE)[0, 0] == cost
