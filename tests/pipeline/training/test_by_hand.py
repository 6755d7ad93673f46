"""Labels made by hand: windows of clouds and shadows, and points of landcover."""

import csv
import json
import sys

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from pipeline.errors import ModelError, SourceError, UsageError
from pipeline.training.album import Album
from pipeline.training.csmask import csmask
from pipeline.training.datasets import IGNORE
from pipeline.training.judge import LANDCOVER, Judge
from pipeline.training.points import CLASSES, five_classes, on_points, read_points, stratum_weights
from pipeline.training.windows import on_windows, read_scene, read_windows, scene_probabilities

SIDE = 64
SCENE = "alpine/S2A_33TWM_20230815_0_L2A"


@pytest.fixture
def data(tmp_path):
    """A scene of 120 m whose red tells the truth: 0.1 clear, 0.5 cloud, 0.02 shadow; a corner is empty."""
    folder = tmp_path / SCENE
    folder.mkdir(parents=True)
    red = np.full((SIDE, SIDE), 1000, np.uint16)
    red[:, 16:32], red[:, 32:40] = 5000, 200
    red[:4, :4] = 0
    scl = np.full((SIDE, SIDE), 4, np.uint8)
    scl[:, 20:36], scl[:, 36:40] = 9, 3
    for name, band in {"B04": red, "B03": red, "B02": red, "B08": red, "SCL": scl}.items():
        profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": band.dtype}
        transform = from_origin(500_000, 5_200_000, 120, 120)
        with rasterio.open(folder / f"{name}.tif", "w", **profile, transform=transform) as dataset:
            dataset.write(band, 1)
    return tmp_path


def of_red(reflectance, edges):
    """Nearly sure probabilities of the class by red."""
    classes = np.digitize(np.nan_to_num(reflectance[0]), edges)
    sure = (classes == np.arange(len(edges) + 1)[:, None, None]).astype(np.float32)
    return 0.9 * sure + 0.1 / len(sure)


CLOUD = Judge("cloud", "1", ("clear", "cloud", "shadow"), lambda x: of_red(x, (0.05, 0.3))[[1, 2, 0]])
PREVIEW = Judge("preview-cloud", "1", ("clear", "cloud"), lambda x: of_red(x, (0.3,)))


@pytest.fixture
def windows(data):
    """Two windows labelled as the scene is, one column unknown; the second one twice."""
    folder = data / "cloud-labels"
    folder.mkdir()
    labels = np.zeros((32, 32), np.uint8)
    labels[:, 8:24], labels[:, 24:] = 1, 2
    labels[:, 31] = IGNORE
    second = labels.copy()
    second[:2] = 0
    for name, picture in {"a": labels, "b": labels, "b2": second}.items():
        Image.fromarray(picture).save(folder / f"{name}.png")
    listed = [
        {"id": "a", "scene": SCENE, "row": 0, "col": 8, "file": "a.png", "second": None},
        {"id": "b", "scene": SCENE, "row": 32, "col": 8, "file": "b.png", "second": "b2.png"},
    ]
    (folder / "windows.json").write_text(json.dumps(listed))
    return folder


def test_another_mask_is_measured_on_the_same_pixels(data, windows):
    def late(reflectance):
        """A mask that calls the first column of each cloud clear."""
        clouds = np.nan_to_num(reflectance[0]) > 0.3
        return np.where(clouds & np.roll(clouds, 1, axis=1), 1, 0).astype(np.uint8)

    found = on_windows(CLOUD, windows, data, beside=late)
    assert found["f1"]["cloud"] == 1 and found["beside"]["pixels"] == found["pixels"]
    assert found["beside"]["classes"]["cloud"] == pytest.approx(
        {"precision": 1, "recall": 15 / 16, "f1": 30 / 31, "iou": 15 / 16}, abs=1e-4
    )
    assert found["beside"]["classes"]["shadow"]["recall"] == 0


def test_a_peer_that_is_not_installed_is_asked_for_with_words(monkeypatch):
    monkeypatch.setitem(sys.modules, "ukis_csmask", None)
    monkeypatch.setitem(sys.modules, "ukis_csmask.mask", None)
    with pytest.raises(ModelError, match=r"pip install 'ukis-csmask\[cpu\]==1.0.0'"):
        csmask(np.zeros((4, 8, 8), np.float32))


def test_windows_are_judged_within_their_scene(data, windows):
    album = Album(CLOUD.classes)
    found = on_windows(CLOUD, windows, data, album)
    assert found["f1"] == {"clear": 1, "cloud": 1, "shadow": 1}
    assert found["pixels"] == 2 * 32 * 31
    assert list(found["places"]) == ["a", "b"]
    assert list(found["cloud_cover"]) == ["50-80 %"]
    assert len(album.shots) == 2


