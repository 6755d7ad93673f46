import argparse
import json

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.errors import UsageError
from pipeline.networks import load
from pipeline.networks.unet import UNet
from pipeline.training.command import (
    add_evaluate_arguments,
    add_train_arguments,
    run_evaluate,
    run_train,
)
from pipeline.training.config import CONFIGS, default_config, parse_seeds, read_config
from pipeline.training.export import leant
from pipeline.training.loop import learning_rate, train


def arguments(add, *words):
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(word) for word in words])


def tiny(path, name, source):
    """A copy of the shipped configuration of a network, small enough for a test."""
    text = (CONFIGS / f"{name}.toml").read_text(encoding="utf-8")
    lines = text.split("[sources]")[0].splitlines()
    kept = "\n".join(line for line in lines if not line.startswith(("width", "crop", "batch")))
    path.write_text(f"width = 0.0625\nbatch = 2\ncrop = 32\n{kept}\n[sources]\n{source} = 1.0\n")
    return path


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr("pipeline.training.datasets.simulated.CROPS_PER_SEED", 3)
    monkeypatch.setattr("pipeline.training.datasets.simulated.PREVIEWS_PER_SEED", 1)
    monkeypatch.setattr("pipeline.training.evaluate.SIDE", 64)
    monkeypatch.setattr("pipeline.training.evaluate.DATES", 1)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("cloud", "simulated"),
        ("cloud", "simulated-fair"),
        ("vegetation", "simulated"),
        ("haze", "simulated-haze"),
    ],
)
def test_training_writes_weights_that_load_and_evaluate(tmp_path, few, capsys, name, source):
    from pipeline.training.datasets.simulated import cache_folder, kinds_for, write_seed

    (kind,) = kinds_for([source], name)
    folder = cache_folder(tmp_path / "cache", kind, 32)
    folder.mkdir(parents=True)
    write_seed(1, folder, kind, 32)
    config = tiny(tmp_path / "tiny.toml", name, source)
    words = [name, "--out", tmp_path, "--config", config, "--cache", tmp_path / "cache", "--seeds", "1"]
    run_train(arguments(add_train_arguments, *words, "--steps", "3"))
    assert load(name, tmp_path).card.width == 0.0625

    words = [name, "--weights", tmp_path, "--seeds", "8003", "--json", tmp_path / "figures.json", "--record"]
    run_evaluate(arguments(add_evaluate_arguments, *words))
    found = json.loads((tmp_path / "figures.json").read_text())
    assert json.loads(capsys.readouterr().out) == found
    assert set(found["classes"]) == set(load(name, tmp_path).classes)
    assert f"evaluate {name} --seeds 8003" in (tmp_path / f"{name}.md").read_text()


def problem(seed=0):
    """A small regression whose batches depend on the step alone."""
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))

    def batch_at(step):
        x = torch.from_numpy(np.random.default_rng(step).normal(size=(16, 3)).astype(np.float32))
        return {"x": x, "y": x.sum(dim=1, keepdim=True)}

    return module, batch_at, lambda m, b: ((m(b["x"]) - b["y"]) ** 2).mean()


def run(module, batch_at, loss_of, checkpoint):
    return train(
        module,
        batch_at,
        loss_of,
        steps=40,
        highest_rate=0.01,
        weight_decay=0.0,
        checkpoint=checkpoint,
        tell=lambda line: None,
        every=5,
        save_every=10,
    )


def test_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    whole, batch_at, loss_of = problem()
    run(whole, batch_at, loss_of, tmp_path / "whole.safetensors")

    def interrupted(step):
        if step == 27:
            raise KeyboardInterrupt
        return batch_at(step)

    first = problem()[0]
    with pytest.raises(KeyboardInterrupt):
        run(first, interrupted, loss_of, tmp_path / "parts.safetensors")
    second = problem(seed=9)[0]
    run(second, batch_at, loss_of, tmp_path / "parts.safetensors")
    for key, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[key])


def test_training_lowers_the_loss(tmp_path):
    module, batch_at, loss_of = problem()
    before = float(loss_of(module, batch_at(100)).detach())
    assert run(module, batch_at, loss_of, tmp_path / "run.safetensors") < before


def test_learning_rate_rises_to_its_highest_and_falls_to_zero():
    rates = [learning_rate(step, 100, 0.01) for step in range(101)]
    assert max(rates) == pytest.approx(0.01)
    assert rates[0] < rates[5] < rates[10] > rates[50] > rates[99]
    assert rates[100] == pytest.approx(0)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_configurations_fit_themselves(path):
    config = read_config(path)
    assert config.name == path.stem
    assert len(config.class_weights) == len(config.classes)
    assert config.card().band_indices


def test_unknown_key_in_a_configuration_is_named(tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text(default_config("cloud").read_text().replace("steps", "stepps"))
    with pytest.raises(UsageError, match="stepps"):
        read_config(path)


@pytest.mark.parametrize("seeds", ["9000", "7990-9010", "0"])
def test_seeds_kept_for_tests_are_never_trained_on(tmp_path, seeds):
    with pytest.raises(UsageError, match="only 1 to 7999"):
        run_train(arguments(add_train_arguments, "cloud", "--out", tmp_path, "--seeds", seeds))


@pytest.mark.parametrize(("text", "seeds"), [("3", [3]), ("5-7", [5, 6, 7]), ("9,2-3", [2, 3, 9])])
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "7-5", "1-2-3"])
def test_odd_seeds_are_refused(text):
    with pytest.raises(UsageError):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("name", "where"), [("water", "eurosat"), ("haze", "desert"), ("landcover", "alpine-held-out")]
)
def test_data_without_labels_for_a_network_are_refused(name, where):
    with pytest.raises(UsageError, match=f"'{name}'"):
        run_evaluate(arguments(add_evaluate_arguments, name, "--on", where))


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
