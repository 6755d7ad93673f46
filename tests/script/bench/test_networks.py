"""Networks are timed as the pipeline runs them, and told in tables."""

import inspect

import numpy as np
import pytest

from pipeline.networks.card import BACK_ENDS
from script.lib.bench import networks
from script.lib.bench.back_ends_task import back_ends
from script.lib.bench.measure import Bench
from script.lib.bench.networks_task import _network, previews, recorded, speed
from script.lib.bench.runs import Run


@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_tiled_inference_and_its_forward_passes_are_timed_on_the_same_windows(back_end):
    found = speed("buildings", 0.0625, 64, 1100, back_end)
    assert found["pixels"] == 64 * 1100 and found["windows"] == 2 and found["back_end"] == back_end
    assert found["bare"] > 0 and found["seconds"] > 0 and found["peak_mib"] > 50


@pytest.mark.parametrize("network", networks.OF_PREVIEWS)
def test_previews_are_looked_at_one_by_one(network):
    found = previews(network, 2)
    assert found["pixels"] == 2 * 343 * 343 and found["windows"] == 2
    assert found["bare"] > 0 and found["seconds"] > 0


@pytest.mark.parametrize("changes", [{}, {"width": 1.0}])
def test_a_network_that_was_not_trained_tells_pixels_apart(changes):
    network = _network("buildings", changes.get("width", 0.25), "")
    found = network.run(np.random.default_rng(0).standard_normal((3, 64, 64), np.float32))
    assert np.isfinite(found).all() and np.ptp(found) > 0.05


def test_what_a_network_is_given_is_kept_and_its_answer_left_as_it_is():
    from pipeline.networks import load

    network = load("water")
    pixels = np.random.default_rng(0).random((4, 64, 96), np.float32)
    before = network.probabilities(pixels)
    with recorded(network) as given:
        np.testing.assert_array_equal(network.probabilities(pixels), before)
    ((inputs, wanted),) = given
    assert inputs.shape[0] == 3 and "run" not in vars(network)
    np.testing.assert_array_equal(network.run(inputs, wanted), before)


def test_torch_is_among_the_back_ends(monkeypatch):
    import dataclasses

    from pipeline.networks import load
    from script.lib.bench import back_ends_task

    small = load("water", back_end="torch")
    monkeypatch.setattr(small, "card", dataclasses.replace(small.card, window=64, reach=32))
    monkeypatch.setattr(back_ends_task, "load", lambda name, back_end: small)
    found = back_ends("water", 1, rounds=1)
    assert found["back_ends"]["torch"]["differ"] == 0 and found["pixels"] == 64 * 64
    assert found["back_ends"]["openvino"]["differ"] < 1e-3 and set(found["back_ends"]) >= set(BACK_ENDS)


def test_the_arguments_of_the_tasks_fit(monkeypatch):
    asked = []
    monkeypatch.setattr(Bench, "task", lambda self, name, **more: asked.append((name, more)))
    bench = Bench(None, 60, 1, 2)
    for task in networks._tasks(bench).values():
        task()
    for task in networks._on_back_ends(bench).values():
        task()
    assert [name for name, _ in asked].count("network") == 10 and len(asked) == 12
    words = {"network": speed, "previews": previews}
    assert all(inspect.signature(words[name]).bind(**more) for name, more in asked)


def test_a_tile_is_told_by_its_pixels():
    run = Run(2.0, 3.0, 512.0, {"bare": 1.9, "pixels": 1_000_000, "peak_mib": 512.0})
    table = networks._speeds({"cloud, 2": [run]})
    assert table.rows == (("cloud", "2", "0.50 million", "241 s", "0.95", "yes", "0.50 GiB"),)


@pytest.mark.parametrize(("bare", "held"), [(1.81, "yes"), (1.7, "no")])
def test_less_than_nine_tenths_is_not_held(bare, held):
    run = Run(2.0, 3.0, 512.0, {"bare": bare, "pixels": 1_000_000, "peak_mib": 512.0})
    assert networks._speeds({"cloud, 2": [run]}).rows[0][5] == held


def test_a_back_end_is_told_beside_torch():
    answer = {"bare": 1.0, "pixels": 1_000_000, "peak_mib": 1024.0}
    found = {
        "torch, 2": [Run(2.0, 3.0, 512.0, answer)],
        "openvino, 2": [Run(1.6, 3.0, 512.0, answer)],
    }
    assert networks._rows_on_back_ends(found).rows == (
        ("torch", "2", "241 s", "1.00", "1.00 GiB"),
        ("openvino", "2", "193 s", "1.25", "1.00 GiB"),
    )