def test_the_scene_s_own_classification_is_measured_on_the_same_pixels(data, windows):
    found = on_windows(CLOUD, windows, data)["scl"]
    # Of 16 columns of cloud its classification has 12, and 4 of shadow instead of 7 are called so.
    assert found["pixels"] == 2 * 32 * 31
    assert found["classes"]["cloud"]["recall"] == pytest.approx(12 / 16)
    assert found["classes"]["shadow"]["recall"] == pytest.approx(3 / 7, abs=1e-4)


def test_two_labellings_are_compared(data, windows):
    told = on_windows(CLOUD, windows, data)["labellers"]
    assert told["windows"] == 1
    assert 0.8 < told["kappa"] < 1
    assert told["f1"]["shadow"] == pytest.approx(2 * 30 / (30 + 32), abs=1e-3)


def test_pixels_without_data_are_not_judged(data, windows):
    listed = json.loads((windows / "windows.json").read_text())
    listed[0]["col"] = 0
    (windows / "windows.json").write_text(json.dumps(listed))
    assert on_windows(CLOUD, windows, data)["pixels"] == 2 * 32 * 31 - 16


def test_previews_are_judged_at_their_320_metres_with_shadow_as_clear(data, windows):
    scene = read_scene(data, SCENE)
    chances = scene_probabilities(PREVIEW, scene)
    assert chances.shape == (2, SIDE, SIDE)
    assert np.array_equal(chances[:, 40, 0], chances[:, 40, 1])
    found = on_windows(PREVIEW, windows, data)
    assert set(found["f1"]) == {"clear", "cloud"}
    assert found["f1"]["cloud"] > 0.8
    assert set(found["scl"]["f1"]) == {"clear", "cloud"}


@pytest.mark.parametrize("broken", ["missing", "value", "key", "scene"])
def test_broken_windows_are_told(data, windows, broken):
    path = windows / "windows.json"
    if broken == "missing":
        path.unlink()
    elif broken == "value":
        Image.fromarray(np.full((32, 32), 7, np.uint8)).save(windows / "a.png")
    elif broken == "key":
        path.write_text('[{"id": "a"}]')
    else:
        path.write_text(path.read_text().replace("33TWM", "99XXX"))
    with pytest.raises(SourceError, match="99XXX" if broken == "scene" else r"windows\.json"):
        on_windows(CLOUD, read_windows(windows) and windows, data)


def points(folder, rows):
    folder.mkdir(exist_ok=True)
    with (folder / "points.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "scene", "row", "col", "stratum", "stratum_share", "label", "second"])
        writer.writerows(rows)
    return folder


LAND = Judge("landcover", "1", LANDCOVER, lambda x: of_red(x, (0.01, 0.015, 0.05, 0.3, 0.9)))
"""Shadow is tree, what is clear is residential, cloud is industrial."""


@pytest.fixture
def labelled(data):
    """Two strata: a common one of which half is right, and a rare one that is all right."""
    rows = [
        (1, SCENE, 50, 4, "common", 0.9, "built", "built"),
        (2, SCENE, 50, 5, "common", 0.9, "barren", "built"),
        (3, SCENE, 50, 34, "rare", 0.1, "tree", "tree"),
        (4, SCENE, 50, 20, "rare", 0.1, "built", ""),
    ]
    return points(data / "landcover-points", rows)


def test_points_count_as_their_stratum_s_share(data, labelled):
    album = Album(CLASSES)
    found = on_points(LAND, labelled, data, album)
    assert found["points"] == 4
    assert found["overall_accuracy"] == pytest.approx(0.45 + 0.1)
    assert found["unweighted"]["overall_accuracy"] == pytest.approx(3 / 4)
    assert found["classes"]["barren"]["recall"] == 0
    assert found["f1"]["tree"] == 1
    low, high = found["intervals"]["overall_accuracy"]
    assert (low, high) == (pytest.approx(0.1), pytest.approx(1.0))
    assert found["labellers"]["points"] == 3
    assert len(album.shots) == 4


def test_both_kinds_of_buildings_are_built():
    six = np.arange(1, 7, dtype=float)[:, None] / 21
    assert np.allclose(five_classes(six)[:, 0] * 21, [1, 2, 3, 9, 6])


def test_weights_sum_to_one_and_share_a_stratum():
    weights = stratum_weights(["a", "a", "b"], [0.6, 0.6, 0.3])
    assert weights == pytest.approx([1 / 3, 1 / 3, 1 / 3])


@pytest.mark.parametrize("label", ["snow", ""])
def test_points_of_other_classes_are_told(data, label):
    folder = points(data / "odd", [(7, SCENE, 1, 1, "a", 1.0, label, "")])
    with pytest.raises(SourceError, match="point 7"):
        read_points(folder)


def test_missing_points_are_told(tmp_path):
    with pytest.raises(SourceError, match=r"points\.csv"):
        read_points(tmp_path)


def test_labels_say_nothing_about_other_networks(windows):
    import argparse

    from pipeline.training.evaluate_command import add_evaluate_arguments, run_evaluate

    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    with pytest.raises(UsageError, match="says nothing about 'water'"):
        run_evaluate(parser.parse_args(["water", "--windows", str(windows)]))
