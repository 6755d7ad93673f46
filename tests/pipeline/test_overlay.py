import numpy as np

from pipeline.assessment.maps import first_wins
from pipeline.overlay import RIM, well_inside


def test_inside_is_what_has_data_all_around_and_a_picture_may_go_on_beyond_its_border():
    valid = np.ones((20, 20), bool)
    valid[:, 12:] = False
    inside = well_inside(valid, 2)
    assert np.all(inside[:, :10]) and not inside[:, 10:].any()


def test_the_rim_of_a_version_shows_only_where_no_other_has_anything():
    first, second = np.full((4, 20, 20), 10, np.uint8), np.full((4, 20, 20), 30, np.uint8)
    first[:, :, 12:], second[:, :, :6] = 0, 0
    shown = first_wins({"a": first, "b": second}, ["a", "b"])
    assert np.all(shown[:, :, : 12 - RIM] == 10) and np.all(shown[:, :, 12 - RIM :] == 30)
    alone = first_wins({"a": first}, ["a"])
    assert np.array_equal(alone, first)
