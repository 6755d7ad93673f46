"""A scene that serves the mosaic alone is fetched where those before it leave ground open."""

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline import imagery
from pipeline.catalog.sampling import APRON
from pipeline.errors import TransientSourceError
from pipeline.evidence import scene_folder
from pipeline.imagery.needed import BLEND, CONTEXT, MOST_BLEND, needed, open_cells
from pipeline.mosaic.assembly import REACH
from pipeline.raster import BANDS, Raster, read_raster, write_raster
from pipeline.settings import CampaignSettings
from tests.mishaps import garbled, one_byte_wrong

from .conftest import COARSE, SHAPE, scene_of


@pytest.fixture
def close(monkeypatch):
    """A cloud network that needs no context, for on a coarse grid the real one's would be the whole tile."""
    monkeypatch.setattr("pipeline.imagery.needed.CONTEXT", APRON)


def torn(rows, cols, value=1):
    cloud = np.zeros(SHAPE, np.uint8)
    cloud[rows, cols] = value
    return cloud


def test_the_margin_of_large_spots_is_as_wide_as_the_composite_blends():
    assert MOST_BLEND >= REACH


@pytest.mark.parametrize("side", [1, 3, 9, 40])
def test_the_margin_grows_with_the_spot(tmp_path, tile, make_mask, close, side):
    fine = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60, margin=120)
    geobox = tile.geobox(60)
    cloud = np.zeros(geobox.shape.yx, np.uint8)
    cloud[500 : 500 + side, 700 : 700 + side] = 1
    write_raster(scene_folder(tmp_path, "a") / "cloud.tif", Raster(cloud[None], geobox), nodata=255)
    found = needed([scene_of("a", tile)], tile, fine, tmp_path)
    rows, cols = np.nonzero(found.cells)
    assert found.size == 60 and rows.min() - 500 == cols.min() - 700
    reach = (500 - rows.min()) * 60
    assert reach == (rows.max() - 499 - side) * 60
    half = side * 60 / 2
    assert 120 + min(BLEND + half, MOST_BLEND) <= reach <= 120 + min(BLEND + half, MOST_BLEND) + 120


def test_ground_is_open_until_enough_dates_cover_it(tmp_path, tile, settings, make_mask):
    first = make_mask("a", torn(slice(80, 90), slice(80, 90)))
    cells = open_cells([first], tile, settings, tmp_path).cells
    assert cells.shape == SHAPE and cells.sum() == 100 and cells[80:90, 80:90].all()
    second = make_mask("b", torn(0, slice(0, 0)))
    assert not open_cells([first, second], tile, settings, tmp_path).cells.any()
    twice = replace(settings, clear_dates=2, resolution=60)
    object.__setattr__(twice, "resolution", COARSE)
    assert np.array_equal(open_cells([first, second], tile, twice, tmp_path).cells, cells)
    assert open_cells([first], tile, twice, tmp_path).cells.all()


def test_shadow_that_stays_is_dark_ground_and_not_open(tmp_path, tile, settings, make_mask):
    lake = torn(slice(80, 90), slice(80, 90), 2)
    first, second = make_mask("a", lake), make_mask("b", lake)
    assert open_cells([first], tile, settings, tmp_path).cells.any()
    assert not open_cells([first, second], tile, settings, tmp_path).cells.any()


def test_what_others_show_in_doubt_is_open_to_a_scene_that_is_to_clear_it(
    tmp_path, tile, settings, make_mask
):
    first = make_mask("a", torn(slice(80, 100), slice(80, 100)))
    second = make_mask("b", torn(slice(80, 100), slice(100, 120)))
    assert not open_cells([first, second], tile, settings, tmp_path).cells.any()
    found = open_cells([first, second], tile, settings, tmp_path, surely=True).cells
    rows, cols = np.nonzero(found)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (80, 99, 99, 100)
    assert found.sum() == 40


