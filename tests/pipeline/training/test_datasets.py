import datetime as dt
import io
import zipfile

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.alpine import FOLDER, HELD_OUT_NORTH, AlpineCrops, read_scenes
from pipeline.training.datasets.drawing import draw, draw_windows, square, world_of
from pipeline.training.datasets.eurosat import ARCHIVE, CoarsePatches, EurosatPatches, to_reflectance
from pipeline.training.datasets.labels import SCL_CLOUD, landcover_labels, scl_labels
from pipeline.training.datasets.previews import preview_of
from pipeline.training.datasets.simulated import SimulatedCrops, cache_folder, write_seed

TOPS = {"33TWL": 5_100_000, "33TWM": 5_200_020}


@pytest.fixture
def alpine(tmp_path):
    """Two tiny scenes with the true names: blue tells the northing in units of 10 km."""
    for tile, top in TOPS.items():
        folder = tmp_path / FOLDER / f"S2B_{tile}_20230813_0_L2A"
        folder.mkdir(parents=True)
        rows = 915
        northing = top - 120 * (np.arange(rows) + 0.5)
        blue = np.repeat((northing / 1000)[:, None], 64, axis=1).astype(np.uint16)
        scl = np.full(blue.shape, 4, np.uint8)
        scl[:, 20:40] = 9
        scl[:, 60:] = 0
        transform = from_origin(499_980, top, 120, 120)
        for name, data in {"B04": blue, "B03": blue, "B02": blue, "B08": blue, "SCL": scl}.items():
            profile = {"driver": "GTiff", "height": rows, "width": 64, "count": 1, "dtype": data.dtype}
            with rasterio.open(folder / f"{name}.tif", "w", **profile, transform=transform) as dataset:
                dataset.write(data, 1)
    return tmp_path


def test_alpine_crops_never_show_the_part_kept_for_tests(alpine):
    crops, rng = AlpineCrops(read_scenes(alpine), "cloud", 32), np.random.default_rng(0)
    for _ in range(200):
        northing = np.nanmax(crops.sample(rng).reflectance) * 10_000 * 1000
        assert northing < HELD_OUT_NORTH


def test_alpine_parts_split_the_scene(alpine):
    west, north = read_scenes(alpine)
    assert west.rows(held_out=True) == slice(0, 0)
    assert north.rows(held_out=True).stop == north.rows(held_out=False).start == 751


def test_missing_alpine_scenes_are_told(tmp_path):
    with pytest.raises(SourceError, match="alpine"):
        read_scenes(tmp_path)


def test_scl_borders_and_unknown_classes_are_ignored():
    scl = np.full((6, 9), 4, np.uint8)
    scl[:, 4:] = 9
    scl[:, 8] = 12
    labels = scl_labels(scl, SCL_CLOUD)
    assert (labels[:, :3] == 0).all()
    assert (labels[:, 3:5] == IGNORE).all()
    assert (labels[:, 5:7] == 1).all()
    assert (labels[:, 7:] == IGNORE).all()


def test_landcover_labels_ignore_what_the_sky_hides():
    classes = np.array([[1, 2, 3, 4, 5, 6, 0, 2]], np.uint8)
    cloud = np.array([[0, 0, 0, 0, 0, 0, 0, 2]], np.uint8)
    assert landcover_labels("water", classes, cloud).tolist() == [[1, 0, 0, 0, 0, 0, 255, 255]]
    assert landcover_labels("vegetation", classes, cloud).tolist() == [[0, 1, 2, 0, 0, 0, 255, 255]]
    assert landcover_labels("buildings", classes, cloud).tolist() == [[0, 0, 0, 1, 2, 0, 255, 255]]


@pytest.fixture
def eurosat(tmp_path):
    """An archive of grey patches whose brightness tells class and number."""
    path = tmp_path / ARCHIVE
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for index, kind in enumerate(("Residential", "Industrial", "Forest", "Highway")):
            for number in (1, 10):
                file = io.BytesIO()
                colour = (40 * (index + 1) + number,) * 3
                Image.new("RGB", (64, 64), colour).save(file, "JPEG", quality=100)
                archive.writestr(f"EuroSAT_RGB/{kind}/{kind}_{number}.jpg", file.getvalue())
    return tmp_path


@pytest.mark.parametrize(("held_out", "number"), [(False, 1), (True, 10)])
def test_eurosat_patches_are_split_by_their_pictures_and_highways_left_out(
    eurosat, held_out, number, monkeypatch
):
    kept = "pipeline.training.datasets.eurosat.is_kept"
    monkeypatch.setattr(kept, lambda picture: int(picture[0, 0, 0]) % 40 == 10)
    patches = EurosatPatches(eurosat, 128, held_out)
    seen = {label: {int(p[0, 0, 0]) for p in group} for label, group in patches.groups.items()}
    assert seen == {0: {120 + number}, 1: {40 + number}, 2: {80 + number}}


