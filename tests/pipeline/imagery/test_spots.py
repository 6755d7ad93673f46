"""Spots of a mask that nothing speaks for are clear; what may be cloud or shadow stays."""

from math import cos, radians, sin, tan

import numpy as np
import pytest

from pipeline.grid import Tile
from pipeline.imagery.spots import HIGHEST, SURE_CLOUD, SURE_SHADOW, Believed, shaded, touching
from pipeline.raster import Raster, window_geobox, windows, write_raster

SUN = (140.0, 50.0)
SIDE = 400
SIZE = 60.0


@pytest.fixture
def believed(tmp_path):
    """Believes a mask with its probabilities; gives the mask that is left, put together from windows."""

    def make(classes, probability=255, sun=SUN, window=512, resolution=60):
        geobox = Tile.parse("33TWL").geobox(resolution)
        geobox = window_geobox(geobox, next(windows(classes.shape, max(classes.shape))))
        path = tmp_path / "first.tif"
        layers = np.stack([classes, np.broadcast_to(probability, classes.shape)]).astype(np.uint8)
        write_raster(path, Raster(layers, geobox))
        spots = Believed(path, sun)
        left = np.empty_like(classes)
        for part in windows(classes.shape, window):
            left[part.toslices()] = spots.only(classes[part.toslices()], part)
        return left

    return make


def scene_with(*spots, side=SIDE):
    """A clear mask with spots (code, rows, cols)."""
    classes = np.zeros((side, side), np.uint8)
    for code, rows, cols in spots:
        classes[rows, cols] = code
    return classes


def shadow_of(row, col, height, size=SIZE):
    """Where the shadow of a cloud at a height falls, in cells."""
    away = height / tan(radians(SUN[1])) / size
    return round(row + away * cos(radians(SUN[0]))), round(col - away * sin(radians(SUN[0])))


@pytest.mark.parametrize("height", [0, 300, 1_500, 4_000, HIGHEST])
def test_the_shadow_of_a_cloud_stays_at_every_height_that_clouds_have(believed, height):
    row, col = shadow_of(200, 200, height)
    classes = scene_with((2, slice(row, row + 3), slice(col, col + 3)), (1, slice(200, 203), slice(200, 203)))
    assert np.array_equal(believed(classes), classes)


def test_dark_ground_far_from_every_cloud_is_clear_and_the_cloud_stays(believed):
    opposite = 2 * 200 - np.array(shadow_of(200, 200, 3_000))
    lake = (2, slice(opposite[0], opposite[0] + 5), slice(opposite[1], opposite[1] + 5))
    cloud = (1, slice(200, 203), slice(200, 203))
    assert np.array_equal(believed(scene_with(lake, cloud)), scene_with(cloud))


def test_a_cloud_that_is_seen_aside_still_throws_its_shadow(believed):
    row, col = shadow_of(200, 200, 4_000)
    aside = round(4_000 * 0.2 / SIZE)
    for step in ((aside, 0), (-aside, 0), (0, aside), (0, -aside)):
        spot = (2, slice(row + step[0], row + step[0] + 2), slice(col + step[1], col + step[1] + 2))
        classes = scene_with(spot, (1, slice(200, 203), slice(200, 203)))
        assert np.array_equal(believed(classes), classes)


def test_a_spot_of_shadow_is_believed_whole(believed):
    row, col = shadow_of(200, 200, 1_500)
    long = (2, slice(row, row + 1), slice(20, col + 1))
    classes = scene_with(long, (1, slice(200, 203), slice(200, 203)))
    assert np.array_equal(believed(classes), classes)


def test_what_is_not_seen_may_hold_the_cloud(believed):
    at_the_edge = scene_with((2, slice(390, 395), slice(390, 395)))
    assert np.array_equal(believed(at_the_edge), at_the_edge)
    row, col = shadow_of(200, 200, 1_500)
    beside_a_hole = scene_with((255, slice(195, 205), slice(195, 205)), (2, row, col))
    assert np.array_equal(believed(beside_a_hole), beside_a_hole)


def test_a_spot_that_is_nowhere_sure_is_clear_and_one_sure_pixel_keeps_it(believed):
    spots = [(1, slice(100, 110), slice(100, 110)), (2, *shadow_of(105, 105, 1_000))]
    classes = scene_with(*spots)
    doubt = np.full(classes.shape, 255)
    doubt[100:110, 100:110] = SURE_CLOUD - 1
    assert not believed(classes, doubt).any()
    doubt[109, 100] = SURE_CLOUD
    assert np.array_equal(believed(classes, doubt), classes)
    doubt[spots[1][1], spots[1][2]] = SURE_SHADOW - 1
    assert np.array_equal(believed(classes, doubt), scene_with(spots[0]))


def test_without_the_suns_place_shadow_needs_no_cloud(believed):
    lake = scene_with((2, slice(200, 210), slice(200, 210)))
    assert not believed(lake).any()
    assert np.array_equal(believed(lake, sun=None), lake)


@pytest.mark.parametrize("resolution", [10, 20, 60])
def test_the_answer_does_not_depend_on_windows(believed, resolution):
    draw = np.random.default_rng(5)
    kinds, sizes = draw.choice([0] * 20 + [1, 2], (75, 75)), draw.choice([150, 255], (75, 75))
    classes, probability = (values.repeat(9, 0).repeat(9, 1).astype(np.uint8) for values in (kinds, sizes))
    left = [believed(classes, probability, window=size, resolution=resolution) for size in (512, 333, 64)]
    assert 0.1 < (left[0] != classes)[classes > 0].mean() < 0.9
    assert all(np.array_equal(left[0], other) for other in left[1:])


def test_spots_touch_by_corners_too():
    cells = np.eye(4, dtype=bool)
    seeds = np.zeros_like(cells)
    seeds[0, 0] = True
    assert np.array_equal(touching(cells, seeds), cells)
    assert not touching(cells, np.zeros_like(cells)).any()


def test_a_low_sun_throws_far_and_leaves_no_gap():
    clouds = np.zeros((900, 900), bool)
    clouds[450, 450] = True
    far = shaded(clouds, (180.0, 20.0), SIZE)
    reach = HIGHEST / tan(radians(20)) / SIZE
    assert far[450 - int(reach) : 451, 450].all()