def test_shadow_that_stays_is_open_to_a_scene_that_is_to_clear_doubt(tmp_path, tile, settings, make_mask):
    lake = torn(slice(30, 50), slice(30, 50), 2)
    both = [make_mask("a", lake), make_mask("b", lake)]
    assert not open_cells(both, tile, settings, tmp_path).cells.any()
    assert open_cells(both, tile, settings, tmp_path, surely=True).cells[30:50, 30:50].all()


def test_what_is_needed_has_the_margin_of_the_network(tmp_path, tile, settings, make_mask):
    first = make_mask("a", torn(slice(0, 3), slice(0, 3)))
    found = needed([first], tile, settings, tmp_path).cells
    margin = CONTEXT - APRON
    rows, cols = np.nonzero(found)
    assert rows.max() >= 3 + margin and cols.max() >= 3 + margin


def test_open_ground_is_the_scenes_own_and_what_is_far_from_it_is_not_fetched(
    tmp_path, tile, settings, make_mask, far_scene, close
):
    scene, numbers = far_scene
    first = make_mask("a", torn(slice(80, 90), slice(80, 90)))
    report = imagery.fetch(scene, tile, settings, tmp_path, [first])
    found = read_raster(report["path"]).data
    place = (slice(None), slice(78, 92), slice(78, 92))
    assert np.array_equal(found[place], numbers[place] + 1)
    here = found[0] > 0
    assert np.array_equal(found[:, here], numbers[:, here] + 1)
    assert report["partial"] and report["after"] == ["a"] and 0.01 < report["share"] < 0.25
    assert 0 < report["bytes_fetched"] < report["bytes_of_scene"] / 2
    assert imagery.traffic(tmp_path)["shares_fetched"] == {"late": report["share"]}
    assert not (scene_folder(tmp_path, "late") / "source").exists()


def asked_bytes(files):
    """What the server sent, if it answered each request in full."""
    total = 0
    for path, span in files.requests:
        first, last = (int(part) for part in span[6:].split("-"))
        total += min(last + 1, (files.folder / path[1:]).stat().st_size) - first
    return total


def test_all_bytes_that_came_are_told_beside_those_that_are_kept(tmp_path, tile, settings, far_scene, files):
    imagery.fetch(far_scene[0], tile, settings, tmp_path / "steady")
    took = imagery.traffic(tmp_path / "steady")
    assert took["bytes_received"] == asked_bytes(files) > took["bytes_fetched"]
    files.requests.clear()
    files.mishaps += [garbled]
    imagery.fetch(far_scene[0], tile, settings, tmp_path / "again")
    again = imagery.traffic(tmp_path / "again")
    assert again["bytes_received"] == asked_bytes(files) > took["bytes_received"]
    assert again["bytes_fetched"] == took["bytes_fetched"]


def test_bytes_that_came_in_vain_are_told_too(tmp_path, tile, settings, far_scene, files, monkeypatch):
    monkeypatch.setattr("pipeline.catalog.http.LONGEST_WAIT", 0.01)
    files.mishaps += [garbled, lambda handler, content: handler.serve(content)] * 99
    with pytest.raises(TransientSourceError):
        imagery.fetch(far_scene[0], tile, settings, tmp_path)
    assert imagery.traffic(tmp_path)["bytes_received"] == asked_bytes(files) > 0


def test_a_partial_scene_is_left_alone_until_it_is_needed_for_more(
    tmp_path, tile, settings, make_mask, far_scene, files, close
):
    scene, numbers = far_scene
    first, other = make_mask("a", torn(slice(80, 90), slice(80, 90))), make_mask("b", torn(5, 5))
    path = imagery.fetch(scene, tile, settings, tmp_path, [first])["path"]
    content = read_raster(path).data
    files.requests.clear()
    imagery.fetch(scene, tile, settings, tmp_path, [first])
    assert not files.requests
    imagery.fetch(scene, tile, settings, tmp_path, [other])
    assert not np.array_equal(read_raster(path).data, content)
    (scene_folder(tmp_path, "late") / "cloud.tif").write_bytes(b"of what was there before")
    assert not imagery.fetch(scene, tile, settings, tmp_path)["partial"]
    assert np.array_equal(read_raster(path).data, numbers + 1)
    assert not (scene_folder(tmp_path, "late") / "cloud.tif").exists()


