import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.atmosphere import rayleigh, without_rayleigh


def test_blue_is_scattered_most_and_a_low_sun_is_scattered_more():
    high, low = rayleigh(65)[0], rayleigh(25)[0]
    assert high[2] > high[1] > high[0] > 0
    assert np.all(low > high)
    assert high[2] == pytest.approx(0.06, abs=0.02)


@given(st.floats(15, 80), st.floats(0.0, 0.9))
def test_what_the_air_adds_is_taken_off_again(elevation, ground):
    path, through = rayleigh(elevation)
    seen = np.full((3, 2, 2), ground) * through[:, None, None] + path[:, None, None]
    np.testing.assert_allclose(without_rayleigh(seen, elevation), ground, atol=1e-5)


def test_no_data_stays_and_nothing_falls_below_zero():
    dark = np.zeros((3, 1, 2), np.float32)
    dark[:, 0, 1] = np.nan
    cleared = without_rayleigh(dark, None)
    assert np.all(cleared[:, 0, 0] == 0) and np.isnan(cleared[:, 0, 1]).all()
