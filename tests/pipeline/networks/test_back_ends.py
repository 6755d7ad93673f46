"""What runs a network tells the same: OpenVINO's graphs, built from the weights, and the torch modules."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import ModelError
from pipeline.networks import NAMES, back_end, load
from pipeline.networks.card import read_card
from pipeline.networks.contract import check_card
from pipeline.networks.modules import build
from pipeline.networks.plan import shapes
from pipeline.networks.registry import BACK_END

LEAST_EQUAL = 0.9999
ON_PROCESSOR = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(back_end, "has_gpu", lambda: False)


def picture(shape, seed=0):
    picture = np.random.default_rng(seed).uniform(0, 0.6, (4, *shape)).astype(np.float32)
    picture[:, shape[0] // 3, shape[1] // 2 :] = np.nan
    return picture


@pytest.mark.parametrize("changes", [
    {},
    {"bands": ("red", "green", "blue"), "classes": ("a", "b"), "width": 0.125},
    {"bands": ("nir",), "width": 1.0},
    {"kind": "haze", "bands": ("red", "green", "blue"), "classes": ("not hazy", "hazy"), "width": 0.5},
])  # fmt: skip
def test_the_plan_has_the_shapes_of_the_module(make_card, changes):
    card = make_card(**changes)
    module = build(card).state_dict()
    assert shapes(card) == {key: tuple(value.shape) for key, value in module.items()}


@pytest.mark.parametrize("shape", [(32, 32), (64, 320), (352, 96)])
def test_a_window_has_the_probabilities_that_torch_gives(make_weights, shape):
    folder = make_weights(width=0.125, temperature=1.7)
    inputs = np.random.default_rng(1).standard_normal((4, *shape), np.float32)
    wanted = slice(shape[0] // 4, shape[0] // 2), slice(shape[1] // 3, shape[1])
    on_torch, on_openvino = (load("cloud", folder, name) for name in ("torch", "openvino"))
    assert (on_torch.back_end.name, on_openvino.back_end.name) == ("torch", "openvino")
    for part in (None, wanted):
        one, other = on_torch.run(inputs, part), on_openvino.run(inputs, part)
        assert one.shape == other.shape and np.ptp(one) > 0.01
        np.testing.assert_allclose(other, one, atol=2e-5)


def test_a_hazy_preview_has_the_score_that_torch_gives(make_weights):
    folder = make_weights(
        name="haze", kind="haze", bands=("red", "green", "blue"), classes=("not hazy", "hazy"), width=0.5
    )
    for side in (343, 90):
        preview = picture((side, 343), side)[:3]
        preview[:, :, 300:] = np.nan
        one, other = (load("haze", folder, name).score(preview) for name in ("torch", "openvino"))
        assert abs(one - other) < 1e-5 and 0 < one < 1
    empty = np.full((3, 40, 40), np.nan, np.float32)
    one, other = (load("haze", folder, name).score(empty) for name in ("torch", "openvino"))
    assert abs(one - other) < 1e-5


@pytest.mark.parametrize("name", [name for name in NAMES if name != "haze"])
def test_the_shipped_networks_give_the_classes_that_torch_gives_on_a_real_scene(alpine_reflectance, name):
    one, other = (
        load(name, back_end=which).probabilities(alpine_reflectance) for which in ("torch", "openvino")
    )
    there = np.isfinite(alpine_reflectance).all(axis=0)
    equal = one.argmax(axis=0) == other.argmax(axis=0)
    assert equal[there].mean() >= LEAST_EQUAL
    assert len(np.unique(one.argmax(axis=0)[there])) > 1


def test_the_same_bytes_come_again_from_another_thread_and_after_memory_was_released(weights):
    network, pixels = load("cloud", weights, "openvino"), [picture((70, 90), seed) for seed in range(6)]
    first = [network.probabilities(one) for one in pixels]
    network.release()
    with ThreadPoolExecutor(3) as pool:
        for found, before in zip(pool.map(network.probabilities, pixels), first, strict=True):
            np.testing.assert_array_equal(found, before)
    load.__globals__["_load"].cache_clear()
    np.testing.assert_array_equal(load("cloud", weights, "openvino").probabilities(pixels[0]), first[0])


def test_an_answer_is_not_written_over_by_the_next(weights):
    network = load("cloud", weights, "openvino")
    inputs = np.random.default_rng(2).standard_normal((2, 4, 64, 64), np.float32)
    first = network.run(inputs[0])
    before = first.copy()
    network.run(inputs[1])
    np.testing.assert_array_equal(first, before)


def test_memory_is_released_when_a_large_raster_is_done(weights, monkeypatch):
    network, released = load("cloud", weights), []
    monkeypatch.setattr(network, "release", lambda: released.append(True))
    network.probabilities(picture((512, 512)))
    assert not released
    network.probabilities(picture((513, 512)))
    assert released == [True]


def test_on_a_processor_torch_is_not_loaded():
    code = """
