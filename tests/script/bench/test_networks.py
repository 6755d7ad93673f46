"""Networks are timed as the pipeline runs them, and told in tables."""

import numpy as np
import pytest

from script.lib.bench import networks
from script.lib.bench.measure import Bench
from script.lib.bench.networks_task import _Cut, _recorded, _torch, back_ends, speed
from script.lib.bench.runs import Run


def test_tiled_inference_and_its_forward_passes_are_timed_on_the_same_windows():
    found = speed("buildings", 0.0625, 64, 1100)
    assert found["pixels"] == 64 * 1100 and found["windows"] == 2
    assert found["bare"] > 0 and found["seconds"] > 0


def test_what_a_network_is_given_is_kept_and_its_answer_left_as_it_is():
    from pipeline.networks import load

    network = load("water")
    pixels = np.random.default_rng(0).random((4, 64, 96), np.float32)
    before = network.probabilities(pixels)
    with _recorded(network) as given:
        np.testing.assert_array_equal(network.probabilities(pixels), before)
    ((inputs, wanted),) = given
    assert inputs.shape[0] == 3 and "run" not in vars(network)
    chances = _torch(_Cut(network.module, wanted), inputs[None], 1)()
    np.testing.assert_allclose(chances[0], before, atol=1e-5)


def test_torch_is_among_the_back_ends(monkeypatch):
    import dataclasses

    from pipeline.networks import load
    from script.lib.bench import networks_task

    small = load("water")
    monkeypatch.setattr(small, "card", dataclasses.replace(small.card, window=64, reach=32))
    monkeypatch.setattr(networks_task, "load", lambda name: small)
    found = back_ends("water", 1, rounds=1)
    assert found["back_ends"]["torch"]["differ"] == 0 and found["pixels"] == 64 * 64


def test_the_arguments_of_the_tasks_fit(monkeypatch):
    asked = []
    monkeypatch.setattr(Bench, "task", lambda self, name, **more: asked.append((name, more)))
    bench = Bench(None, 60, 1, 2)
    for task in networks._tasks(bench).values():
        task()
    assert {name for name, _ in asked} == {"network"} and len(asked) == 8
    assert all(set(more) == {"network", "width", "rows", "cols"} for _, more in asked)


def test_a_tile_is_told_by_its_pixels():
    run = Run(2.0, 3.0, 512.0, {"bare": 1.9, "pixels": 1_000_000, "windows": 1})
    table = networks._speeds({"cloud, 2": [run]})
    assert table.rows == (("cloud", "2", "0.50 million", "241 s", "0.95", "yes", "0.50 GiB"),)


@pytest.mark.parametrize(("bare", "held"), [(1.81, "yes"), (1.7, "no")])
def test_less_than_nine_tenths_is_not_held(bare, held):
    run = Run(2.0, 3.0, 512.0, {"bare": bare, "pixels": 1_000_000, "windows": 1})
    assert networks._speeds({"cloud, 2": [run]}).rows[0][5] == held
