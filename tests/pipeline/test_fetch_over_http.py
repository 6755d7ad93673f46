"""Stage 2 over HTTP: what serves the mosaic alone comes by blocks, and interruptions leave no trace."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from rasterio.shutil import copy

from pipeline import build as builds
from pipeline import chain, imagery
from pipeline.bear import Bear
from pipeline.catalog.sampling import APRON
from pipeline.errors import TransientSourceError
from pipeline.grid import Tile
from pipeline.received import received
from pipeline.scene_list import SceneList
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from tests.file_server import file_server
from tests.mishaps import garbled, refused, reset, truncated

SETTINGS = CampaignSettings(
    date(2023, 6, 1), date(2023, 8, 31), max_cloud=100, resolution=60, series=1, least_gain=0.5
)
TILE = Tile.parse("33UVR")


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """Two dates served over HTTP, in blocks of 3.8 km."""
    near, folder = tmp_path_factory.mktemp("near"), tmp_path_factory.mktemp("far")
    simulate(near, [TILE.name], 2, 60, 9021, "stac", start=SETTINGS.start, end=SETTINGS.end, workers=1)
    for path in near.glob("S2*/B*.tif"):
        target = folder / path.relative_to(near)
        target.parent.mkdir(exist_ok=True)
        copy(path, target, driver="COG", compress="deflate", level=1, predictor="yes", blocksize=64)
    with file_server(folder) as files:
        for path in near.glob("S2*/*.json"):
            item = json.loads(path.read_text())
            picture = item["assets"]["thumbnail"]["href"]
            shutil.copyfile(path.parent / picture, folder / path.parent.name / Path(picture).name)
            for name in ("red", "green", "blue", "nir", "thumbnail"):
                asset = item["assets"][name]
                asset["href"] = f"{files.url}/{path.parent.name}/{Path(asset['href']).name}"
            path.write_text(json.dumps(item))
        yield files, str(near / "catalog.json")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Short waits, and no context for the network: 160 pixels of 60 m would reach over nearly all blocks."""
    monkeypatch.setattr("pipeline.imagery.needed.CONTEXT", APRON)
    monkeypatch.setattr("pipeline.catalog.http.LONGEST_WAIT", 0.01)


def begin(far, folder):
    build = builds.begin(TILE, SETTINGS, folder, far[1], resume=False)
    everything = [
        scene.id for scene in chain.open_catalog(far[1]).search(TILE.name, SETTINGS.start, SETTINGS.end, 100)
    ]
    chain.make_scene_list(build, far[1], overrides={"force": everything})
    return build


def pixels(build):
    folder = build.folder / "scenes"
    names = sorted(path.relative_to(folder) for path in folder.glob("*/*.tif"))
    return {name: (folder / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def steady(far, tmp_path_factory):
    """A build over a server that does all right; module-wide, so it sets the context by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.imagery.needed.CONTEXT", APRON)
        build = begin(far, tmp_path_factory.mktemp("steady"))
        chain.fetch_and_mask(build)
    return build


def test_the_series_comes_whole_and_first_the_others_by_blocks(steady):
    chosen = SceneList.read(steady.folder).chosen
    assert len(chosen) == 2
    clearest = max((one for one in chosen if not one.hazy), key=lambda one: one.clear_share)
    assert [scene.id for scene in steady.series()] == [chosen[0].id] == [clearest.id]
    assert chosen[0].fetched == 1 and chosen[1].fetched < 1
    took = imagery.traffic(steady.folder)
    assert took["shares_fetched"] == {one.id: one.fetched for one in chosen if one.fetched < 1}
    assert 0 < took["bytes_fetched"] < min(took["bytes_of_scenes"], took["bytes_received"])
    assert received(steady.folder) > 0


def test_interruptions_change_nothing(far, steady, tmp_path):
    files, _ = far
    build = begin(far, tmp_path / "unsteady")
    files.mishaps += [reset, truncated(), refused(429), garbled, *[refused(503)] * 9]
    with pytest.raises(TransientSourceError):
        chain.fetch(build)
    files.mishaps[:] = [truncated(), refused(500), truncated(0.9), garbled]
    chain.fetch(build)
    chain.mask(build)
    files.mishaps[:] = [refused(503)] * 9
    with pytest.raises(TransientSourceError):
        chain.fetch(build)
    files.mishaps[:] = [garbled, reset]
    chain.fetch_and_mask(build)
    assert pixels(build) == pixels(steady)
    found, expected = (imagery.traffic(one.folder) for one in (build, steady))
    assert found.pop("bytes_received") > expected.pop("bytes_received")
    assert found == expected
    shutil.rmtree(build.folder)


def test_the_report_tells_bytes_and_what_is_partial(steady):
    steady.note(composite={"coverage": 1.0, "residual_cloud": 0.0})
    report = chain.finish_build(steady)
    took = imagery.traffic(steady.folder)
    assert {name: report[name] for name in took} == took
    assert report["series"] == [report["scenes"][0]] and report["partial_scenes"] == report["scenes"][1:]


def test_files_that_came_wrong_are_not_kept(far, steady, tmp_path):
    files, _ = far
    build = begin(far, tmp_path / "wrong")
    files.mishaps[:] = [garbled] * 400
    with pytest.raises(TransientSourceError):
        chain.fetch(build, Bear(silence=False, nonsense=False))
    files.mishaps.clear()
    chain.fetch_and_mask(build)
    assert pixels(build) == pixels(steady)
    shutil.rmtree(build.folder)


def test_a_scene_that_stays_silent_is_set_aside_only_while_others_answer(far, tmp_path, monkeypatch):
    build = begin(far, tmp_path / "silent")
    broken, other = (scene.id for scene in build.wanted())
    really = imagery.fetch

    def fetch(scene, *asked, **more):
        if scene.id == broken:
            raise TransientSourceError(f"{broken} does not answer.")
        return really(scene, *asked, **more)

    monkeypatch.setattr(imagery, "fetch", fetch)
    with pytest.raises(TransientSourceError):
        chain.fetch(build, Bear(silence=False, nonsense=False))
    far[0].mishaps[:] = [refused(503)] * 9
    with pytest.raises(TransientSourceError):
        chain.fetch(build, Bear())
    far[0].mishaps.clear()
    assert chain.fetch(build, Bear()) == [other]
    assert [item.id for item in build.scene_list().chosen] == [other]
    assert any(broken in one for one in build.notes()["warnings"])
    shutil.rmtree(build.folder)
