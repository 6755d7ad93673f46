import argparse
import json

import numpy as np
import pytest
import torch

from pipeline.errors import UsageError
from pipeline.networks import load, registry
from pipeline.networks.card import read_card
from pipeline.training.calibrate import calibrate, fit_temperature, next_patch
from pipeline.training.evaluate_command import add_calibrate_arguments, run_calibrate


def softmax(scores):
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    return chances / chances.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_scores_were_heated_by_is_found(temperature):
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (60_000, 3))
    true = softmax(scores)
    labels = (rng.random(len(true))[:, None] > true.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(softmax(scores * temperature), labels) == pytest.approx(temperature, rel=0.03)


def test_without_pixels_nothing_is_fitted():
    with pytest.raises(UsageError, match="no pixels"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, int))


@pytest.fixture
def water(make_weights):
    """Random weights of a water network, whose answers are far too sure."""
    changes = {"name": "water", "classes": ("other", "water"), "bands": ("nir", "red", "green"), "margin": 64}
    folder = make_weights(**changes, temperature=0.05)
    return folder


def test_a_network_is_calibrated_without_a_change_of_classes(water, monkeypatch):
    monkeypatch.setattr("pipeline.training.cases.SIDE", 32)
    reflectance = np.random.default_rng(0).random((4, 64, 64)).astype(np.float32)
    before = load("water", water).probabilities(reflectance)
    found = calibrate("water", water, [8000, 8001], [60])
    assert found["after"]["cross_entropy"] < found["before"]["cross_entropy"]
    assert found["after"]["ece"] < found["before"]["ece"]
    card = read_card(water / "water.json")
    assert card.temperature == found["temperature"] > 0.05
    assert card.version == found["version"] == "test.1"
    assert card.places["validation"] == ["simulator seeds 8000-8001"]
    registry._load.cache_clear()
    after = load("water", water).probabilities(reflectance)
    assert np.array_equal(before.argmax(axis=0), after.argmax(axis=0))
    assert after.max() < before.max()


def test_the_temperature_divides_the_scores(make_weights):
    x = torch.rand(4, 64, 64).numpy()
    cold = load("cloud", make_weights())
    probabilities = cold.run(x)
    registry._load.cache_clear()
    warm = load("cloud", make_weights(temperature=2.0)).run(x)
    expected = probabilities**0.5
    assert np.allclose(warm, expected / expected.sum(axis=0), atol=1e-5)


def test_a_network_whose_probabilities_are_read_as_they_are_is_not_calibrated(weights):
    with pytest.raises(UsageError, match=r"cloud keeps its temperature of 1"):
        calibrate("cloud", weights, [8000], [60])


def command(*words):
    parser = argparse.ArgumentParser()
    add_calibrate_arguments(parser)
    return run_calibrate(parser.parse_args([str(word) for word in words]))


@pytest.mark.parametrize("seeds", ["1-3", "9000"])
def test_only_validation_seeds_serve(water, seeds):
    with pytest.raises(UsageError, match="8000 to 8999"):
        command("water", "--weights", water, "--seeds", seeds)


def test_the_command_tells_what_it_changed(water, monkeypatch, capsys):
    monkeypatch.setattr("pipeline.training.cases.SIDE", 32)
    command("water", "--weights", water, "--seeds", "8000", "--resolutions", "60", "--version", "3.0.0")
    assert (
        json.loads(capsys.readouterr().out)["version"] == read_card(water / "water.json").version == "3.0.0"
    )


def test_patch_versions_rise():
    assert [next_patch(v) for v in ("2.0.0", "1.9.9", "test")] == ["2.0.1", "1.9.10", "test.1"]
