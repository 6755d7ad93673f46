import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.grid import SIZE
from pipeline.smooth import KNOTS, SPACING, SmoothCorrection, between_knots, knot_shares


def some(seed):
    rng = np.random.default_rng(seed)
    shape = (4, KNOTS, KNOTS)
    return SmoothCorrection.rounded(rng.uniform(0.8, 1.2, shape), rng.uniform(-0.01, 0.01, shape))


def test_at_the_knots_the_correction_is_the_one_given():
    found = some(1)
    knots = np.arange(KNOTS) * SPACING
    values = np.full((4, KNOTS, KNOTS), 0.2)
    np.testing.assert_allclose(found.apply(values, knots, knots), 0.2 * found.gain + found.offset)


def test_knots_lie_at_least_20_km_apart():
    assert SPACING >= 20_000 and SPACING * (KNOTS - 1) == SIZE


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100), st.integers(0, 60), st.integers(0, 60), st.integers(1, 40), st.integers(1, 40))
def test_a_pixel_is_corrected_alike_in_any_window(seed, top, left, height, width):
    found = some(seed)
    values = np.random.default_rng(seed).uniform(0, 0.5, (4, 100, 100))
    metres = (np.arange(100) + 0.5) * SIZE / 100
    rows, cols = slice(top, top + height), slice(left, left + width)
    whole = found.apply(values, metres, metres)
    assert np.array_equal(
        found.apply(values[:, rows, cols], metres[rows], metres[cols]), whole[:, rows, cols]
    )


def test_it_changes_by_little_from_pixel_to_pixel():
    metres = (np.arange(1830) + 0.5) * 60
    found = some(3)
    field = between_knots(found.gain[0], metres, metres[:3])
    assert np.abs(np.diff(field, axis=0)).max() < 0.4 * 60 / SPACING * 1.01


def test_single_places_and_windows_agree():
    found = some(4)
    south, east = np.array([10.0, 60_000.0, 109_000.0]), np.array([90_000.0, 300.0, 55_000.0])
    values = np.full((4, 3), 0.3)
    alone = found.at(values, south, east)
    window = found.apply(np.full((4, 3, 3), 0.3), south, east)
    np.testing.assert_allclose(alone, window[:, range(3), range(3)])
    np.testing.assert_allclose(knot_shares(south, east).sum(axis=1), 1)


def test_the_identity_changes_nothing():
    values = np.random.default_rng(0).uniform(0, 1, (4, 5, 6))
    assert not SmoothCorrection.identity().changes
    assert SmoothCorrection.identity().apply(values, np.arange(5.0), np.arange(6.0)) is values
    assert some(2).changes
