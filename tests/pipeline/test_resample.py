"""Values between pixels: kept detail, the same bits in any window, care at holes."""

from datetime import date

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from scipy.ndimage import gaussian_filter

from pipeline.catalog import open_catalog, read_scene
from pipeline.contributor import pixel_centres
from pipeline.grid import Tile
from pipeline.raster import encode, filled
from pipeline.resample import PREFILTER, REACH, TAPS, Places, between_pixels
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World
from pipeline.tone import load_tone

SIZE = 200
MARGIN = 40
TONE = load_tone("default")


def at(values, rows, cols, weight=None):
    """Values and weights of a whole raster at places, all of them within it."""
    down, across = (Places.of(line, size) for line, size in zip((rows, cols), values.shape[1:], strict=True))
    sure = np.ones(values.shape[1:]) if weight is None else weight
    (top, bottom), (left, right) = down.span(), across.span()
    height, width = values.shape[1:]
    outside = (max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0))
    inner = slice(max(top, 0), min(bottom, height)), slice(max(left, 0), min(right, width))
    padded = np.pad(values[(slice(None), *inner)], ((0, 0), *outside))
    return between_pixels(padded, np.pad(sure[inner], outside), down, across)


@pytest.fixture
def noise():
    return np.random.default_rng(3).uniform(0.05, 0.4, (2, 90, 80))


@pytest.fixture
def places():
    rng = np.random.default_rng(4)
    return rng.uniform(0, 89, 20_000), rng.uniform(0, 79, 20_000)


def test_a_spline_goes_through_its_pixels(noise):
    rows, cols = (grid.ravel().astype(float) for grid in np.mgrid[20:60, 20:60])
    found, weight = at(noise, rows, cols)
    np.testing.assert_allclose(found, noise[:, 20:60, 20:60].reshape(2, -1), atol=5e-5)
    assert np.all(weight == 1)


def test_the_prefilter_undoes_the_spline_at_the_pixels_but_for_what_is_cut():
    taps = np.concatenate([TAPS[:0:-1], TAPS])
    whole = np.convolve(taps, np.array([1, 26, 66, 26, 1]) / 120)
    ideal = np.zeros(len(whole))
    ideal[PREFILTER + 2] = 1
    assert np.abs(whole - ideal).max() < 1e-4 and taps.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("period", "left"), [(8, 0.001), (4, 0.01), (3, 0.06)])
def test_waves_longer_than_three_pixels_keep_nearly_all_of_their_height(period, left):
    rows, cols = np.mgrid[0:80, 0:80].astype(float)
    wave = np.sin(2 * np.pi * cols / period)[None]
    down, across = np.full(400, 40.3), np.linspace(20, 60, 400)
    found, _ = at(wave + 0 * rows, down, across)
    assert np.abs(found[0] - np.sin(2 * np.pi * across / period)).max() < left


def test_the_bits_do_not_depend_on_which_places_are_asked_for_together(noise, places):
    rows, cols = places
    whole = at(noise, rows, cols)
    for part in (rows < 14, (rows > 30) & (cols > 31), np.arange(len(rows)) % 999 == 7):
        found = at(noise, rows[part], cols[part])
        assert np.array_equal(found[0], whole[0][:, part]) and np.array_equal(found[1], whole[1][part])


def test_near_a_hole_values_stay_within_those_of_their_pixels(noise, places):
    rows, cols = places
    weight = np.ones(noise.shape[1:])
    weight[40:44, 40:44] = 0
    torn = noise * (weight > 0)
    found, sure = at(torn, rows, cols, weight)
    near = (np.abs(rows - 41.5) < REACH) & (np.abs(cols - 41.5) < REACH)
    assert np.all(found[:, near & (sure > 0)] >= noise.min())
    assert np.all(found[:, near & (sure > 0)] <= noise.max())
    inside = (rows > 40) & (rows < 43) & (cols > 40) & (cols < 43)
    assert inside.any() and np.all(sure[inside] == 0) and np.all(found[:, inside] == 0)


def test_what_lies_in_a_hole_changes_nothing_around_it(noise, places):
    weight = np.ones(noise.shape[1:])
    weight[40:44, 40:44] = 0
    one, other = (np.where(weight > 0, noise, value) for value in (0.0, 9.0))
    first, second = (at(values, *places, weight)[0] for values in (one, other))
    beyond = np.maximum(np.abs(places[0] - 41.5), np.abs(places[1] - 41.5)) > 4
    assert np.array_equal(first[:, beyond], second[:, beyond])


def square(epsg, resolution, place=(18.0, 49.0)):
    """A square of pixels around a place."""
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(*place)
    left, top = (round(value / resolution) * resolution for value in (x, y))
    half = SIZE // 2 * resolution
    return GeoBox(
        (SIZE, SIZE), Affine(resolution, 0, left - half, 0, -resolution, top + half), f"EPSG:{epsg}"
    )


def off_after_both_ways(levels, here, there):
    """Levels (4, n) by which ground differs that was brought to another zone's pixels and back."""
    back = seen_from(seen_from(levels, here, there), there, here)
    inner = slice(None), slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN)
    return np.abs(back.astype(int) - levels)[inner].reshape(4, -1)


def seen_from(levels, source, target):
    """Levels on another zone's pixels: back to reflectance, between the pixels, and toned again."""
    to = Transformer.from_crs(str(target.crs), str(source.crs), always_xy=True)
    x, y = to.transform(*pixel_centres(target))
    pixel = source.affine.a
    rows, cols = (source.affine.f - y) / pixel - 0.5, (x - source.affine.c) / pixel - 0.5
    found, _ = at(TONE.invert(levels).astype(float), rows.ravel(), cols.ravel())
    return TONE.apply(encode(found.reshape(len(levels), *x.shape).astype(np.float32)))


def test_ground_as_sharp_as_the_optics_brought_to_the_other_zone_and_back_differs_by_at_most_4_levels():
    """Simulated edges are sharper than a pixel; Sentinel-2 shows at most 0.3 of the contrast at Nyquist."""
    here, there = square(32633, 10), square(32634, 10)
    scene = scene_arrays(World(9004, "33UYR"), here, date(2023, 7, 10), cloud_cover=0, hazy=False, orbit=0)
    blur = np.sqrt(-2 * np.log(0.3)) / np.pi
    levels = TONE.apply(encode(gaussian_filter(scene.clear, (0, blur, blur))))
    off = off_after_both_ways(levels, here, there)
    assert np.median(off, axis=1).max() <= 1
    assert np.percentile(off, 99, axis=1).max() <= 4


def test_a_real_scene_on_the_grid_of_60_m_brought_to_the_other_zone_and_back_differs_by_a_level(shared_data):
    """Its own pixels are 120 m wide; 33TWL lies as far from zone 34 as a zone's edge does."""
    day, place = date(2023, 8, 20), (15.75, 45.6)
    (scene,) = open_catalog(str(shared_data / "alpine_33TWL_33TWM" / "catalog.json"), "L2A").search(
        "33TWL", day, day, 100
    )
    whole = Tile.parse("33TWL").geobox(60)
    here, there = (square(epsg, 60, place) for epsg in (32633, 32634))
    top, left = ((whole.affine.f - here.affine.f) / 60, (here.affine.c - whole.affine.c) / 60)
    stored = read_scene(scene, whole)[:, round(top) :, round(left) :][:, :SIZE, :SIZE]
    assert filled(stored).all()
    off = off_after_both_ways(TONE.apply(stored), here, there)
    assert np.median(off, axis=1).max() == 0
    assert np.percentile(off, 99, axis=1).max() <= 1
