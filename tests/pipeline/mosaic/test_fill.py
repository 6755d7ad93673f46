"""Holes of a composite show older scenes, in a file of their own."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.evidence import OLDER
from pipeline.mosaic import MOST_OLDER, compose, fill
from pipeline.raster import decode, filled, read_raster
from pipeline.sketch import KEPT, Sketch

HOLE = slice(60, 90), slice(60, 100)
FIRST, SECOND = 201, 202


@pytest.fixture
def clear():
    return np.zeros((183, 183), np.uint8)


@pytest.fixture
def composed(tmp_path, tile, settings, make_scene, surface, clear):
    """A build whose composite has one hole."""
    cloudy = clear.copy()
    cloudy[HOLE] = 1
    settings = replace(settings, margin=0.0, resolution=60)
    object.__setattr__(settings, "resolution", 600)
    compose([make_scene("now", surface, cloudy)], tile, settings, tmp_path)
    return settings


def older_scene(make_scene, name, reflectance, cloud, day=1):
    return replace(make_scene(name, reflectance, cloud), datetime=datetime(2022, 8, day, 10, tzinfo=UTC))


def products(folder):
    return [(folder / name).read_bytes() for name in ("composite.tif", "provenance.tif", "balance.npz")]


def test_a_hole_is_filled_and_marked_and_the_composite_stays_as_it_is(
    tmp_path, tile, composed, make_scene, surface, clear
):
    before = products(tmp_path)
    figures = fill([older_scene(make_scene, "then", surface, clear)], tile, composed, tmp_path)
    assert products(tmp_path) == before
    holes = ~filled(read_raster(tmp_path / "composite.tif").data)
    shown, origin = (read_raster(tmp_path / f"{name}.tif").data for name in ("fill", "fill_provenance"))
    assert holes[HOLE].all() and filled(shown)[holes].all()
    assert (origin[0] == np.where(holes, FIRST, 0)).all() and (origin[1] == np.where(holes, OLDER, 0)).all()
    assert figures["holes"] == figures["share"] == holes.mean()
    (told,) = figures["scenes"]
    assert (told["id"], told["datetime"][:10], told["rank"]) == ("then", "2022-08-01", FIRST)
    assert told["share"] == holes.mean()


def test_nothing_is_left_beside_the_scenes_and_the_products(
    tmp_path, tile, composed, make_scene, surface, clear
):
    older = older_scene(make_scene, "then", surface, clear)
    Sketch.make("then", tile.geobox(600), tmp_path, tmp_path / "scenes/then" / KEPT)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    fill([older], tile, composed, tmp_path)
    after = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in after - before} == {"fill.tif", "fill_provenance.tif"}


def test_only_the_rim_of_a_hole_is_kept_besides(tmp_path, tile, composed, make_scene, surface, clear):
    fill([older_scene(make_scene, "then", surface, clear)], tile, composed, tmp_path)
    shown = filled(read_raster(tmp_path / "fill.tif").data)
    rows, cols = np.nonzero(shown)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (59, 90, 59, 100)


def test_older_ground_takes_the_radiometry_of_its_surroundings(
    tmp_path, tile, composed, make_scene, surface, clear
):
    veiled = surface * np.array([1.15, 0.9, 1.1, 0.85])[:, None, None] + 0.01
    fill([older_scene(make_scene, "then", veiled, clear)], tile, composed, tmp_path)
    shown = decode(read_raster(tmp_path / "fill.tif").data)[(slice(None), *HOLE)]
    off = np.abs(np.median(shown / surface[(slice(None), *HOLE)], axis=(1, 2)) - 1)
    assert off.max() < 0.01


def test_each_pixel_shows_the_first_older_scene_that_is_clear_there(
    tmp_path, tile, composed, make_scene, surface, clear
):
    first, second = clear.copy(), clear.copy()
    first[:, 80:], second[:75] = 1, 1
    scenes = [
        older_scene(make_scene, "then", surface, first, 20),
        older_scene(make_scene, "before", surface, second, 2),
    ]
    figures = fill(scenes, tile, composed, tmp_path)
    ranks = read_raster(tmp_path / "fill_provenance.tif").data[0]
    assert (ranks[60:90, 60:78] == FIRST).all() and (ranks[77:90, 82:100] == SECOND).all()
    assert (ranks[60:74, 82:100] == 0).all(), "neither shows it"
    assert not filled(read_raster(tmp_path / "fill.tif").data)[60:74, 82:100].any()
    assert figures["share"] == pytest.approx(sum(one["share"] for one in figures["scenes"]))
    assert 0 < figures["share"] < figures["holes"]


def test_the_bytes_do_not_depend_on_the_number_of_threads(
    tmp_path, tile, composed, make_scene, surface, clear, monkeypatch
):
    scene = older_scene(make_scene, "then", surface * 1.1, clear)
    made = []
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        fill([scene], tile, composed, tmp_path)
        made.append([(tmp_path / name).read_bytes() for name in ("fill.tif", "fill_provenance.tif")])
    assert made[0] == made[1]


@pytest.mark.parametrize("count", [0, MOST_OLDER + 1])
def test_no_scene_or_too_many_are_refused(tmp_path, tile, composed, make_scene, surface, clear, count):
    scene = older_scene(make_scene, "then", surface, clear)
    with pytest.raises(UsageError, match=f"not {count}"):
        fill([scene] * count, tile, composed, tmp_path)
