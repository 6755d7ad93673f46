"""What polygons with thresholds make."""

import numpy as np
import pytest

from script.lib.label.shapes import mask
from script.lib.say import Trouble

BLUE = np.linspace(0, 0.9, 10, dtype=np.float32)[None].repeat(6, 0)
BOX = [[0, 0], [10, 0], [10, 3], [0, 3]]


def test_a_pixel_between_both_values_of_a_test_is_unknown():
    cloud = {"class": "cloud", "area": "all", "where": [{"measure": "blue", "above": [0.45, 0.65]}]}
    assert mask([cloud], {"blue": BLUE})[0].tolist() == [0] * 5 + [255] * 2 + [1] * 3
    shadow = {"class": "shadow", "area": "all", "where": [{"measure": "blue", "below": [0.15, 0.35]}]}
    assert mask([shadow], {"blue": BLUE})[0].tolist() == [2] * 2 + [255] * 2 + [0] * 6


def test_a_polygon_ends_at_its_corners_and_later_shapes_lie_above():
    whole = {"class": "cloud", "area": "all"}
    drawn = mask([whole, {"class": "clear", "area": BOX}], {"blue": BLUE})
    assert (drawn[:3] == 0).all() and (drawn[3:] == 1).all()


def test_all_tests_of_a_shape_must_be_passed():
    tests = [{"measure": "blue", "above": [0.45, 0.45]}, {"measure": "nir", "below": [0.5, 0.5]}]
    nir = np.array([[0.4], [0.6]] * 3, np.float32).repeat(10, 1)
    drawn = mask([{"class": "shadow", "area": "all", "where": tests}], {"blue": BLUE, "nir": nir})
    assert (drawn[::2, 5:] == 2).all() and not drawn[1::2].any() and not drawn[:, :5].any()


def test_small_patches_become_unknown():
    blue = np.zeros((8, 8), np.float32)
    blue[1, 1] = blue[5:7, 5:7] = 1
    cloud = {
        "class": "cloud",
        "area": "all",
        "smallest": 2,
        "where": [{"measure": "blue", "above": [0.5, 0.5]}],
    }
    drawn = mask([cloud], {"blue": blue})
    assert drawn[1, 1] == 255 and (drawn[5:7, 5:7] == 1).all() and np.count_nonzero(drawn) == 5


def test_nothing_is_known_without_data_and_beside_the_edge_of_a_swath():
    blue = np.zeros((30, 30), np.float32)
    blue[:, :10] = blue[20, 20] = np.nan
    drawn = mask([], {"blue": blue})
    assert (drawn[:, :13] == 255).all() and drawn[20, 20] == 255
    assert np.count_nonzero(drawn[:, 13:]) == 1


def test_mistakes_are_told():
    with pytest.raises(Trouble, match="no class"):
        mask([{"class": "fog", "area": "all"}], {"blue": BLUE})
    with pytest.raises(Trouble, match="no measure 'red'"):
        mask(
            [{"class": "cloud", "area": "all", "where": [{"measure": "red", "above": [0, 1]}]}],
            {"blue": BLUE},
        )
    with pytest.raises(Trouble, match="no polygon"):
        mask([{"class": "cloud", "area": [[0, 0], [5, 5], [5, 0], [0, 5]]}], {"blue": BLUE})
