"""`script/label` from a plan to labels and their agreement, on small scenes."""

import json

import numpy as np
import pytest
import rasterio
from PIL import Image

from script.lib.label import command, strata
from script.lib.say import Trouble

SIZE, SIDE = 32, 160


def _scene(folder, cloudy):
    """Four bands: water in the upper left, ground of random colour, a square of cloud where asked."""
    generator = np.random.default_rng(5)
    folder.mkdir(parents=True)
    bands = {"B04": 600, "B03": 700, "B02": 400, "B08": 3000}
    for name, level in bands.items():
        values = (level * generator.uniform(0.5, 2, (SIDE, SIDE))).astype(np.uint16)
        values[:60, :60] = 300 if name == "B08" else 500
        if cloudy:
            values[100:140, 100:140] = 7000
        values[:, -20:] = 0
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint16"
        ) as dataset:
            dataset.write(values, 1)


@pytest.fixture
def data(tmp_path):
    _scene(tmp_path / "data" / "cloudy", True)
    _scene(tmp_path / "data" / "clear", False)
    return tmp_path / "data"


@pytest.fixture
def labels(tmp_path):
    folder = tmp_path / "labels"
    folder.mkdir()
    scene = {"name": "c", "scene": "cloudy", "rows": SIDE, "references": ["clear"]}
    scene |= {
        "bright": {"band": "blue", "above": 0.3},
        "mixed": [0.05, 0.9],
        "draw": {"mixed": 2, "plain": 2},
    }
    scene |= {"stretch": {"dark": 0.25, "bright": 0.9, "nir": 0.6}, "strata": 3, "points": 4}
    plan = {"seed": 1, "size": SIZE, "most_empty": 0.2, "twice": 2, "spares": 3, "scenes": [scene]}
    (folder / "plan.json").write_text(json.dumps(plan))
    return folder


def _run(what, labels, data, *more):
    assert command.main([what, str(labels), "--data", str(data), *more]) == 0


def test_windows_are_drawn_shown_masked_and_compared(labels, data, tmp_path, capsys):
    _run("windows", labels, data)
    written = (labels / "windows.json").read_text()
    _run("windows", labels, data)
    assert (labels / "windows.json").read_text() == written
    drawn = json.loads(written)
    assert [window["kind"] for window in drawn] == ["mixed", "mixed", "plain", "plain"]
    assert sum(window["second"] is not None for window in drawn) == 2
    assert len({(window["row"], window["col"]) for window in drawn}) == 4
    cloud = {"class": "cloud", "area": "all", "where": [{"measure": "blue_rise", "above": [0.2, 0.3]}]}
    for which in ("first", "second"):
        (labels / "polygons" / which).mkdir(parents=True)
        for window in drawn:
            (labels / "polygons" / which / f"{window['id']}.json").write_text(json.dumps([cloud]))
    _run("masks", labels, data)
    for window in drawn:
        mask = np.asarray(Image.open(labels / window["file"]))
        truth = np.zeros((SIDE, SIDE), np.uint8)
        truth[100:140, 100:140] = 1
        there = mask != 255
        inside = np.s_[window["row"] : window["row"] + SIZE, window["col"] : window["col"] + SIZE]
        assert there.mean() > 0.7 and (mask == truth[inside])[there].all()
    _run("sheets", labels, data, "--labelling", "first", "--out", str(tmp_path / "sheets"))
    assert len(list((tmp_path / "sheets").glob("*.png"))) == 4
    capsys.readouterr()
    _run("agreement", labels, data)
    told = json.loads(capsys.readouterr().out)
    assert told["windows"] == 2 and told["accuracy"] == 1


