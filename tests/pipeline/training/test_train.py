import argparse
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pipeline.errors import ModelError, UsageError
from pipeline.networks import load
from pipeline.networks.card import read_card
from pipeline.networks.modules import tensors_of
from pipeline.networks.registry import WEIGHTS
from pipeline.networks.unet import UNet
from pipeline.training.command import add_train_arguments, command_of, run_train, settings_of
from pipeline.training.config import default_config, read_config
from pipeline.training.evaluate_command import add_evaluate_arguments, run_evaluate
from pipeline.training.export import leant
from pipeline.training.finetune import next_version
from pipeline.training.loop import Plan
from pipeline.training.run import plan_of, steps_of
from pipeline.training.tasks import batches, class_weights
from pipeline.training.team import Team


def arguments(add, *words):
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(word) for word in words])


def train(*words):
    return run_train(arguments(add_train_arguments, *words))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("cloud", "simulated"),
        ("cloud", "simulated-fair"),
        ("vegetation", "simulated"),
        ("haze", "simulated-haze"),
    ],
)
def test_training_writes_weights_that_load_and_evaluate(
    tmp_path, tiny, crops, capsys, monkeypatch, name, source
):
    monkeypatch.setattr("pipeline.training.cases.SIDE", 64)
    monkeypatch.setattr("pipeline.training.evaluate_haze.PREVIEWS", 2)
    words = [name, "--out", tmp_path, "--config", tiny(name, source), "--cache", crops(name, source, 1)]
    train(*words, "--seeds", "1", "--steps", "3")
    card = load(name, tmp_path).card
    assert card.width == 0.0625
    assert card.places["train"] == ["simulator seeds 1"]
    assert card.training["steps"] == 3
    assert "--seeds 1" in card.training["command"]

    words = [name, "--weights", tmp_path, "--seeds", "8003", "--json", tmp_path / "figures.json", "--record"]
    run_evaluate(arguments(add_evaluate_arguments, *words))
    found = json.loads((tmp_path / "figures.json").read_text())
    assert json.loads(capsys.readouterr().out) == found
    assert set(found["f1"]) == set(found["iou"]) == set(load(name, tmp_path).classes)
    assert {"overall_accuracy", "mean_iou", "confusion", "ece", "intervals"} <= set(found)
    text = (tmp_path / f"{name}.md").read_text()
    assert f"evaluate {name} --seeds 8003" in text
    assert "simulator seeds 1\n" in text


def test_training_with_validation_logs_it_and_names_its_places(tmp_path, tiny, crops, capsys):
    words = ["cloud", "--out", tmp_path, "--config", tiny("cloud", "simulated", "validate_every = 2")]
    words += ["--cache", crops("cloud", "simulated", 1, 8000), "--seeds", "1"]
    train(*words, "--steps", "4", "--validation", "8000", "--patience", "9")
    assert capsys.readouterr().err.count("validation: score") == 2
    assert read_card(tmp_path / "cloud.json").places["validation"] == ["simulator seeds 8000"]
    assert list((tmp_path / "logs" / "cloud").glob("events.*"))


def test_epochs_count_how_often_each_crop_is_drawn(tmp_path, tiny, crops):
    words = ["cloud", "--out", tmp_path, "--config", tiny("cloud", "simulated"), "--seeds", "1-2"]
    train(*words, "--cache", crops("cloud", "simulated", 1, 2), "--epochs", "1.5")
    # Two seeds of three crops, two crops a step.
    assert read_card(tmp_path / "cloud.json").training["steps"] == 5


def test_an_endless_data_set_has_no_epochs():
    with pytest.raises(UsageError, match="'own' is endless"):
        steps_of(1, read_config(default_config("cloud")), {"own": object()})


@pytest.mark.parametrize("seeds", ["9000", "7990-9010", "0"])
def test_seeds_kept_for_tests_are_never_trained_on(tmp_path, seeds):
    with pytest.raises(UsageError, match="only 1 to 7999"):
        train("cloud", "--out", tmp_path, "--seeds", seeds)


@pytest.fixture
def base(tmp_path, tiny, crops):
    """Weights of a tiny cloud network, trained for a step; returns their folder and the words of that run."""
    words = [
        "--config",
        tiny("cloud", "simulated"),
        "--cache",
        crops("cloud", "simulated", 1),
        "--seeds",
        "1",
    ]
    train("cloud", "--out", tmp_path / "base", *words, "--steps", "1")
    return tmp_path / "base" / "cloud.safetensors", words


def test_training_goes_on_from_given_weights_with_a_new_version_and_card(tmp_path, base):
    file, words = base
    train("cloud", "--out", tmp_path / "fine", *words, "--steps", "1", "--from", file)
    before, after = (read_card(tmp_path / name / "cloud.json") for name in ("base", "fine"))
    assert after.version == "2.1.0"
    assert after.made_from == f"cloud {before.version}, SHA-256 {before.sha256}"
    assert after.training["command"].endswith("--from cloud.safetensors --steps 1 --seeds 1")
    assert after.places == before.places
    one, two = (load("cloud", tmp_path / name).tensors for name in ("base", "fine"))
    drawn = tensors_of(UNet(4, 3, 0.0625))
    filters = [key for key in one if key.endswith("conv.weight")]
    moved = max(np.abs(one[key] - two[key]).max() for key in filters)
    apart = max(np.abs(one[key] - drawn[key]).max() for key in filters)
    assert 0 < moved < apart / 3


