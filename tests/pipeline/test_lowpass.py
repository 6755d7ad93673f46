import numpy as np
import pytest

from pipeline.lowpass import smooth_parts

SHAPE = (67, 83)


def reader(values, valid=None):
    """Reads windows of an array (bands, h, w)."""
    valid = np.ones(values.shape[1:], bool) if valid is None else valid

    def read(window):
        place = window.toslices()
        return np.where(valid[place], values[(slice(None), *place)], 0.0), valid[place]

    return read


def every_pixel(shape=SHAPE):
    rows, cols = np.indices(shape)
    return rows.ravel() + 0.5, cols.ravel() + 0.5


@pytest.mark.parametrize("resolution", [10.0, 60.0, 300.0])
def test_any_place_has_the_same_bits_whatever_else_is_asked_for(resolution):
    rng = np.random.default_rng(0)
    read = reader(rng.random((2, *SHAPE)), rng.random(SHAPE) > 0.3)
    row, col = rng.uniform(0, SHAPE[0], 300), rng.uniform(0, SHAPE[1], 300)
    whole = smooth_parts(read, SHAPE, resolution, row, col)
    for some in (np.arange(7), np.arange(100, 300)[::-1], np.array([5])):
        assert np.array_equal(smooth_parts(read, SHAPE, resolution, row[some], col[some]), whole[:, some])


@pytest.mark.parametrize("resolution", [10.0, 60.0, 300.0])
def test_flat_ground_stays_flat_at_holes_and_at_the_edge(resolution):
    valid = np.random.default_rng(1).random(SHAPE) > 0.5
    valid[20:45, 30:] = False
    row, col = every_pixel()
    here = valid.ravel()
    found = smooth_parts(reader(np.full((3, *SHAPE), 0.3), valid), SHAPE, resolution, row[here], col[here])
    np.testing.assert_allclose(found, 0.3, rtol=1e-12)


def test_a_slope_is_kept_and_noise_is_not():
    row, col = every_pixel()
    inner = (np.abs(row - SHAPE[0] / 2) < 20) & (np.abs(col - SHAPE[1] / 2) < 25)
    slope = np.broadcast_to(0.1 + 0.002 * np.arange(SHAPE[1]), (1, *SHAPE))
    noise = np.random.default_rng(2).normal(0, 0.02, (1, *SHAPE))
    found = smooth_parts(reader(slope), SHAPE, 60.0, row[inner], col[inner])
    np.testing.assert_allclose(found[0], 0.1 + 0.002 * (col[inner] - 0.5), rtol=1e-9)
    left = smooth_parts(reader(noise), SHAPE, 60.0, row[inner], col[inner])
    assert left.std() < 0.2 * noise.std()