def test_eurosat_grey_levels_become_reflectance_again():
    picture = np.array([[[1, 128, 255]]], np.uint8)
    assert to_reflectance(picture)[:, 0, 0] == pytest.approx([0, 0.1375, 0.275], abs=1e-4)


def test_coarse_mosaics_hold_each_patch_in_fewer_pixels(eurosat, monkeypatch):
    monkeypatch.setattr("pipeline.training.datasets.eurosat.is_kept", lambda picture: False)
    fine = EurosatPatches(eurosat, 128).groups
    levels = {label: to_reflectance(group[0])[0, 0, 0] for label, group in fine.items()}
    coarse, sides = CoarsePatches(eurosat, 128), set()
    for seed in range(8):
        crop = coarse.sample(np.random.default_rng(seed))
        assert crop.labels.shape == (128, 128)
        expected = np.vectorize(levels.get)(crop.labels)
        assert np.abs(crop.reflectance[0] - expected).max() < 0.02
        changes = np.flatnonzero((np.diff(crop.labels.astype(int), axis=0) != 0).any(axis=1)) + 1
        sides.add(int(np.gcd.reduce(changes)))
    assert sides == {16, 32}


def test_missing_eurosat_is_told(tmp_path):
    with pytest.raises(SourceError, match="EuroSAT"):
        EurosatPatches(tmp_path, 128)


@pytest.mark.parametrize("kind", ["cloudy", "fair", "clear", "open"])
def test_a_seed_gives_the_same_crops_each_time(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("pipeline.training.datasets.simulated.CROPS_PER_SEED", 4)
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        write_seed(3, folder, kind, 32)
    first, second = (np.load(tmp_path / name / "3.npz") for name in "ab")
    for key in ("stored", "classes", "cloud", "hazy"):
        assert np.array_equal(first[key], second[key])


def test_simulated_crops_have_reflectance_where_they_have_labels(tmp_path):
    folder = cache_folder(tmp_path, "cloudy", 32)
    folder.mkdir()
    write_seed(2, folder, "cloudy", 32)
    crops, rng = SimulatedCrops(tmp_path, [2], "cloud", 32), np.random.default_rng(0)
    for _ in range(10):
        sample = crops.sample(rng)
        assert np.isfinite(sample.reflectance[:, sample.labels != IGNORE]).all()


def test_fair_crops_hold_less_cloud_and_more_of_rare_ground(tmp_path):
    shares = {}
    for kind in ("cloudy", "fair"):
        write_seed(1, tmp_path, kind, 48)
        with np.load(tmp_path / "1.npz") as arrays:
            cloud, classes = arrays["cloud"], arrays["classes"]
        built = np.isin(classes, (4, 5)).any(axis=(1, 2)).mean()
        shares[kind] = (cloud == 1).mean(), built
    assert shares["fair"][0] < shares["cloudy"][0] / 2
    assert shares["fair"][1] > shares["cloudy"][1]


def test_windows_for_evaluation_lie_apart_and_hold_all_they_should():
    drawn = list(draw_windows(8001, 60, 64, clear=True, count=2))
    assert not np.array_equal(drawn[0].classes, drawn[1].classes)
    assert all(not item.hazy and item.reflectance.shape == (4, 64, 64) for item in drawn)


def test_windows_of_both_levels_show_the_same_sky_and_the_air_only_once():
    surface, top = (next(draw_windows(8001, 60, 64, clear=False, count=1, level=of)) for of in ("L2A", "L1C"))
    assert np.array_equal(surface.cloud, top.cloud)
    blue = 2
    clear = surface.cloud == 0
    assert np.nanmedian(top.reflectance[blue][clear]) > np.nanmedian(surface.reflectance[blue][clear]) + 0.02


def test_sand_stays_clear_and_bright():
    world = world_of(8002)
    geobox = square(Tile.parse(world.reference_tile), 60, 64, 0.5, 0.5)
    weather = {"cloud_cover": 30.0, "hazy": False}
    plain, sand = (draw(world, geobox, dt.date(2023, 7, 1), **weather, ground=g) for g in ("", "sand"))
    assert np.array_equal(plain.cloud, sand.cloud)
    assert np.nanmedian(sand.reflectance[0]) > 2 * np.nanmedian(plain.reflectance[0])


def test_real_preview_covers_its_scene(alpine):
    preview = preview_of(read_scenes(alpine)[0], averaged=True)
    assert preview.labels.shape == (343, 24)
    assert set(np.unique(preview.labels)) == {0, 1, IGNORE}


def test_averaged_preview_is_empty_only_where_its_scene_is(alpine):
    scene = read_scenes(alpine)[0]
    averaged, nearest = (preview_of(scene, averaged=way).reflectance for way in (True, False))
    assert np.array_equal(np.isnan(averaged), np.isnan(nearest))
    assert np.isfinite(averaged).any()
