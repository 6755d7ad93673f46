import numpy as np
import pytest

from pipeline.lookup import look_up


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_each_band_is_looked_up_in_its_own_table(dtype):
    rng = np.random.default_rng(4)
    tables = rng.integers(0, 256, (3, 65_536)).astype(dtype)
    numbers = rng.integers(0, 65_536, (3, 5, 14), dtype=np.uint16)[:, :, ::2]
    found = look_up(tables, numbers)
    assert found.dtype == dtype
    assert all(np.array_equal(found[band], tables[band][numbers[band]]) for band in range(3))
