"""The labels kept with the tests: made again they are the same, and all lie where they may."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from script.lib.label import command, points, strata, windows

LABELS = Path(__file__).resolve().parents[2] / "data"
CLOUDS = LABELS / "cloud-labels"
POINTS, AGAIN = LABELS / "landcover-points", LABELS / "landcover-points-2"
# 33TWM begins at northing 5,200,020; rows below this one reach south of 5,110,000.
ROWS = 750


def _listed():
    return json.loads((CLOUDS / "windows.json").read_text())


def test_thirty_windows_and_ten_of_them_twice_on_the_ground_kept_for_tests():
    listed = _listed()
    assert len(listed) >= 30 and sum(window["second"] is not None for window in listed) == 10
    assert len({window["scene"] for window in listed}) == 6
    for window in listed:
        assert "33TWM" not in window["scene"] or window["row"] + 128 <= ROWS
        for file in filter(None, (window["file"], window["second"])):
            mask = np.asarray(Image.open(CLOUDS / file))
            assert mask.shape == (128, 128) and mask.dtype == np.uint8
            assert set(np.unique(mask)) <= {0, 1, 2, 255}


def test_the_windows_are_those_that_the_plan_draws(shared_data):
    drawn = windows.draw(json.loads((CLOUDS / "plan.json").read_text()), shared_data)
    told = [(window["id"], window["scene"], window["row"], window["col"]) for window in drawn]
    assert told == [(window["id"], window["scene"], window["row"], window["col"]) for window in _listed()]
    assert [window["twice"] for window in drawn] == [window["second"] is not None for window in _listed()]


def test_the_masks_are_what_their_polygons_make(shared_data, tmp_path):
    for name in ("plan.json", "windows.json", "polygons"):
        (tmp_path / name).symlink_to(CLOUDS / name)
    (tmp_path / "first").mkdir()
    assert command.main(["masks", str(tmp_path), "--data", str(shared_data)]) == 0
    for window in _listed():
        for file in filter(None, (window["file"], window["second"])):
            made, kept = (np.asarray(Image.open(folder / file)) for folder in (tmp_path, CLOUDS))
            assert (made == kept).all(), file


@pytest.mark.parametrize(("labels", "count", "twice"), [(POINTS, 600, 100), (AGAIN, 228, 40)])
def test_the_points_on_ground_kept_for_tests_and_those_labelled_twice(labels, count, twice):
    with (labels / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == points.COLUMNS and len(rows) == count
    assert len({(row["scene"], row["row"], row["col"]) for row in rows}) == count
    assert {row["label"] for row in rows} == set(points.CLASSES)
    assert sum(row["label"] == "built" for row in rows) >= 20
    assert sum(row["second"] != "" for row in rows) == twice
    assert all("33TWM" not in row["scene"] or int(row["row"]) < ROWS for row in rows)


def test_the_second_points_are_of_another_date_and_lie_apart_from_the_first():
    first, second = (strata.rows_of(labels / "points.csv") for labels in (POINTS, AGAIN))
    for tile in ("33TWM", "29RKH"):
        old, new = ([row for row in rows if tile in row["scene"]] for rows in (first, second))
        assert tile != "33TWM" or not {row["scene"] for row in old} & {row["scene"] for row in new}
        there, here = (np.array([(int(row["row"]), int(row["col"])) for row in rows]) for rows in (old, new))
        assert np.abs(here[:, None] - there[None]).max(axis=2).min() > 3


@pytest.mark.parametrize("labels", [POINTS, AGAIN])
def test_the_points_are_those_that_the_plan_draws(labels, shared_data, tmp_path):
    folder = tmp_path / labels.name
    folder.mkdir()
    (folder / "plan.json").symlink_to(labels / "plan.json")
    if labels != POINTS:
        (tmp_path / POINTS.name).symlink_to(POINTS)
    assert command.main(["points", str(folder), "--data", str(shared_data)]) == 0
    assert (folder / "candidates.csv").read_text() == (labels / "candidates.csv").read_text()


@pytest.mark.parametrize("labels", [POINTS, AGAIN])
def test_the_table_of_points_is_what_the_labels_make(labels, tmp_path):
    for name in ("candidates.csv", "first.csv", "second.csv"):
        (tmp_path / name).symlink_to(labels / name)
    assert command.main(["table", str(tmp_path)]) == 0
    assert strata.rows_of(tmp_path / "points.csv") == strata.rows_of(labels / "points.csv")
