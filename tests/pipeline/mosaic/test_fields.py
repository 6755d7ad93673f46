import numpy as np
import pytest

from pipeline.mosaic.fields import Axis, field

COARSE = np.random.default_rng(3).random((7, 9)).astype(np.float32)


def test_values_are_those_of_the_cells_at_their_middles_and_linear_between():
    rows, cols = Axis.of_cells(0, 35, 5, 7), Axis.of_cells(0, 45, 5, 9)
    fine = field(COARSE, rows, cols)
    assert np.array_equal(fine[2::5, 2::5], COARSE)
    assert fine[2, 4] == pytest.approx(0.6 * COARSE[0, 0] + 0.4 * COARSE[0, 1], rel=1e-6)
    assert np.array_equal(fine[0, 2::5], COARSE[0])


def test_a_place_has_the_same_bits_in_any_part():
    rows, cols = Axis.of_cells(0, 35, 5, 7), Axis.of_cells(0, 45, 5, 9)
    whole = field(COARSE, rows, cols)
    assert np.array_equal(field(COARSE, rows[11:20], cols[3:40]), whole[11:20, 3:40])
    assert np.array_equal(
        field(COARSE, Axis.of_cells(11, 9, 5, 7), Axis.of_cells(3, 37, 5, 9)), whole[11:20, 3:40]
    )


def test_one_coarse_cell_is_everywhere():
    axis = Axis.of_cells(0, 4, 4, 1)
    assert np.array_equal(field(np.full((1, 1), 0.25, np.float32), axis, axis), np.full((4, 4), 0.25))
