"""Two processes that train together against one alone: same weights up to the rounding of sums."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from pipeline.networks.card import read_card
from pipeline.training.team import SharedNorm, Team, pooled

ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")]),
}
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port"]

STEPS = """
import sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from pipeline.networks.unet import UNet
from pipeline.networks.haze import HazeNet
from pipeline.training.losses import haze_loss, segmentation_loss
from pipeline.training.loop import Plan, train
from pipeline.networks.card import read_card
from pipeline.training.team import joined
from pipeline.training.watch import Silent

out, kind = Path(sys.argv[1]), sys.argv[2]
torch.manual_seed(0)
module = (HazeNet(3, 0.25) if kind == "haze" else UNet(3, 3, 0.0625)).double()
with joined() as team:
    def batch_at(step):
        chance = torch.Generator().manual_seed(step)
        inputs = torch.randn(5, 3, 32, 32, generator=chance, dtype=torch.float64)
        labels = torch.randint(0, 3 if kind == "unet" else 2, (5, 32, 32), generator=chance)
        if kind == "haze":
            labels = labels[:, :1, :1].expand(-1, 32, 32).clone()
        labels[0, :9] = 255
        part = list(team.part(5))
        known = (labels != 255)[:, None].double()
        return {"inputs": inputs[part], "labels": labels[part], "valid": known[part]}

    def loss_of(module, batch):
        if kind == "haze":
            return haze_loss(module(batch["inputs"], batch["valid"]), batch["labels"])
        weights = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)
        return segmentation_loss(module(batch["inputs"]), batch["labels"], weights)

    plan = Plan(steps=4, highest_rate=0.01)
    train(module, batch_at, loss_of, plan, out / "c.safetensors", team=team, watch=Silent())
    if team.rank == 0:
        save_file(module.state_dict(), out / f"{team.size}.safetensors")
"""


def launched(port, *words):
    done = subprocess.run(
        [*LAUNCH, str(port), *map(str, words)], env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.mark.parametrize("kind", ["unet", "haze"])
def test_parts_of_a_batch_on_two_processes_give_the_weights_of_the_whole(tmp_path, kind, free_port):
    script = tmp_path / "steps.py"
    script.write_text(STEPS)
    (tmp_path / "two").mkdir()
    launched(free_port, script, tmp_path / "two", kind)
    words = [sys.executable, script, tmp_path, kind]
    alone = subprocess.run(words, env=ENVIRONMENT, capture_output=True, text=True)
    assert alone.returncode == 0, alone.stderr
    one, two = load_file(tmp_path / "1.safetensors"), load_file(tmp_path / "two" / "2.safetensors")
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=1e-7, atol=1e-9), key


def test_the_command_trains_on_two_processes(tmp_path, tiny, crops, free_port):
    """Weights of float32 are no measure: the first steps of AdamW make rounding large, as with threads."""
    words = ["-m", "pipeline", "train", "vegetation", "--config", tiny("vegetation", "simulated")]
    words += ["--cache", crops("vegetation", "simulated", 1, 8000), "--seeds", "1", "--validation", "8000"]
    words += ["--steps", "1", "--batch", "4"]
    told = launched(free_port, *words, "--out", tmp_path / "two").stderr
    alone = subprocess.run(
        [sys.executable, *map(str, words), "--out", tmp_path / "one"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert alone.returncode == 0, alone.stderr
    two, one = (float(re.search(r"step 1/1  loss (\d\.\d+)", text)[1]) for text in (told, alone.stderr))
    assert two == pytest.approx(one, abs=2e-4)
    cards = {name: read_card(tmp_path / name / "vegetation.json") for name in ("one", "two")}
    assert cards["one"].training["machine"].startswith("1 threads")
    assert cards["two"].training["machine"].startswith("2 threads")
    assert load_file(tmp_path / "two" / "vegetation.safetensors")


@pytest.mark.parametrize(("count", "size"), [(8, 2), (5, 2), (7, 3), (3, 3)])
def test_processes_share_a_batch_without_gap_or_overlap(count, size):
    parts = [Team(rank, size).part(count) for rank in range(size)]
    assert [index for part in parts for index in part] == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_alone_nothing_is_pooled():
    value = torch.ones(3)
    assert pooled(value) is value


def test_a_shared_norm_has_the_state_of_an_ordinary_one():
    norm = nn.BatchNorm2d(4)
    before = norm.state_dict()
    norm.__class__ = SharedNorm
    x = torch.randn(2, 4, 8, 8)
    assert norm.state_dict().keys() == before.keys()
    assert torch.equal(norm.eval()(x), nn.BatchNorm2d(4).eval()(x))
