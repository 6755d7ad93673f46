import argparse
import io
import json
import socket

import pytest
from PIL import Image

from pipeline.grid import Tile
from script.lib import demo, demo_plan, map_tiles, server, services, worker
from script.lib.places import ROOT
from script.lib.say import Trouble

NOTHING = {"catalog": None, "aoi": None, "start": None, "end": None, "max_cloud": None, "resolution": None}


def plan(folder, **chosen):
    return demo_plan.plan(argparse.Namespace(**NOTHING | chosen), folder)


def test_the_four_tiles_touch_each_other():
    for name in demo_plan.TILES:
        neighbours = {tile.name for tile in Tile.parse(name).neighbours()}
        assert set(demo_plan.TILES) - {name} <= neighbours


def test_what_was_reached_is_remembered_for_the_same_wish_alone(tmp_path):
    area = tmp_path / "area.geojson"
    area.write_text("{}")
    wish = {"catalog": "https://example.org/stac", "aoi": area, "start": "2023-06-01", "end": "2023-08-31"}
    plan(tmp_path, **wish).keep(order="3")
    plan(tmp_path, **wish).keep(published=True)
    assert plan(tmp_path, **wish).state() == {"order": "3", "published": True}
    assert plan(tmp_path, **wish | {"end": "2023-09-30"}).state() == {}
    assert plan(tmp_path).state() == {}


def test_real_scenes_are_not_simulated(tmp_path):
    area = tmp_path / "area.geojson"
    area.write_text("{}")
    real = plan(tmp_path, catalog="https://example.org/stac", aoi=area, start="2023-06-01", end="2023-08-31")
    assert not real.wants_scenes()
    assert plan(tmp_path).wants_scenes()


def test_the_workers_of_a_demo_may_read_its_catalog_and_nothing_more(tmp_path):
    area = tmp_path / "area.geojson"
    area.write_text("{}")
    wish = {"aoi": area, "start": "2023-06-01", "end": "2023-08-31"}
    near = plan(tmp_path, catalog="http://127.0.0.1:9000/stac", **wish)
    assert near.allowed({}) == {"PUBLIC_ADDRESS_EXCEPTIONS": "127.0.0.1"}
    known = {"PUBLIC_ADDRESS_EXCEPTIONS": "10.0.0.0/8"}
    assert near.allowed(known) == {"PUBLIC_ADDRESS_EXCEPTIONS": "10.0.0.0/8,127.0.0.1"}
    assert plan(tmp_path, catalog=str(tmp_path), **wish).allowed({}) == {"CATALOG_FOLDERS": str(tmp_path)}
    assert plan(tmp_path).allowed({}) == {"CATALOG_FOLDERS": str(tmp_path / "scenes")}


def test_a_missing_area_is_told(tmp_path):
    with pytest.raises(Trouble, match=r"nowhere\.geojson is not there"):
        plan(tmp_path, catalog="x", aoi=tmp_path / "nowhere.geojson", start="2023-06-01", end="2023-08-31")


def test_half_a_wish_is_refused(capsys):
    with pytest.raises(SystemExit):
        demo.parse(["--catalog", "https://example.org/stac"])
    assert "--aoi, --start, --end" in capsys.readouterr().err


def test_a_new_database_begins_the_demo_again(tmp_path):
    (tmp_path / "database").write_text("111")
    order, people, scenes = tmp_path / "order-a.json", tmp_path / "people.json", tmp_path / "scenes"
    for path in (order, people, scenes):
        path.write_text(json.dumps({}))
    demo.forget_if_new("111", tmp_path)
    assert order.exists()
    demo.forget_if_new("222", tmp_path)
    assert not order.exists()
    assert not people.exists()
    assert scenes.exists()


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", ""])
def test_an_impossible_port_is_told(text):
    with pytest.raises(Trouble, match=f"PORT is '{text}'"):
        server.wanted_port({"PORT": text})


def test_a_taken_port_is_told(unused_port_taken):
    with pytest.raises(Trouble, match=f"Port {unused_port_taken} of 127.0.0.1 is taken"):
        server.require_free(unused_port_taken)


@pytest.fixture
def unused_port_taken():
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        yield taker.getsockname()[1]


def test_a_worker_keeps_memory_and_sees_one_gpu():
    environment = worker.environment({"PATH": "/bin"}, threads=3, gpu=1)
    assert environment["OMP_NUM_THREADS"] == "3"
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert "CUDA_VISIBLE_DEVICES" not in worker.environment({}, threads=1)
    assert "--gpu" in worker.command("gpu", gpu=True) and "--gpu" not in worker.command("gpu")
    assert worker.environment({"MALLOC_TOP_PAD_": "1"}, threads=1)["MALLOC_TOP_PAD_"] == "1"


@pytest.mark.parametrize(
    ("address", "folder"),
    [("/mnt/quilt", "/mnt/quilt"), ("file:///mnt/my%20quilt", "/mnt/my quilt"), ("below", f"{ROOT}/below")],
)
def test_workers_share_a_cache_below_the_storage(monkeypatch, address, folder):
    monkeypatch.setenv("STORAGE_URL", address)
    monkeypatch.delenv("EARTHQUILT_CACHE", raising=False)
    given = worker.environment(services.environment(), threads=1)
    assert given["EARTHQUILT_CACHE"] == f"{folder}/.cache"
    for own in ("/mnt/cache", ""):
        monkeypatch.setenv("EARTHQUILT_CACHE", own)
        assert services.environment()["EARTHQUILT_CACHE"] == own


def png(picture):
    file = io.BytesIO()
    picture.save(file, "png")
    return file.getvalue()


def test_empty_uniform_and_broken_pictures_are_no_real_pictures():
    assert "transparent" in map_tiles.fault("rgb", png(Image.new("RGBA", (256, 256))))
    assert "only 1 colours" in map_tiles.fault("rgb", png(Image.new("RGB", (256, 256), "green")))
    assert "no picture" in map_tiles.fault("rgb", b"<html>")


def test_a_picture_with_many_colours_is_one():
    assert map_tiles.fault("rgb", png(Image.linear_gradient("L"))) is None


@pytest.mark.parametrize(
    ("place", "zoom", "expected"),
    [((0.1, 0.1), 1, (1, 0)), ((-179.9, 85.0), 3, (0, 0)), ((13.3777, 52.5163), 10, (550, 335))],
)
def test_a_place_is_found_on_its_map_tile(place, zoom, expected):
    assert map_tiles.map_tile_at(*place, zoom) == expected
