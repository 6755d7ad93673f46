"""What the shipped weights do on real scenes, the held-out parts among them."""

import pytest

from pipeline.networks.registry import WEIGHTS
from pipeline.training import evaluate_haze
from pipeline.training.evaluate import on_alpine, on_desert

HAZY_OR_MOSTLY_CLOUD = "20230810"


def test_cloud_masks_are_sound_on_the_alpine_tile_kept_for_tests(shared_data):
    found = on_alpine("cloud", shared_data, held_out=True, weights=WEIGHTS)["classes"]
    assert found["cloud"]["f1"] > 0.9
    assert found["clear"]["recall"] > 0.97


def test_preview_clouds_are_sound_on_the_alpine_tile_kept_for_tests(shared_data):
    found = on_alpine("preview-cloud", shared_data, held_out=True, weights=WEIGHTS)["classes"]
    assert found["cloud"]["f1"] > 0.85


@pytest.mark.parametrize("held_out", [False, True])
def test_good_alpine_dates_are_not_hazy(shared_data, held_out):
    scores = evaluate_haze.on_alpine(shared_data, held_out=held_out, weights=WEIGHTS)["scores"]
    good = {name: score for name, score in scores.items() if HAZY_OR_MOSTLY_CLOUD not in name}
    assert len(good) == 4
    assert max(good.values()) < 0.5


def test_bright_sand_is_not_cloud(shared_data):
    found = on_desert(shared_data, WEIGHTS)["classes"]
    assert found["clear"]["recall"] > 0.9
