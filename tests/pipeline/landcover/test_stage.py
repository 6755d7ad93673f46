import dataclasses
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio

from pipeline import landcover
from pipeline.errors import ModelError, SourceError
from pipeline.grid import Tile
from pipeline.landcover.classes import CLASSES, COLORMAP
from pipeline.landcover.pool import Fusion
from pipeline.networks import Chosen
from pipeline.raster import Raster, read_raster, write_raster

from .conftest import OUTPUTS, seeded_network

SHAPE = (92, 92)


def mask(**areas):
    found = np.zeros(SHAPE, np.uint8)
    for code, area in areas.items():
        found[area] = {"cloud": 1, "shadow": 2, "nothing": 255}[code]
    return found


def put_composite(folder, scene):
    shutil.copy(folder / "scenes" / scene.id / "reflectance.tif", folder / "composite.tif")


def test_a_date_has_classes_where_it_is_clear_or_doubtful(
    tmp_path, tile, settings, make_scene, seeded_networks
):
    cloud = mask(cloud=np.s_[10:20, 10:20], nothing=np.s_[:, 80:])
    report = landcover.classify_scene(make_scene("a", cloud), tile, settings, tmp_path)
    codes, confidence = read_raster(tmp_path / "scenes" / "a" / "classes.tif").data
    assert np.array_equal(codes > 0, cloud == 0) and codes.max() <= 6
    assert np.all(confidence[cloud == 0] <= 100) and np.all(confidence[cloud != 0] == 255)
    assert sum(report["classes"].values()) == pytest.approx(1)
    stored = read_raster(tmp_path / "scenes" / "a" / "probabilities.tif").data
    assert np.array_equal(stored.any(axis=0), cloud != 255)


def test_a_date_is_not_classified_twice(tmp_path, tile, settings, make_scene, seeded_networks):
    scene = make_scene("a", mask())
    first = landcover.classify_scene(scene, tile, settings, tmp_path)
    place = tmp_path / "scenes" / "a"
    (place / "reflectance.tif").unlink()
    assert landcover.classify_scene(scene, tile, settings, tmp_path) == first


def test_dates_are_fused_and_the_composite_fills_the_rest(
    tmp_path, tile, settings, make_scene, seeded_networks
):
    first = make_scene("a", mask(cloud=np.s_[:40]), 1)
    second = make_scene("b", mask(cloud=np.s_[30:60], nothing=np.s_[:, 85:]), 2)
    for scene in (first, second):
        landcover.classify_scene(scene, tile, settings, tmp_path)
    put_composite(tmp_path, second)
    report = landcover.fuse([first, second], tile, settings, tmp_path)
    fused = read_raster(tmp_path / "probabilities.tif").data
    one = read_raster(tmp_path / "scenes" / "a" / "probabilities.tif").data
    other = read_raster(tmp_path / "scenes" / "b" / "probabilities.tif").data
    assert np.abs(fused[:, 50, :80].astype(int) - one[:, 50, :80]).max() <= 2
    assert np.abs(fused[:, 10, :80].astype(int) - other[:, 10, :80]).max() <= 2
    assert fused[:, 35, :80].any(axis=0).all()
    assert not fused[:, :40, 85:].any()
    assert report["from_composite"] == pytest.approx(10 * 85 / 92**2)
    assert report["pooled"] + report["from_composite"] + report["holes"] == pytest.approx(1)


def test_ground_that_no_date_and_no_composite_shows_stays_empty(
    tmp_path, tile, settings, make_scene, seeded_networks
):
    scene = make_scene("a", mask(nothing=np.s_[:, :30]))
    landcover.classify_scene(scene, tile, settings, tmp_path)
    put_composite(tmp_path, scene)
    landcover.fuse([scene], tile, settings, tmp_path)
    landcover.blend(tile, {tile.name: tmp_path}, settings, tmp_path / "r")
    codes = read_raster(tmp_path / "r" / "landcover.tif").data[0]
    confidence = read_raster(tmp_path / "r" / "confidence.tif").data[0]
    assert not codes[:, :30].any() and codes[:, 30:].all()
    assert np.all(confidence[:, :30] == 255) and confidence[:, 30:].max() <= 100