class Ended(BaseException):
    """The end of a process."""


def test_originals_do_not_stay_where_a_process_ended_before_it_removed_them(
    tmp_path, tile, settings, far_scene, files, monkeypatch
):
    def end(*args, **kwargs):
        raise Ended

    scene, numbers = far_scene
    with monkeypatch.context() as patch, pytest.raises(Ended):
        patch.setattr("shutil.rmtree", end)
        imagery.fetch(scene, tile, settings, tmp_path)
    source = scene_folder(tmp_path, "late") / "source"
    assert source.exists()
    files.requests.clear()
    path = imagery.fetch(scene, tile, settings, tmp_path)["path"]
    assert not source.exists() and not files.requests
    assert np.array_equal(read_raster(path).data, numbers + 1)


def test_a_local_scene_comes_whole_whatever_is_before_it(tmp_path, tile, settings, make_mask, make_source):
    scene, numbers = make_source("late")
    report = imagery.fetch(scene, tile, settings, tmp_path, [make_mask("a", torn(3, 3))])
    assert not report["partial"] and report["bytes_fetched"] == 0
    assert np.array_equal(read_raster(report["path"]).data, numbers + 1)


def stated(scene, files, *bands):
    """The scene as an item that states the checksums of some of its files."""
    sums = {
        band: "1220"
        + hashlib.sha256((files.folder / Path(scene.assets[band].href).name).read_bytes()).hexdigest()
        for band in bands
    }
    assets = {
        band: replace(asset, checksum=sums.get(band, asset.checksum)) for band, asset in scene.assets.items()
    }
    return replace(scene, assets=assets)


@pytest.mark.parametrize("right", range(6))
@pytest.mark.parametrize("bands", [(), ("red",), ("red", "green", "blue"), BANDS], ids=len)
def test_wrong_bytes_reach_neither_the_scene_nor_the_cache(
    tmp_path, tile, settings, far_scene, files, monkeypatch, bands, right
):
    monkeypatch.setenv("EARTHQUILT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("pipeline.catalog.http.LONGEST_WAIT", 0.01)
    scene, numbers = stated(far_scene[0], files, *bands), far_scene[1]
    files.mishaps += [lambda handler, content: handler.serve(content)] * right
    files.mishaps += [one_byte_wrong(0.8)]
    report = imagery.fetch(scene, tile, settings, tmp_path / "one")
    assert not report["partial"]
    files.mishaps.clear()
    assert np.array_equal(read_raster(report["path"]).data, numbers + 1)
    files.requests.clear()
    report = imagery.fetch(scene, tile, settings, tmp_path / "two")
    assert np.array_equal(read_raster(report["path"]).data, numbers + 1)
    assert bool(files.requests) == (bands != BANDS)


def test_the_parts_of_a_scene_come_whole_only_if_all_state_checksums(
    tmp_path, tile, settings, far_scene, files
):
    scene = far_scene[0]
    first, other = (
        replace(stated(scene, files, *BANDS), id="late-1"),
        replace(stated(scene, files, "red"), id="late-2"),
    )
    files.mishaps += [one_byte_wrong(0.8)]
    report = imagery.fetch(replace(scene, parts=(other, first)), tile, settings, tmp_path)
    assert np.array_equal(read_raster(report["path"]).data, far_scene[1] + 1)
    assert all(span for _, span in files.requests)


def test_orders_wait_for_the_masks_of_those_before_them(tmp_path, tile, settings, make_mask, far_scene):
    late, later = far_scene[0], replace(far_scene[0], id="later")
    first = make_mask("a", torn(3, 3))
    asked = imagery.orders([first, late, later], {"a"}, {"a", "late", "later"})
    assert [order.before for order in asked] == [None, (first,), (first, late)]
    assert [order.scene.id for order in imagery.due(asked, tmp_path)] == ["a", "late"]
    (tmp_path / "scenes" / "a" / "cloud.tif").unlink()
    assert [order.scene.id for order in imagery.due(asked, tmp_path)] == ["a"]
