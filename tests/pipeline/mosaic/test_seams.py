import numpy as np
import pytest

from pipeline.mosaic.seams import SeamScore


def picture(step):
    rng = np.random.default_rng(2)
    data = rng.normal(100, 5, (4, 80, 80))
    data[:, :, 40:] += step
    return np.clip(data, 1, 255).astype(np.uint8)


def labels():
    found = np.zeros((80, 80), np.int16)
    found[:, 40:] = 1
    return found


def score(step, use=None, marked=None):
    found = SeamScore()
    found.add(
        picture(step), np.ones((80, 80), bool) if use is None else use, labels() if marked is None else marked
    )
    return found


def test_an_invisible_seam_scores_about_one():
    assert score(0).score == pytest.approx(1, abs=0.15)


def test_a_step_at_the_seam_shows_in_the_score():
    assert score(30).score > 3


def test_a_step_that_is_no_seam_does_not():
    elsewhere = np.zeros((80, 80), np.int16)
    elsewhere[60:] = 1
    assert score(30, marked=elsewhere).score == pytest.approx(1, abs=0.25)


def test_water_and_empty_ground_are_left_out():
    assert score(30, use=np.zeros((80, 80), bool)).pairs == 0


def test_without_seams_the_score_is_one():
    assert score(30, marked=np.zeros((80, 80), np.int16)).score == 1
