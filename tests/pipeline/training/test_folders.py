import argparse
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import SourceError, UsageError
from pipeline.networks import load
from pipeline.training.command import add_train_arguments, run_train
from pipeline.training.datasets.eurosat import EurosatPatches
from pipeline.training.datasets.folders import OPENERS, eurosat, open_folders, parse_data, shares_with
from pipeline.training.patch_clusters import TEST_PLACE, TRAIN_PLACE, is_kept
from tests.pipeline.training.test_labelled import write_scene

PATCHES = 48


def test_a_network_is_trained_on_labels_and_its_card_tells_places_and_licences(tmp_path, tiny):
    write_scene(tmp_path / "mine" / "a", "Ljubljana", np.full((64, 64), 1), split="train")
    write_scene(tmp_path / "mine" / "b", "Maribor", np.full((64, 64), 2), split="test")
    config = tiny("water", "labelled", "patience = 0\nvalidation = ''")
    words = [
        "water",
        "--out",
        tmp_path,
        "--config",
        config,
        "--steps",
        "2",
        "--data",
        f"labelled={tmp_path / 'mine'}",
    ]
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    run_train(parser.parse_args([str(word) for word in words]))
    card = load("water", tmp_path).card
    assert card.places["train"] == ["Ljubljana"]
    assert "Maribor" in card.places["test"]
    assert any("ODbL 1.0" in sentence for sentence in card.trained_on)
    assert "--data labelled=DIR" in card.training["command"]


@pytest.fixture
def pictures(tmp_path):
    """EuroSAT's RGB folders, as they come out of its archive; green tells the class, red the patch."""
    for index, kind in enumerate(("Residential", "Industrial", "Forest", "Highway")):
        for number in range(1, PATCHES + 1):
            path = tmp_path / "EuroSAT" / "2750" / kind / f"{kind}_{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            colour = (5 * number, 40 * (index + 1), 60)
            Image.new("RGB", (64, 64), colour).save(path, quality=100, subsampling=0)
    return tmp_path


def test_eurosat_is_read_from_folders_in_its_own_layout(pictures):
    trained, kept = (EurosatPatches(pictures, 64, held_out).groups for held_out in (False, True))
    for label, green in enumerate((120, 40, 80)):
        patches = trained[label] + kept[label]
        assert len(patches) == PATCHES and trained[label] and kept[label]
        assert len({int(patch[0, 0, 0]) for patch in patches}) == PATCHES
        assert all(abs(int(patch[0, 0, 1]) - green) < 5 for patch in patches)
        assert all(is_kept(patch) for patch in kept[label])
        assert not any(is_kept(patch) for patch in trained[label])


def test_eurosat_without_bands_serves_buildings_and_is_split_by_clusters(pictures):
    source = eurosat(pictures, "buildings", 64)
    sample = source.sample(np.random.default_rng(0))
    assert sample.reflectance.shape == (4, 64, 64)
    assert source.places.train == (TRAIN_PLACE,) and source.places.test == (TEST_PLACE,)
    with pytest.raises(UsageError, match="'water'"):
        eurosat(pictures, "water", 64)
    with pytest.raises(SourceError, match="no places"):
        eurosat(pictures, "buildings", 64, "test")


def test_a_folder_without_eurosat_is_told(tmp_path):
    with pytest.raises(SourceError, match=r"Residential_N\.jpg"):
        eurosat(tmp_path, "buildings", 64)


def test_folders_are_given_by_name_and_the_shared_data_without(tmp_path):
    given = [str(tmp_path), f"labelled={tmp_path}"]
    assert parse_data(given, Path("x")) == (tmp_path, {"labelled": tmp_path})
    assert parse_data([], Path("x")) == (Path("x"), {})
    assert parse_data(["a=b"], Path("x")) == (Path("a=b"), {})


@pytest.mark.parametrize(
    ("values", "words"),
    [(["labelled=/gone"], "/gone"), (["labelled=.", "labelled=."], "twice")],
)
def test_folders_that_are_not_there_or_given_twice_are_told(values, words):
    with pytest.raises(UsageError, match=words):
        parse_data(values, Path("x"))


def test_sets_that_the_configuration_does_not_name_take_half_of_a_batch():
    found = shares_with({"simulated": 0.75, "alpine": 0.25}, {"labelled": Path("x"), "dfc2020": Path("y")})
    assert found == {"simulated": 0.75, "alpine": 0.25, "labelled": 0.5, "dfc2020": 0.5}
    assert shares_with({"labelled": 0.2, "simulated": 0.8}, {"labelled": Path("x")})["labelled"] == 0.2
    assert shares_with({"simulated": 1.0}, {}) == {"simulated": 1.0}


def test_a_shipped_configuration_takes_labels_besides_its_own_data(tmp_path, tiny, crops):
    write_scene(tmp_path / "mine", "Ljubljana", np.full((64, 64), 1), split="train")
    config = tiny("water", "simulated", "patience = 0\nvalidation = ''")
    words = ["water", "--out", tmp_path, "--config", config, "--steps", "2", "--seeds", "1"]
    words += ["--cache", crops("water", "simulated", 1), "--data", f"labelled={tmp_path / 'mine'}"]
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    run_train(parser.parse_args([str(word) for word in words]))
    assert load("water", tmp_path).card.places["train"] == ["simulator seeds 1", "Ljubljana"]


def test_a_configuration_must_be_given_what_it_names():
    with pytest.raises(UsageError, match="--data dfc2020=DIR"):
        open_folders({}, ["simulated", "dfc2020"], "water", 64)
    assert open_folders({}, ["simulated", "eurosat"], "buildings", 64) == {}


def test_each_name_opens_what_it_says(pictures, tmp_path):
    found = open_folders({"eurosat": pictures}, ["eurosat"], "buildings", 64)
    assert isinstance(found["eurosat"], EurosatPatches)
    for name in set(OPENERS) - {"eurosat", "cloudsen12"}:
        with pytest.raises(SourceError, match=r"[Tt]here (is|are) no"):
            open_folders({name: tmp_path / "EuroSAT"}, [name], "buildings", 64)
