import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from pipeline.evidence import DOUBTFUL, HOLE, NO_DATA
from pipeline.mosaic.fields import Axis, field
from pipeline.mosaic.pixels import Says, Scenes, count, fuse, hide_empty, show, soften, sureness_of
from pipeline.raster import decode, encode

SIDE, CELLS, PIXELS = 6, 7, 31


def axis():
    return Axis.of_cells(3, PIXELS, SIDE, CELLS)


def scenes(rng, names):
    n = len(names)
    gain = rng.uniform(0.9, 1.1, (n, 4, CELLS, CELLS)).astype(np.float32)
    offset = rng.uniform(-0.01, 0.01, (n, 4, CELLS, CELLS)).astype(np.float32)
    plain = rng.random(n) < 0.3
    gain[plain], offset[plain] = 1, 0
    stored = rng.integers(1, 9_000, (n, 4, PIXELS, PIXELS)).astype(np.uint16)
    cloud = (rng.random((n, PIXELS, PIXELS)) < 0.2).astype(np.uint8)
    return Scenes(np.array(names, np.uint8), stored, cloud, plain, gain, offset)


def said(ranks, names, margin):
    inner = ranks.shape[0] - 2 * margin
    says = Says(np.empty((len(names), inner, inner), np.float32), np.empty((inner, inner), np.uint8))
    soften(ranks, np.array(names, np.uint8), (margin, margin), 2, says)
    return says


def corrected(seen, index):
    values = decode(seen.stored[index])
    rows = cols = axis()
    gain, offset = (
        np.stack([field(band, rows, cols) for band in fields[index]]) for fields in (seen.gain, seen.offset)
    )
    return values * gain + offset


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_pixels_are_the_mean_of_the_clear_scenes_by_what_their_cells_say(seed, n):
    rng = np.random.default_rng(seed)
    names = sorted(rng.choice(np.arange(1, 200), n, replace=False).tolist())
    # Large patches, so that there is ground that one scene alone shows.
    ranks = np.array(names, np.uint8)[rng.integers(n, size=(3, 3))].repeat(5, axis=0).repeat(5, axis=1)
    ranks = np.ascontiguousarray(ranks[: CELLS + 4, : CELLS + 4])
    seen, says = scenes(rng, names), said(ranks, names, 2)
    out, origin = np.empty((4, PIXELS, PIXELS), np.uint16), np.empty((PIXELS, PIXELS), np.uint8)
    fuse(seen, says, axis().parts, axis().parts, out, origin)

    weights = np.stack([field(share, axis(), axis()) for share in says.shares]) * (seen.cloud == 0)
    total = weights.sum(axis=0)
    mean = sum(corrected(seen, index) * weight for index, weight in enumerate(weights))
    with np.errstate(invalid="ignore"):
        expected = encode(mean / total, total > 0)
    assert np.abs(out.astype(int) - expected).max() <= 1
    assert np.array_equal(origin > 0, total > 0)
    most = np.take(names, weights.argmax(axis=0))
    clearly = np.sort(weights, axis=0)[-1] > (np.sort(weights, axis=0)[-2] + 1e-5 if n > 1 else 0)
    assert np.array_equal(origin[clearly & (total > 0)], most[clearly & (total > 0)])


def test_what_one_plain_scene_shows_is_copied_to_the_bit():
    rng = np.random.default_rng(5)
    seen = scenes(rng, [9])._replace(plain=np.array([True]))
    out, origin = np.empty((4, PIXELS, PIXELS), np.uint16), np.empty((PIXELS, PIXELS), np.uint8)
    fuse(seen, said(np.full((11, 11), 9, np.uint8), [9], 2), axis().parts, axis().parts, out, origin)
    clear = seen.cloud[0] == 0
    assert np.array_equal(out, np.where(clear, seen.stored[0], 0)) and np.array_equal(origin, clear * 9)


@given(st.integers(0, 10**6))
def test_shares_are_those_of_the_cells_around_and_go_on_beyond_the_border(seed):
    ranks = np.random.default_rng(seed).integers(0, 4, (9, 9)).repeat(4, axis=0).astype(np.uint8)
    says = Says(np.empty((3, *ranks.shape), np.float32), np.empty(ranks.shape, np.uint8))
    soften(ranks, np.array([1, 2, 3], np.uint8), (0, 0), 2, says)
    for index, share in enumerate(says.shares):
        wanted = uniform_filter((ranks == index + 1).astype(np.float64), 5, mode="nearest")
        assert np.allclose(share, wanted, atol=1e-6)
        assert np.array_equal(says.sole == index + 1, share == 1)


def test_a_scene_is_put_only_where_it_is_asked_for():
    rng = np.random.default_rng(6)
    seen, takes = scenes(rng, [1]), rng.random((PIXELS, PIXELS)) < 0.5
    out = np.full((4, PIXELS, PIXELS), 7, np.uint16)
    show(seen.stored[0], takes, seen.gain[0], seen.offset[0], axis().parts, axis().parts, out)
    assert np.all(out[:, ~takes] == 7)
    assert np.abs(out[:, takes].astype(int) - encode(corrected(seen, 0))[:, takes]).max() <= 1


@pytest.mark.parametrize(("reflectance", "stored"), [(-1, 1), (0, 1), (0.5, 5001), (9, 65_535)])
def test_what_no_number_can_hold_is_held_to_the_ends(reflectance, stored):
    one = np.full((4, 1, 1), 1, np.uint16)
    gain, offset = np.ones((4, 1, 1), np.float32), np.full((4, 1, 1), reflectance, np.float32)
    place, out = Axis.of_cells(0, 1, 1, 1).parts, np.zeros((4, 1, 1), np.uint16)
    show(one, np.ones((1, 1), bool), gain, offset, place, place, out)
    assert np.all(out == stored)


def test_a_pixel_that_lacks_a_band_has_no_data():
    stored, cloud = np.ones((4, 2, 2), np.uint16), np.zeros((2, 2), np.uint8)
    stored[2, 0, 1] = 0
    hide_empty(stored, cloud)
    assert cloud.tolist() == [[0, NO_DATA], [0, 0]]


def test_a_pixel_is_as_sure_as_its_cell_and_doubtful_at_least():
    level = np.array([[1, 2], [HOLE, 3]], np.uint8)
    origin = np.zeros((2, 4, 4), np.uint8)
    origin[0] = 5
    assert not sureness_of(level, (4, 4), 4, np.array(origin[:, :1, :1]))
    assert not sureness_of(level, (0, 0), 2, origin)
    assert origin[1, ::2, ::2].tolist() == [[1, 2], [DOUBTFUL, 3]]
    origin[0, 3, 0] = 0
    assert sureness_of(level, (0, 0), 2, origin) and origin[1, 3, 0] == HOLE


def test_pixels_are_counted_by_rank_and_level():
    rng = np.random.default_rng(7)
    origin = np.stack([rng.integers(0, 201, (9, 9)), rng.integers(0, 4, (9, 9))]).astype(np.uint8)
    ranks, levels = np.zeros(201, np.int64), np.zeros(4, np.int64)
    count(origin, ranks, levels)
    assert np.array_equal(ranks, np.bincount(origin[0].ravel(), minlength=201))
    assert np.array_equal(levels, np.bincount(origin[1].ravel(), minlength=4))
