import numpy as np
import pytest

from pipeline.lookup import hide_partly_empty, look_up


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_each_band_is_looked_up_in_its_own_table(dtype):
    rng = np.random.default_rng(4)
    tables = rng.integers(0, 256, (3, 65_536)).astype(dtype)
    numbers = rng.integers(0, 65_536, (3, 5, 14), dtype=np.uint16)[:, :, ::2]
    found = look_up(tables, numbers)
    assert found.dtype == dtype
    assert all(np.array_equal(found[band], tables[band][numbers[band]]) for band in range(3))


def test_a_pixel_that_is_empty_in_one_band_is_empty_in_all():
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values[1, 0, 2] = values[0, 2, 3] = np.nan
    expected = values.copy()
    expected[:, np.isnan(values).any(axis=0)] = np.nan
    hide_partly_empty(values)
    assert np.array_equal(values, expected, equal_nan=True) and np.isnan(values).sum() == 4