def test_unknown_points_give_way_to_spares_until_as_many_are_known(labels, data, tmp_path, capsys):
    _run("points", labels, data)
    candidates = strata.rows_of(labels / "candidates.csv")
    assert [row["spare"] for row in candidates] == ["False"] * 12 + ["True"] * 9
    assert {row["stratum"] for row in candidates} == {"c-0", "c-1", "c-2"}
    _run("chips", labels, data, "--out", str(tmp_path / "chips"))
    assert (tmp_path / "chips" / "chips-01.png").is_file()
    for _ in range(3):
        first = {row["number"]: row["label"] for row in _labelled(labels)}
        for row in _wanted(labels, data, tmp_path, capsys):
            first[row] = "unknown" if len(first) in (0, 3) else "grass"
        rows = [{"number": number, "label": label} for number, label in first.items()]
        strata.write(labels / "first.csv", rows, ["number", "label"])
    _run("table", labels, data)
    kept = strata.rows_of(labels / "points.csv")
    assert len(kept) == 12 and {row["label"] for row in kept} == {"grass"}
    of_stratum = [row["stratum"] for row in kept]
    assert {stratum: of_stratum.count(stratum) for stratum in of_stratum} == {"c-0": 4, "c-1": 4, "c-2": 4}
    again = _wanted(labels, data, tmp_path, capsys, "--labelling", "second")
    assert len(again) == 2
    strata.write(labels / "second.csv", [{"number": again[0], "label": "tree"}], ["number", "label"])
    _run("table", labels, data)
    capsys.readouterr()
    _run("kappa", labels, data)
    assert json.loads(capsys.readouterr().out)["accuracy"] == 0


def test_a_stratum_that_runs_out_is_filled_from_its_scene(labels, data, tmp_path, capsys):
    _run("points", labels, data)
    candidates = strata.rows_of(labels / "candidates.csv")
    rows = [
        {"number": row["number"], "label": "unknown" if row["stratum"] == "c-0" else "tree"}
        for row in candidates
    ]
    strata.write(labels / "first.csv", rows, ["number", "label"])
    _run("table", labels, data)
    kept = strata.rows_of(labels / "points.csv")
    assert len(kept) == 12 and {row["stratum"] for row in kept} == {"c-1", "c-2"}


def test_another_set_lies_apart_from_the_first_and_takes_as_many_points_a_stratum_as_asked(labels, data):
    _run("points", labels, data)
    again = labels.parent / "again"
    plan = json.loads((labels / "plan.json").read_text())
    plan["scenes"][0] |= {"scene": "clear", "references": ["cloudy"], "points": [90, 100, 5]}
    for name, apart in (("again", {}), ("apart", {"apart": {"from": "labels", "pixels": 12}})):
        (labels.parent / name).mkdir(exist_ok=True)
        (labels.parent / name / "plan.json").write_text(json.dumps(plan | apart))
        _run("points", labels.parent / name, data)
    assert _nearest(labels, again) <= 12 < _nearest(labels, labels.parent / "apart")
    asked = [
        row["stratum"]
        for row in strata.rows_of(labels.parent / "apart" / "candidates.csv")
        if row["spare"] == "False"
    ]
    assert [asked.count(f"c-{stratum}") for stratum in range(3)] == [90, 100, 5]


def test_a_label_that_is_no_class_is_refused(labels, data):
    _run("points", labels, data)
    strata.write(labels / "first.csv", [{"number": 1, "label": "gras"}], ["number", "label"])
    with pytest.raises(Trouble, match="gras"):
        command.main(["table", str(labels), "--data", str(data)])


def _nearest(first, second):
    """Pixels, in rows or in columns, between the nearest candidates of two sets."""
    there, here = (
        np.array([(int(row["row"]), int(row["col"])) for row in strata.rows_of(labels / "candidates.csv")])
        for labels in (first, second)
    )
    return np.abs(here[:, None] - there[None]).max(axis=2).min()


def _labelled(labels):
    return strata.rows_of(labels / "first.csv") if (labels / "first.csv").is_file() else []


def _wanted(labels, data, tmp_path, capsys, *more):
    """Numbers of the points that the sheets show."""
    capsys.readouterr()
    _run("chips", labels, data, "--out", str(tmp_path / "chips"), *more)
    return [
        number for line in capsys.readouterr().out.splitlines() for number in line.split(": ")[1].split(", ")
    ]
