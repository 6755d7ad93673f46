import numpy as np
import pytest
import rasterio

from pipeline import imagery
from pipeline.errors import SourceError
from pipeline.imagery.spots import SURE_CLOUD
from pipeline.raster import decode, read_raster
from pipeline.sketch import Sketch
from pipeline.tone import load_tone


def test_a_local_scene_becomes_stored_reflectance_on_the_grid(tmp_path, tile, settings, make_source):
    scene, numbers = make_source("a")
    report = imagery.fetch(scene, tile, settings, tmp_path / "build")
    found = read_raster(report["path"])
    assert np.array_equal(found.data, numbers + 1)
    assert found.geobox.affine == tile.transform(600)
    assert report["bytes_fetched"] == 0 and report["seconds"] >= 0


def test_a_scene_that_is_there_is_left_alone(tmp_path, tile, settings, make_source):
    scene, _ = make_source("a")
    first = imagery.fetch(scene, tile, settings, tmp_path / "build")
    before = (tmp_path / "build/scenes/a/reflectance.tif").stat().st_mtime_ns
    for asset in scene.assets.values():
        (tmp_path / asset.href).unlink()
    assert imagery.fetch(scene, tile, settings, tmp_path / "build")["path"] == first["path"]
    assert (tmp_path / "build/scenes/a/reflectance.tif").stat().st_mtime_ns == before


def test_a_broken_scene_leaves_no_file(tmp_path, tile, settings, make_source):
    scene, _ = make_source("a")
    (tmp_path / scene.assets["nir"].href).write_bytes(b"no raster")
    with pytest.raises(SourceError, match="nir"):
        imagery.fetch(scene, tile, settings, tmp_path / "build")
    assert not list((tmp_path / "build").rglob("*.tif"))


def test_the_mask_has_its_four_codes_and_no_data_where_the_scene_is_empty(
    tmp_path, tile, settings, make_fetched, seeded_cloud_network
):
    scene, stored = make_fetched("a")
    report = imagery.mask(scene, tile, settings, tmp_path)
    cloud = read_raster(tmp_path / "scenes/a/cloud.tif").data[0]
    assert set(np.unique(cloud)) <= {0, 1, 2, 255}
    assert np.array_equal(cloud == 255, stored[0] == 0)
    assert report["valid"] == pytest.approx(153 / 183)
    clear = report["clear"] + report["doubtful"]
    assert clear + report["cloud"] + report["shadow"] == pytest.approx(report["valid"])
    assert report["cloud"] == pytest.approx((cloud == 1).mean())


def test_the_mask_is_the_likeliest_class_of_the_network(
    tmp_path, tile, settings, make_fetched, seeded_cloud_network
):
    scene, stored = make_fetched("a")
    imagery.mask(scene, tile, settings, tmp_path)
    cloud = read_raster(tmp_path / "scenes/a/cloud.tif").data[0]
    expected = seeded_cloud_network.probabilities(decode(stored)).argmax(axis=0)
    assert (cloud == expected)[stored[0] > 0].mean() > 0.999


def test_the_view_for_people_is_the_scene_under_the_tone_curve(
    tmp_path, tile, settings, make_fetched, seeded_cloud_network
):
    scene, stored = make_fetched("a")
    imagery.mask(scene, tile, settings, tmp_path)
    path = tmp_path / "scenes/a/image.tif"
    assert np.array_equal(read_raster(path).data, load_tone("default").apply(stored))
    with rasterio.open(path) as dataset:
        assert dataset.nodata == 0 and dataset.colorinterp[0].name == "red"
        assert load_tone("default").tags().items() <= dataset.tags().items()


def test_a_scene_is_not_masked_twice(tmp_path, tile, settings, make_fetched, seeded_cloud_network):
    scene, _ = make_fetched("a")
    first = imagery.mask(scene, tile, settings, tmp_path)
    (tmp_path / "scenes/a/reflectance.tif").unlink()
    assert imagery.mask(scene, tile, settings, tmp_path) == first


def test_a_scene_that_was_not_fetched_cannot_be_masked(
    tmp_path, tile, settings, make_fetched, seeded_cloud_network
):
    scene, _ = make_fetched("a")
    (tmp_path / "scenes/a/reflectance.tif").unlink()
    with pytest.raises(SourceError, match=r"reflectance\.tif"):
        imagery.mask(scene, tile, settings, tmp_path)


def test_the_mask_of_a_whole_scene_has_only_spots_that_are_believed(
    tmp_path, tile, settings, make_fetched, seeded_cloud_network
):
    scene, stored = make_fetched("a")
    imagery.mask(scene, tile, settings, tmp_path)
    alone = read_raster(tmp_path / "scenes/a/cloud.tif").data[0]
    probability = seeded_cloud_network.probabilities(decode(stored)).max(axis=0)
    (tmp_path / "scenes/a/cloud.tif").unlink()
    imagery.mask(scene, tile, settings, tmp_path, whole=True)
    cloud = read_raster(tmp_path / "scenes/a/cloud.tif").data[0]
    changed = cloud != alone
    assert changed.any() and not cloud[changed].any()
    assert (probability[changed & (alone == 1)] < SURE_CLOUD / 255).all()
    assert {path.name for path in (tmp_path / "scenes/a").iterdir()} == {
        "cloud.tif",
        "image.tif",
        "mask.json",
        "reflectance.tif",
        "sketch.npy",
    }


def test_the_cells_kept_with_the_mask_are_those_that_the_composite_would_make(
    tmp_path, tile, settings, make_fetched, seeded_cloud_network
):
    scene, _ = make_fetched("a")
    imagery.mask(scene, tile, settings, tmp_path)
    geobox = tile.geobox(settings.resolution)
    kept = Sketch.of_scene("a", geobox, tmp_path, tmp_path / "not-needed.npy")
    made = Sketch.make("a", geobox, tmp_path, tmp_path / "made.npy")
    assert kept.path == tmp_path / "scenes/a/sketch.npy" and not (tmp_path / "not-needed.npy").exists()
    assert np.array_equal(np.load(kept.path), np.load(made.path))
    assert np.array_equal(kept.level(120), made.level(120))


def test_a_scene_fetched_anew_loses_its_cells_with_its_mask(
    tmp_path, tile, settings, make_source, seeded_cloud_network
):
    scene, _ = make_source("a")
    imagery.fetch(scene, tile, settings, tmp_path / "build")
    imagery.mask(scene, tile, settings, tmp_path / "build")
    place = tmp_path / "build/scenes/a"
    assert (place / "sketch.npy").exists()
    (place / "reflectance.tif").unlink()
    imagery.fetch(scene, tile, settings, tmp_path / "build")
    assert not (place / "sketch.npy").exists() and not (place / "cloud.tif").exists()


def test_a_mask_made_anew_has_cells_of_its_own(tmp_path, tile, settings, make_fetched, seeded_cloud_network):
    scene, _ = make_fetched("a")
    imagery.mask(scene, tile, settings, tmp_path)
    before = np.load(tmp_path / "scenes/a/sketch.npy")
    (tmp_path / "scenes/a/cloud.tif").unlink()
    imagery.mask(scene, tile, settings, tmp_path, whole=True)
    kept = np.load(tmp_path / "scenes/a/sketch.npy")
    made = Sketch.make("a", tile.geobox(settings.resolution), tmp_path, tmp_path / "made.npy")
    assert np.array_equal(kept, np.load(made.path)) and not np.array_equal(kept, before)
