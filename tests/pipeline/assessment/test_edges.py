import numpy as np
import pytest

from pipeline.assessment.edges import EdgeFigures
from pipeline.assessment.likeness import Likeness


def ground(seed=0):
    return np.random.default_rng(seed).normal(100, 10, (4, 300, 300)).astype(np.float32)


def ranks():
    return np.where(np.arange(300)[None, :] * np.ones((300, 1)) < 150, 1, 2).astype(np.uint8)


def figures(picture, second=None):
    found = EdgeFigures(resolution=60)
    for top in range(30, 270, 30):
        rows = slice(top - 25, top + 55)
        inner = (slice(25, 55), slice(0, 300))
        grounds = {1: ground()[:, rows], 2: (ground() if second is None else second)[:, rows]}
        found.add(picture[:, rows], grounds, ranks()[rows], inner)
    return found.report()


def test_ground_without_an_edge_has_figures_of_one_and_no_step():
    found = figures(ground())
    assert found["seam_score"] == pytest.approx(1) and found["blur"] == pytest.approx(1)
    assert found["step_mean"] == 0 and found["edge_pairs"] == 240


def test_noise_of_the_picture_is_no_edge():
    noisy = ground() + np.random.default_rng(9).normal(0, 5, (4, 300, 300)).astype(np.float32)
    low, high = figures(noisy)["seam_score_95"]
    assert low < 1 < high and high - low < 0.2


def test_a_step_shows_in_the_score_and_in_levels():
    stepped = ground()
    stepped[:, :, 150:] += 12
    found = figures(stepped)
    assert found["seam_score"] > 1.2 and found["seam_score_95"][0] > 1
    assert found["step_mean"] == pytest.approx(12, abs=1e-3)


def test_a_blend_of_two_dates_that_takes_the_texture_away_shows_as_blur():
    made = ground()
    made[:, :, 146:154] = made[:, :, 146:154].mean(axis=2, keepdims=True)
    assert figures(made)["blur"] < 0.6


def test_the_rmse_forgives_one_gain_and_nothing_else():
    truth, found = ground() / 1000, Likeness()
    off = truth.copy()
    off[:, :150] += 0.02
    holes = truth.copy()
    holes[:, :5] = np.nan
    found.add(truth, {"gain": truth * 1.2, "off": off, "torn": holes})
    rmse = found.rmse()
    assert max(rmse["gain"]) < 1e-6 and max(rmse["torn"]) < 1e-6
    assert 0.005 < min(rmse["off"]) < 0.02


def test_each_side_is_held_against_its_own_date():
    dull = 100 + (ground() - 100) / 3
    made = np.where(ranks() == 1, ground(), dull).astype(np.float32)
    fair, unfair = figures(made, dull), figures(made)
    assert fair["blur"] == pytest.approx(1, abs=0.05)
    assert abs(fair["seam_score"] - 1) < abs(unfair["seam_score"] - 1)
