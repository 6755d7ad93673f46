"""A process killed while it fetches a scene leaves what the next one goes on from, and nothing for good."""

import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from pipeline import imagery
from pipeline.evidence import scene_folder
from pipeline.received import RECEIVED
from tests.mishaps import Halt

FETCH = """
import pickle
import sys
from pathlib import Path
from pipeline import imagery
imagery.fetch(*pickle.loads(Path(sys.argv[1]).read_bytes()))
"""
HEADERS = 8


def right(handler, content):
    handler.serve(content)


@pytest.mark.parametrize("answers", [3, HEADERS + 2], ids=["in the headers", "in the blocks"])
def test_the_next_process_goes_on_and_leaves_the_same_files(
    tmp_path, tile, settings, far_scene, files, answers
):
    scene = replace(far_scene[0], id="killed")
    call, halt = tmp_path / "call", Halt()
    call.write_bytes(pickle.dumps((scene, tile, settings, tmp_path)))
    files.mishaps += [right] * answers + [halt]
    process = subprocess.Popen([sys.executable, "-c", FETCH, str(call)])
    assert halt.reached.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    halt.go.set()
    place = scene_folder(tmp_path, scene.id)
    assert (place / "source").exists() and not (place / "reflectance.tif").exists()
    files.requests.clear()
    imagery.fetch(scene, tile, settings, tmp_path)
    again = len(files.requests)
    files.requests.clear()
    imagery.fetch(far_scene[0], tile, settings, tmp_path)
    assert again < len(files.requests)
    assert content(place) == content(scene_folder(tmp_path, far_scene[0].id))


def content(place):
    files = {path.relative_to(place): path for path in place.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name.name != RECEIVED}
