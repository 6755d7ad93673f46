"""Validation places of folder sets are looked at, beside simulated ones or alone."""

import argparse

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.networks.card import read_card
from pipeline.training.command import add_train_arguments, run_train
from pipeline.training.config import read_config
from pipeline.training.datasets.labelled import labelled
from pipeline.training.validation import open_validation
from tests.pipeline.training.test_labelled import write_scene

WATER, GRASS = 1, 2


@pytest.fixture
def mine(tmp_path, few):
    """A set with one place in each split: dark water to train on, bright "water" to look at."""
    write_scene(tmp_path / "mine" / "a", "Ljubljana", np.full((64, 64), WATER), 0.02, split="train")
    write_scene(tmp_path / "mine" / "b", "Maribor", np.full((64, 64), WATER), 0.9, split="validation")
    write_scene(tmp_path / "mine" / "c", "Celje", np.full((64, 64), GRASS), 0.3, split="test")
    return tmp_path / "mine"


def opened(config, mine, cache):
    sources = {"labelled": labelled(mine, config.name, config.crop)}
    return open_validation(config, sources, mine, cache, {"labelled": mine})


@pytest.mark.parametrize(
    ("validation", "names"),
    [("", set()), ("places", {"labelled"}), ("8000", {"labelled", "simulated"})],
)
def test_the_validation_split_is_opened_where_validation_is_asked_for(
    tmp_path, tiny, crops, mine, validation, names
):
    config = read_config(tiny("water", "labelled = 1.0\nsimulated", f"validation = '{validation}'"))
    found = opened(config, mine, crops("water", "simulated", 8000))
    assert set(found) == names
    if "labelled" in found:
        seen = [found["labelled"].sample(np.random.default_rng(number)) for number in range(5)]
        assert all(np.allclose(sample.reflectance, 0.9, atol=1e-4) for sample in seen)


def test_sets_without_validation_places_are_left_out_or_told(tmp_path, tiny, crops, mine):
    write_scene(mine / "b", "Maribor", np.full((64, 64), WATER), split="train")
    config = read_config(tiny("water", "labelled = 1.0\nsimulated", "validation = '8000'"))
    assert set(opened(config, mine, crops("water", "simulated", 8000))) == {"simulated"}
    config = read_config(tiny("water", "labelled", "validation = 'places'"))
    with pytest.raises(UsageError, match="No data set has a place of the split 'validation'"):
        opened(config, mine, tmp_path)


def test_training_stops_by_the_validation_places_of_the_labels(tmp_path, tiny, mine, capsys):
    config = tiny("water", "labelled", "validate_every = 1")
    words = ["water", "--out", tmp_path / "out", "--config", config, "--steps", "3", "--validation", "places"]
    words += ["--patience", "9", "--data", f"labelled={mine}"]
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    run_train(parser.parse_args([str(word) for word in words]))
    assert capsys.readouterr().err.count("validation: score") == 3
    card = read_card(tmp_path / "out" / "water.json")
    assert card.places["validation"] == ["Maribor"] and card.places["train"] == ["Ljubljana"]
    assert "--validation places" in card.training["command"]