def test_the_landcover_carries_its_colours(tmp_path, tile, settings):
    put_probabilities(tmp_path / "b", tile, settings, 0)
    report = landcover.blend(tile, {tile.name: tmp_path / "b"}, settings, tmp_path)
    with rasterio.open(tmp_path / "landcover.tif") as dataset:
        found = dataset.colormap(1)
        assert dataset.nodata == 0 and all(found[code] == colour for code, colour in COLORMAP.items() if code)
    with rasterio.open(tmp_path / "confidence.tif") as dataset:
        assert dataset.nodata == 255
    assert set(report["classes"]) == {item.name for item in CLASSES}
    assert 0 < report["confidence"] <= 100 and "probabilities.tif" in report["inputs"][tile.name]


def put_probabilities(folder, tile, settings, seed):
    geobox = tile.geobox(settings.resolution)
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 256, (6, *geobox.shape)).astype(np.uint8)
    stored[:, 20:30, 40:60] = 0
    write_raster(folder / "probabilities.tif", Raster(stored, geobox))


def test_neighbours_agree_bit_for_bit_on_their_overlap(tmp_path, settings):
    object.__setattr__(settings, "resolution", 120)
    tiles = [Tile.parse(name) for name in ("33TUL", "33TVL")]
    builds = {tile.name: tmp_path / tile.name for tile in tiles}
    for seed, tile in enumerate(tiles):
        put_probabilities(builds[tile.name], tile, settings, seed)
    for tile in tiles:
        landcover.blend(tile, builds, settings, tmp_path / "r" / tile.name)
    shift = round((tiles[1].left - tiles[0].left) / 120)
    for name in ("landcover.tif", "confidence.tif"):
        left, right = (read_raster(tmp_path / "r" / tile.name / name).data for tile in tiles)
        assert np.array_equal(left[:, :, shift:], right[:, :, : 915 - shift])


def test_networks_of_different_windows_are_refused(tmp_path, tile, settings, make_scene, monkeypatch):
    made = {name: seeded_network(name, 64 if name == "water" else 96) for name in OUTPUTS}
    monkeypatch.setattr(Chosen, "load", lambda self, name: made[name])
    with pytest.raises(ModelError, match="different sizes"):
        landcover.classify_scene(make_scene("a", mask()), tile, settings, tmp_path)
    assert not (tmp_path / "scenes" / "a" / "probabilities.tif").exists()


def test_a_scene_that_was_not_fetched_is_named(tmp_path, tile, settings, make_scene):
    scene = make_scene("a", mask())
    (tmp_path / "scenes" / "a" / "reflectance.tif").unlink()
    with pytest.raises(SourceError, match=r"reflectance\.tif"):
        landcover.classify_scene(scene, tile, settings, tmp_path)


def test_the_bytes_do_not_depend_on_the_number_of_threads(
    tmp_path, tile, settings, make_scene, seeded_networks, monkeypatch
):
    made = []
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        shutil.rmtree(tmp_path / "scenes", ignore_errors=True)
        scenes = [make_scene("a", mask(cloud=np.s_[:40]), 1), make_scene("b", mask(cloud=np.s_[30:60]), 2)]
        for scene in scenes:
            landcover.classify_scene(scene, tile, settings, tmp_path)
        put_composite(tmp_path, scenes[1])
        landcover.fuse(scenes, tile, settings, tmp_path)
        paths = [*sorted(tmp_path.glob("scenes/*/*s.tif")), tmp_path / "probabilities.tif"]
        made.append([path.read_bytes() for path in paths])
    assert len(made[0]) == 5 and made[0] == made[1]


def test_the_haze_and_the_days_of_a_date_reach_the_pool(
    tmp_path, tile, settings, make_scene, seeded_networks, monkeypatch
):
    fusion = Fusion(doubtful=0.3, haze=0.1, change=20.0)
    monkeypatch.setattr("pipeline.landcover.pool.fitted", lambda: fusion)
    scenes = [make_scene("a", mask(), 1), make_scene("b", mask(), 2)]
    for scene in scenes:
        landcover.classify_scene(scene, tile, settings, tmp_path)
    put_composite(tmp_path, scenes[0])
    other = read_raster(tmp_path / "scenes" / "b" / "probabilities.tif").data.astype(int)

    def away(scenes, haze=None):
        """How far the fused probabilities lie from those of the second date."""
        landcover.fuse(scenes, tile, settings, tmp_path, haze)
        return np.abs(read_raster(tmp_path / "probabilities.tif").data - other).mean()

    late = [scenes[0], dataclasses.replace(scenes[1], datetime=datetime(2023, 8, 31, 10, tzinfo=UTC))]
    plain = away(scenes)
    assert away(scenes, {"a": 0.0, "b": 1.0}) > plain > away(scenes, {"a": 1.0, "b": None})
    assert away(late) < plain
