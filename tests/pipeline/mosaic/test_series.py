from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evidence import CLEAR, DOUBTFUL, HOLE
from pipeline.mosaic.series import CORE, SUSPECT, demoted, strips, suspicion

GRASS = np.array([0.05, 0.07, 0.04, 0.30])
SAND = np.array([0.34, 0.26, 0.18, 0.42])
DARK_SOIL = np.array([0.10, 0.08, 0.05, 0.18])
STONE = np.array([0.21, 0.20, 0.18, 0.26])
WATER = np.array([0.021, 0.033, 0.039, 0.012])
SKY_SHARE = np.array([0.30, 0.34, 0.42, 0.20])


def marks(*dates, sure=None):
    views = np.array(dates, np.float32)[:, :, None, None]
    sure = np.ones((len(dates), 1, 1), bool) if sure is None else np.array(sure)[:, None, None]
    return suspicion(views, sure)[0][:, 0, 0].tolist()


def clouded(ground, opaque, light=0.6):
    return ground + opaque * (light - ground)


def shaded(ground, taken):
    return ground * (1 - taken * (1 - SKY_SHARE))


@pytest.mark.parametrize("ground", [GRASS, SAND, DARK_SOIL])
@pytest.mark.parametrize("others", [1, 2, 3, 5])
def test_a_cloud_that_one_date_shows_is_found_on_that_date_alone(ground, others):
    found = marks(clouded(ground, 0.35), *[ground] * others)
    assert found[0] == CORE and not any(found[1:])


@pytest.mark.parametrize("ground", [GRASS, SAND, DARK_SOIL])
@pytest.mark.parametrize("others", [1, 2, 3, 5])
def test_a_shadow_that_one_date_shows_is_found_on_that_date_alone(ground, others):
    found = marks(*[ground] * others, shaded(ground, 0.6))
    assert found[-1] == CORE and not any(found[:-1])


@pytest.mark.parametrize("ground", [GRASS, SAND, DARK_SOIL, STONE])
@pytest.mark.parametrize("others", [1, 2, 3, 5])
@pytest.mark.parametrize("taken", [0.7, 0.95])
def test_ground_is_not_taken_for_cloud_because_another_date_lies_in_deep_shadow(ground, others, taken):
    found = marks(*[ground] * others, shaded(ground, taken))
    assert found[-1] == CORE and not any(found[:-1])


@pytest.mark.parametrize("opaque", [0.3, 0.6])
def test_a_cloud_over_ground_that_a_third_date_shows_in_deep_shadow_is_found(opaque):
    assert marks(clouded(STONE, opaque), STONE, shaded(STONE, 0.9)) == [CORE, 0, CORE]


@pytest.mark.parametrize("others", [1, 2, 3, 5])
def test_water_is_not_taken_for_shadow_because_another_date_shows_a_cloud(others):
    assert marks([0.119, 0.128, 0.137, 0.104], *[WATER] * others) == [CORE] + [0] * others


def test_two_dates_that_agree_are_ground_even_where_a_shadow_would_explain_them():
    cloudy, water = [0.084, 0.092, 0.100, 0.063], [0.021, 0.030, 0.039, 0.010]
    assert marks(cloudy, water, [0.026, 0.033, 0.042, 0.007]) == [CORE, 0, 0]


def test_ground_is_not_taken_for_shadow_because_it_greened_behind_a_thin_cloud():
    assert marks([0.130, 0.150, 0.125, 0.471], [0.089, 0.101, 0.064, 0.379]) == [0, 0]


def test_cloud_and_shadow_on_two_dates_leave_the_third():
    assert marks(clouded(GRASS, 0.5), GRASS, shaded(GRASS, 0.7)) == [CORE, 0, CORE]


def test_harvest_is_change_and_no_cloud_or_shadow():
    stubble = np.array([0.16, 0.12, 0.08, 0.26])
    assert marks(GRASS, stubble) == [0, 0]


@settings(max_examples=60)
@given(st.integers(0, 2**30), st.integers(2, 6))
def test_dates_that_agree_within_a_tenth_are_never_suspect(seed, dates):
    rng = np.random.default_rng(seed)
    ground = rng.uniform([0.02, 0.03, 0.02, 0.08], [0.35, 0.3, 0.2, 0.45])
    assert not any(marks(*(ground * rng.uniform(0.95, 1.05, 4) for _ in range(dates))))


def test_a_date_alone_cannot_be_compared():
    views = np.stack([GRASS, GRASS])[:, :, None, None].astype(np.float32)
    found, compared = suspicion(views, np.array([True, False])[:, None, None])
    assert not found.any() and not compared.any()


def test_suspicion_spreads_over_what_it_touches_and_makes_its_surroundings_doubtful():
    found = np.zeros((9, 12), np.uint8)
    found[4, 2], found[4, 3:5], found[4, 9] = 2, 1, 1
    compared = np.ones(found.shape, bool)
    compared[3, 2] = False
    level = np.full(found.shape, CLEAR, np.uint8)
    level[5, 2] = HOLE
    out = demoted(level, found, compared, margin=1.0)
    assert np.all(out[4, 2:5] == SUSPECT) and out[3, 2] == SUSPECT
    assert out[4, 5] == DOUBTFUL and out[4, 9] == CLEAR and out[5, 2] == HOLE


@pytest.mark.parametrize("views", [1, 7, 300])
def test_strips_cover_all_rows_and_hold_ever_fewer_the_more_views(views):
    found = strips(1830, 1830, views)
    assert found[0][0] == 0 and found[-1][1] == 1830
    assert all(a[1] == b[0] for a, b in pairwise(found))
    assert max(bottom - top for top, bottom in found) * views * 1830 <= max(2**20, views * 1830)
