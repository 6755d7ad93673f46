"""A scene that ends the process which reads it is set aside in the end, and told."""

import shutil
import signal
import subprocess
import sys
from datetime import date

import pytest

from pipeline import chain
from pipeline.being_read import NOTE, being_read, never_read
from pipeline.build import begin
from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from pipeline.storage import write_json

TILE = "33UVR"
SETTINGS = CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), max_cloud=90, resolution=60)
# Stands for a decoder that crashes: no exception, and nothing that could clear up.
CHILD = """
import importlib, os, signal, sys
from pathlib import Path
from pipeline import chain
from pipeline.build import Build
from pipeline.grid import Tile
from tests.pipeline.test_being_read import SETTINGS, TILE

stage = importlib.import_module("pipeline.imagery.{module}")
folder, poison = Path(sys.argv[1]), sys.argv[2]
really = stage.{function}

def read(scene, *given, **named):
    if scene.id == poison:
        os.kill(os.getpid(), signal.SIGKILL)
    return really(scene, *given, **named)

stage.{function} = read
build = Build(Tile.parse(TILE), SETTINGS, folder)
if len(sys.argv) > 3:
    assert chain.set_ended_aside(build, 2) == [poison]
chain.{step}(build)
"""
IN_FETCH = {"module": "fetch", "function": "_write", "step": "fetch"}
IN_MASK = {"module": "mask", "function": "_mask", "step": "mask"}


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A build with its scene list."""
    out = tmp_path_factory.mktemp("season")
    catalog = simulate(out, [TILE], 4, 60, 9001, "stac", start=SETTINGS.start, end=SETTINGS.end, workers=2)
    build = begin(Tile.parse(TILE), SETTINGS, out / "build", str(catalog), resume=False)
    chain.make_scene_list(build, str(catalog))
    return build


@pytest.fixture
def build(listed, tmp_path):
    shutil.copytree(listed.folder, tmp_path / "build")
    return type(listed)(listed.tile, listed.settings, tmp_path / "build")


def run(build, poison, where, *more):
    code = CHILD.replace("{module}", where["module"]).replace("{step}", where["step"])
    code = code.replace("{function}", where["function"])
    line = [sys.executable, "-c", code, str(build.folder), poison, *more]
    return subprocess.run(line, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("where", [IN_FETCH, IN_MASK], ids=["fetch", "mask"])
def test_a_scene_that_ends_processes_is_set_aside_and_the_tile_goes_on(build, where):
    poison = build.scene_list().chosen[0].id
    if where is IN_MASK:
        chain.fetch(build)
        write_json(build.folder / "scenes" / poison / NOTE, {"scene": poison, "times": 1})
    for times in (1, 2) if where is IN_FETCH else (2,):
        assert run(build, poison, where).returncode == -signal.SIGKILL
        assert never_read(build.folder, 1) == {poison: times}
    assert never_read(build.folder, 3) == {}
    found = run(build, poison, where, "aside")
    assert found.returncode == 0, found.stderr
    assert poison not in build.candidates() and poison not in [one.id for one in build.scene_list().chosen]
    assert f"{poison} was set aside: 2 processes that read it ended" in " ".join(build.notes()["warnings"])
    assert not list(build.folder.rglob(NOTE))
    chain.fetch_and_mask(build)


def test_a_scene_that_is_read_or_raises_leaves_no_note(tmp_path):
    with being_read(tmp_path, "S2A"):
        assert never_read(tmp_path, 1) == {"S2A": 1}
    with pytest.raises(SourceError), being_read(tmp_path, "S2A"):
        raise SourceError("It is broken.")
    assert never_read(tmp_path, 1) == {}


def test_a_note_that_was_cut_off_counts_for_nothing(tmp_path):
    (tmp_path / "scenes" / "S2A").mkdir(parents=True)
    (tmp_path / "scenes" / "S2A" / NOTE).write_text("{")
    assert never_read(tmp_path, 1) == {}


def test_without_another_scene_the_tile_fails_with_the_reason(build):
    for scene_id in build.candidates():
        write_json(build.folder / "scenes" / scene_id / NOTE, {"scene": scene_id, "times": 2})
    with pytest.raises(SourceError, match="ended without a word"):
        chain.set_ended_aside(build, 2)
