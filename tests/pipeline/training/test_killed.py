"""Training processes that are killed as `kill -9` does, in the middle of a step and of a save, and go on."""

import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

RUN = """
import os, signal, sys
from pathlib import Path
import numpy as np, torch
from torch import nn
from pipeline.training import checkpoint as kept
from pipeline.training.loop import Plan, train
from pipeline.training.watch import Watch

folder, mode, at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
torch.manual_seed(0)
module = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def batch_at(step):
    x = torch.from_numpy(np.random.default_rng(step).normal(size=(4, 2, 8, 8)).astype(np.float32))
    return {"x": x, "y": x.sum(dim=1, keepdim=True)}

steps_done = 0
def loss_of(module, batch):
    global steps_done
    loss = ((module(batch["x"]) - batch["y"]) ** 2).mean()
    steps_done += 1
    if mode == "step" and steps_done == at:
        die()
    return loss

saves, save_file = 0, kept.save_file
def half(tensors, path, metadata):
    global saves
    saves += 1
    save_file(tensors, path, metadata=metadata)
    if mode == "save" and saves == at:
        whole = Path(path).read_bytes()
        Path(path).write_bytes(whole[: len(whole) // 2])
        die()
kept.save_file = half

def validate(module):
    return {"score": -float(loss_of(module, batch_at(10**6)))}

plan = Plan(steps=60, highest_rate=0.02, save_every=7, validate_every=10, patience=50)
watch = Watch(tell=lambda line: print(line, flush=True), every=1)
train(module, batch_at, loss_of, plan, folder / "run.safetensors", validate=validate, watch=watch)
kept.save_file = save_file
save_file(module.state_dict(), folder / "end.safetensors")
"""


def start(folder, mode="whole", at=0):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(folder), mode, str(at)], stdout=subprocess.PIPE, text=True
    )


def finished(folder, mode="whole", at=0):
    with start(folder, mode, at) as process:
        process.communicate(timeout=120)
    return process.returncode


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert finished(folder) == 0
    return load_file(folder / "end.safetensors")


def assert_same(folder, whole):
    found = load_file(folder / "end.safetensors")
    for key, value in whole.items():
        assert torch.equal(found[key], value), key


@pytest.mark.parametrize(("mode", "at"), [("step", 25), ("save", 1), ("save", 4)])
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path, whole, mode, at):
    assert finished(tmp_path, mode, at) == -signal.SIGKILL
    if mode == "save":
        assert list(tmp_path.glob(".*.part*")), "nothing was half written"
    assert finished(tmp_path) == 0
    assert_same(tmp_path, whole)
    assert not list(tmp_path.glob(".*.part*"))


def test_a_run_killed_again_and_again_at_any_moment_goes_on_to_the_same_weights(tmp_path, whole):
    killed = 0
    for wait in (0.0, 0.003, 0.011, 0.0):
        with start(tmp_path) as process:
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        killed += process.returncode == -signal.SIGKILL
    assert killed >= 3
    assert finished(tmp_path) == 0
    assert_same(tmp_path, whole)