def test_new_weights_can_be_mixed_with_those_that_training_started_from(tmp_path, base):
    file, words = base
    for keep in ("1", "0.25"):
        train("cloud", "--out", tmp_path / keep, *words, "--steps", "1", "--from", file, "--keep", keep)
    folders = (file.parent, tmp_path / "1", tmp_path / "0.25")
    start, new, found = (load_file(folder / file.name) for folder in folders)
    for name, value in start.items():
        if value.is_floating_point():
            assert torch.allclose(found[name], 0.75 * value + 0.25 * new[name], atol=1e-6)
    assert any(not torch.equal(new[name], value) for name, value in start.items())
    command = read_card(tmp_path / "0.25" / "cloud.json").training["command"]
    assert command.endswith("--keep 0.25")


def test_fine_tuning_of_shipped_weights_is_short_and_gentle():
    config, start = settings_of(arguments(add_train_arguments, "cloud", "--out", "x", "--from", "cloud"))
    shipped = read_config(default_config("cloud"))
    assert start == WEIGHTS / "cloud.safetensors"
    assert config.width == read_card(WEIGHTS / "cloud.json").width
    assert config.steps < shipped.steps / 10
    assert config.learning_rate < shipped.learning_rate
    assert config.lean == ()
    assert config.fingerprint() != shipped.fingerprint()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "nothing.safetensors"), "no weights to start from at nothing"),
        (("--from", "water"), "of water, not of cloud"),
        (("--from", "cloud", "--width", "1"), "leave it out"),
    ],
)
def test_weights_that_cannot_be_started_from_are_told(words, told):
    with pytest.raises(UsageError, match=told):
        settings_of(arguments(add_train_arguments, "cloud", "--out", "x", *words))


def test_changed_weights_are_not_started_from(tmp_path, base):
    file, words = base
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="hash"):
        train("cloud", "--out", tmp_path / "fine", *words, "--steps", "1", "--from", file)


def test_versions_rise():
    assert [next_version(v) for v in ("2.0.1", "1.9.0", "test")] == ["2.1.0", "1.10.0", "test.1"]


def test_arguments_replace_settings_and_are_told_in_the_command():
    words = [
        "water",
        "--out",
        "x",
        "--width",
        "0.25",
        "--steps",
        "9",
        "--batch",
        "4",
        "--precision",
        "float32",
    ]
    args = arguments(add_train_arguments, *words)
    config, _ = settings_of(args)
    assert (config.width, config.steps, config.batch, config.precision) == (0.25, 9, 4, "float32")
    told = "python -m pipeline train water --width 0.25 --steps 9 --batch 4 --precision float32"
    assert command_of(args) == told


class Halves:
    """Crops whose left quarter is of class 1."""

    def __init__(self, side=8):
        self.side = side

    def sample(self, rng):
        from pipeline.training.datasets import Sample

        labels = np.zeros((self.side, self.side), np.uint8)
        labels[: self.side // 4] = 1
        return Sample(rng.random((4, self.side, self.side)).astype(np.float32), labels)


def test_rare_classes_weigh_more_where_no_weights_are_given(tiny):
    text = tiny("water", "own")
    text.write_text(text.read_text().replace("class_weights = [1.0, 1.0]\n", ""))
    common, rare = class_weights(read_config(text), {"own": Halves(32)})
    assert rare > common
    assert rare / common == pytest.approx(np.sqrt(3), rel=0.1)
    assert (common + rare) / 2 == pytest.approx(1)


def test_given_class_weights_are_kept():
    config = read_config(default_config("cloud"))
    assert class_weights(config, {}) == config.class_weights


def test_the_parts_of_a_batch_are_its_crops():
    config = read_config(default_config("water"))
    sources = {name: Halves(32) for name in config.sources}
    whole = batches(config, sources)(7)
    parts = [batches(config, sources, Team(rank, 3))(7) for rank in range(3)]
    for key, value in whole.items():
        assert torch.equal(value, torch.cat([part[key] for part in parts]))


def test_a_batch_is_not_smaller_than_the_team():
    config = read_config(default_config("cloud"))
    assert isinstance(plan_of(config, Team(0, 6)), Plan)
    with pytest.raises(UsageError, match="too small for 7 processes"):
        plan_of(config, Team(0, 7))


def test_a_network_leans_by_what_is_added_to_its_scores():
    torch.manual_seed(0)
    module, x = UNet(4, 3, 0.0625).eval(), torch.rand(1, 4, 32, 32)
    with torch.no_grad():
        before = module(x)
        after = leant(module, (0.0, 1.0, -0.5))(x)
    assert torch.allclose(after - before, torch.tensor([0.0, 1.0, -0.5])[None, :, None, None], atol=1e-5)


def test_a_lean_of_other_classes_is_refused():
    with pytest.raises(UsageError, match="2 values of `lean` for 3 classes"):
        leant(UNet(4, 3, 0.0625), (0.0, 1.0))


def test_an_encoder_of_vgg16_is_where_training_starts(tmp_path, tiny, crops):
    words = ["vegetation", "--out", tmp_path, "--config", tiny("vegetation", "simulated")]
    words += ["--cache", crops("vegetation", "simulated", 1), "--seeds", "1", "--steps", "1"]
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "vgg16.pth")
    with pytest.raises(ModelError, match=r"is not VGG16: features\.2\.weight has the shape None"):
        train(*words, "--encoder", tmp_path / "vgg16.pth")
    with pytest.raises(UsageError, match="Give --from or --encoder"):
        train(*words, "--encoder", tmp_path / "vgg16.pth", "--from", "vegetation")
    asked = arguments(add_train_arguments, *words, "--encoder", tmp_path / "vgg16.pth")
    assert "--encoder vgg16.pth" in command_of(asked)
