"""A GPU is measured where there is one, told in tables beside the processor, and missed with words."""

import inspect

import numpy as np
import pytest

from script.lib.bench import command, gpu, gpu_task, networks, networks_on_gpu, one_tile
from script.lib.bench.measure import Bench
from script.lib.bench.runs import Run
from script.lib.say import Trouble

CARD = {"name": "Card 9", "gib": 80.0, "cuda": "13.0", "torch": "2.13.0"}
TASKS = {"gpu": gpu_task.gpu, "agreement": gpu_task.agreement}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, 60, 1, 1, device="cuda")


def answers(monkeypatch, seconds_on_gpu=0.5):
    """Let tasks end at once; what was asked, each with the device that it would run on."""
    asked = []

    def task(self, name, **more):
        asked.append((self.device, name, more))
        if name in TASKS:
            inspect.signature(TASKS[name]).bind(**more)
        if name == "gpu":
            return Run(0.0, 0.0, 1.0, CARD)
        if name == "agreement":
            one = {"pixels": 1000, "differ": 0.0, "most": 2e-6}
            return Run(0.0, 0.0, 1.0, {"networks": {name: dict(one) for name in more["names"]}})
        pixels = more.get("rows", 1) * more.get("cols", 1)
        seconds = seconds_on_gpu if self.device == "cuda" else 2.0
        answer = {"bare": seconds / 2, "pixels": pixels, "gpu_mib": 512.0, "peak_mib": 1024.0}
        return Run(seconds, 1.0, 1.0, answer)

    monkeypatch.setattr(Bench, "task", task)
    return asked


def test_a_whole_tile_on_the_gpu_stands_beside_a_row_of_it_on_two_threads(bench, monkeypatch):
    asked = answers(monkeypatch)
    section = networks.measure(bench)
    done = {(device, more["network"]): more for device, name, more in asked if name == "network"}
    assert all(done["cuda", name]["rows"] == bench.side for name in networks.SHIPPED)
    assert all(done["cpu", name]["rows"] == networks.ROWS for name in networks.SHIPPED)
    times = 2.0 / networks.ROWS / (0.5 / bench.side)
    assert section.figures["times"] == pytest.approx(times) and section.figures["gpu"] == CARD
    tile, previews, same = section.tables
    assert tile.rows[0][:2] == ("cloud", "0.50 s") and tile.rows[-1][1] == "2.00 s"
    assert [row[0] for row in previews.rows] == list(networks.OF_PREVIEWS)
    assert {row[0]: row[-1] for row in same.rows} == dict.fromkeys(
        (*networks.OF_PREVIEWS, *networks.SHIPPED), "yes"
    )
    assert section.notes[0].startswith("Card 9, 80 GiB, CUDA 13.0.")


def test_more_than_one_class_in_ten_thousand_is_told():
    found = {"cloud": {"pixels": 10_000, "differ": 2e-4, "most": 0.1}}
    assert networks_on_gpu._same(found).rows == (("cloud", "10,000", "0.0002", "0.1", "no"),)


@pytest.mark.parametrize("measured", [networks, one_tile])
def test_a_machine_without_a_gpu_is_told_so(bench, measured, monkeypatch):
    monkeypatch.setattr(Bench, "task", lambda self, name: Run(0.0, 0.0, 1.0, CARD | {"name": ""}))
    with pytest.raises(Trouble, match=r"There is no GPU here .* \(2\.13\.0 is installed\)") as found:
        measured.measure(bench)
    assert found.value.status != 0


def test_the_task_that_looks_for_a_gpu_names_none_where_there_is_none(monkeypatch):
    monkeypatch.setattr(gpu_task, "has_gpu", lambda: False)
    assert gpu_task.gpu()["name"] == ""


def test_a_worker_sees_a_gpu_only_where_one_is_measured(bench, tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert bench.environment()["CUDA_VISIBLE_DEVICES"] == "3"
    assert Bench(tmp_path, 60, 1, 1).environment()["CUDA_VISIBLE_DEVICES"] == ""


def test_what_is_measured_on_a_gpu_has_a_section_of_its_own_and_an_option():
    assert command.key_of("networks", 10, "cuda") == "networks-cuda"
    assert command.key_of("one-tile", 60, "cuda") == "one-tile-cuda-60m"
    assert command.parser().parse_args(["networks", "--device", "cuda"]).device in gpu.DEVICES
    with pytest.raises(SystemExit):
        command.parser().parse_args(["growth", "--device", "cuda"])


@pytest.mark.parametrize("name", ["haze", "preview-cloud", "water"])
def test_torch_and_openvino_are_told_apart_by_little(name):
    picture = np.random.default_rng(0).random((4, 96, 96), np.float32) / 2
    picture[:, :5] = np.nan
    found = gpu_task.apart(name, gpu_task.Seen([picture], [picture]))
    assert found["pixels"] == (1 if name == "haze" else 91 * 96)
    assert found["differ"] == 0 and 0 <= found["most"] < 1e-4
