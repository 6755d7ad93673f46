import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evidence import sureness
from pipeline.mosaic.fusion import Fusion, opacity

SHAPE = (12, 15)


def lay(fusion, value, usable, rank, level=1):
    values = np.where(usable, np.float32(value), np.float32(np.nan))
    fusion.lay(np.stack([values] * 4), opacity(usable, 3), rank, np.where(usable, level, 0).astype(np.uint8))


@settings(max_examples=60)
@given(st.integers(0, 2**30), st.integers(1, 5))
def test_every_usable_pixel_is_filled_between_the_scenes_that_are_usable_there(seed, count):
    rng = np.random.default_rng(seed)
    fusion, low, high = Fusion(SHAPE), np.full(SHAPE, np.inf), np.full(SHAPE, -np.inf)
    anyone = np.zeros(SHAPE, bool)
    for rank in range(1, count + 1):
        usable = rng.random(SHAPE) > 0.4
        value = float(rng.uniform(0.05, 0.5))
        lay(fusion, value, usable, rank)
        anyone |= usable
        low, high = (
            np.where(usable, np.minimum(low, value), low),
            np.where(usable, np.maximum(high, value), high),
        )
    values, origin = fusion.result()
    assert np.array_equal(np.isfinite(values[0]), anyone) and np.array_equal(origin[0] > 0, anyone)
    assert np.all(values[0][anyone] >= low[anyone] - 1e-5)
    assert np.all(values[0][anyone] <= high[anyone] + 1e-5)


def test_a_surer_scene_is_never_displaced_in_the_provenance():
    fusion = Fusion(SHAPE)
    edge = np.zeros(SHAPE, bool)
    edge[:, :5] = True
    lay(fusion, 0.1, edge, 2, level=1)
    lay(fusion, 0.2, np.ones(SHAPE, bool), 1, level=2)
    _, (rank, level) = fusion.result()
    assert np.all(rank[:, :5] == 2) and np.all(level[:, :5] == 1)
    assert np.all(rank[:, 5:] == 1) and np.all(level[:, 5:] == 2)


def test_a_transition_has_no_step():
    shape = (5, 60)
    fusion = Fusion(shape)
    left = np.zeros(shape, bool)
    left[:, :30] = True
    for value, usable, rank in ((0.1, left, 1), (0.2, np.ones(shape, bool), 2)):
        values = np.where(usable, np.float32(value), np.float32(np.nan))
        fusion.lay(np.stack([values] * 4), opacity(usable, 10), rank, usable.astype(np.uint8))
    row = fusion.result()[0][0, 2]
    assert abs(row[0] - 0.1) < 1e-6 and abs(row[-1] - 0.2) < 1e-6
    assert np.abs(np.diff(row)).max() < 0.02


def test_sureness_knows_the_margin_around_cloud_and_shadow():
    cloud = np.zeros((9, 9), np.uint8)
    cloud[4, 4], cloud[0, 0] = 2, 255
    level = sureness(cloud, 2.0)
    assert level[4, 4] == 0 and level[0, 0] == 0
    assert level[4, 6] == 2 and level[5, 5] == 2 and level[4, 7] == 1 and level[6, 6] == 1
    assert level[0, 1] == 1
    assert sureness(cloud, 0.0)[4, 5] == 1