import sys, numpy as np
from pipeline.networks import load
load("preview-cloud").probabilities(np.full((3, 64, 64), 0.1, np.float32))
load("haze").score(np.full((3, 64, 64), 0.1, np.float32))
sys.exit("torch" in sys.modules)
"""
    env = {**ON_PROCESSOR, BACK_END: "openvino"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_card_names_the_back_end_and_the_environment_another(make_weights, monkeypatch):
    folder = make_weights(back_end="torch")
    monkeypatch.delenv(BACK_END, raising=False)
    assert load("cloud", folder).back_end.name == "torch"
    monkeypatch.setenv(BACK_END, "openvino")
    assert load("cloud", folder).back_end.name == "openvino"
    assert load("cloud", folder, "torch").back_end.name == "torch"
    monkeypatch.setenv(BACK_END, "abacus")
    with pytest.raises(ModelError, match="no back end 'abacus'"):
        load("cloud", folder)


def test_where_there_is_a_gpu_torch_runs_what_the_card_leaves_to_openvino(make_weights, monkeypatch):
    folder = make_weights(back_end="openvino")
    monkeypatch.delenv(BACK_END, raising=False)
    assert load("cloud", folder).back_end.name == "openvino"
    load.__globals__["_load"].cache_clear()
    monkeypatch.setattr(back_end, "has_gpu", lambda: True)
    assert load("cloud", folder).back_end.name == "torch"
    load.__globals__["_load"].cache_clear()


def test_a_card_from_before_there_were_back_ends_reads_as_torch(weights):
    path = weights / "cloud.json"
    values = json.loads(path.read_text())
    del values["back_end"], values["batch"]
    path.write_text(json.dumps(values))
    card = read_card(path)
    assert (card.back_end, card.batch) == ("torch", 1)


@pytest.mark.parametrize(("changes", "words"), [
    ({"back_end": "abacus"}, "back end 'abacus'"),
    ({"batch": 2}, "batch 2"),
    ({"batch": True}, "batch True"),
])  # fmt: skip
def test_a_back_end_or_batch_that_there_is_not_is_refused(make_card, changes, words):
    with pytest.raises(ModelError, match=words):
        check_card(make_card(**changes), make_card())


def test_torch_rounds_nothing_on_a_gpu_that_a_processor_does_not(weights, monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    load.__globals__["_load"].cache_clear()
    load("cloud", weights, "torch")
    assert not torch.backends.cudnn.allow_tf32


@pytest.mark.parametrize("back_end", ["torch", "openvino"])
def test_windows_made_ready_further_ahead_tell_the_same_bytes(weights, monkeypatch, back_end):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    network, pixels = load("cloud", weights, back_end), picture((150, 200))
    monkeypatch.setattr(network, "card", replace(network.card, window=32, reach=32, margin=32))
    before = network.probabilities(pixels)
    monkeypatch.setattr(network.back_end, "ahead", 3)
    np.testing.assert_array_equal(network.probabilities(pixels), before)
