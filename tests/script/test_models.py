import json

import pytest

from script.lib.models import command, page
from script.lib.models.rows import ALPINE, ROWS, TABLES, WINDOWS, Row, both, by_class, dates, figure
from script.lib.say import Trouble

FOUND = {
    "pixels": 1000,
    "mean_iou": 0.8125,
    "overall_accuracy": 0.9,
    "ece": 0.02,
    "f1": {"cloud": 0.9, "shadow": None, "clear": 0.95},
    "classes": {"cloud": {"recall": 0.7}, "shadow": {"recall": None}, "clear": {"recall": 1.0}},
    "confusion": [[1]],
    "places": {str(number): {} for number in range(5)},
    "intervals": {"mean_iou": [0.7, 0.9], "f1": {"cloud": [0.85, 0.95], "shadow": None, "clear": [0.9, 1.0]}},
}
CLOUD = Row(
    ("cloud", "--seeds", "9000"), both(figure("mean_iou", "mean IoU"), by_class("f1", "cloud", "shadow"))
)
MARKS = "Above.\n<!-- figures: a -->\nold\n<!-- end of figures: a -->\nBelow.\n"


def test_figures_are_told_with_their_intervals():
    assert CLOUD.told(FOUND) == "mean IoU 0.812 (0.700 to 0.900); cloud 0.900 (0.850 to 0.950), shadow -"


def test_what_is_kept_has_the_recall_of_each_class_and_no_long_tables():
    kept = page.slim({**FOUND, "scl": FOUND})
    assert kept["recall"] == kept["scl"]["recall"] == {"cloud": 0.7, "shadow": None, "clear": 1.0}
    assert not {"confusion", "places", "classes"} & set(kept)


def test_a_table_takes_the_place_of_the_last_one_between_its_marks_alone(tmp_path):
    paper, kept = tmp_path / "models.md", tmp_path / "models.json"
    paper.write_text(MARKS)
    for date, value in (("2026-01-01", 0.5), ("2026-01-02", 0.8125)):
        page.keep(kept, CLOUD.command, FOUND | {"mean_iou": value}, {"cloud": "2.0.0"}, date)
        page.write(paper, page.read(kept), {"a": page.rows_of((CLOUD,))})
    text = paper.read_text()
    assert text.startswith("Above.\n") and text.endswith("-->\nBelow.\n")
    assert "old" not in text and "0.500" not in text
    assert "| `cloud --seeds 9000` | mean IoU 0.812 (0.700 to 0.900)" in text
    assert "Measured 2026-01-02, with cloud 2.0.0." in text


def test_a_page_without_the_marks_is_refused(tmp_path):
    paper = tmp_path / "models.md"
    paper.write_text(MARKS)
    with pytest.raises(Trouble, match="marks of 'b' 0 times"):
        page.write(paper, {}, {"b": page.windows})


def test_the_page_that_ships_has_all_marks_and_the_tables_of_what_was_kept(tmp_path):
    from script.lib.claims import table

    paper = tmp_path / "models.md"
    paper.write_text(page.DOCUMENT.read_text())
    page.write(paper, page.read(page.KEPT), page.BLOCKS | {"claims": table})
    assert paper.read_text() == page.DOCUMENT.read_text()


def test_what_is_missing_here_is_told_and_keeps_its_last_figures(tmp_path, monkeypatch):
    kept = tmp_path / "models.json"
    page.keep(kept, WINDOWS.command, FOUND, {"cloud": "1"}, "2026-01-01")
    monkeypatch.setattr(command, "evaluated", lambda row, data: FOUND)
    left = command.measure([CLOUD, WINDOWS], tmp_path, kept)
    assert left == [f"Not measured, the last figures stay: {WINDOWS.command} ({tmp_path} has no {ALPINE})."]
    found = json.loads(kept.read_text())
    assert found[WINDOWS.command]["date"] == "2026-01-01"
    assert found[CLOUD.command]["versions"].keys() == {"cloud"}


def test_every_evaluation_is_one_that_the_command_line_takes():
    import argparse

    from pipeline.training.evaluate_command import add_evaluate_arguments

    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    for row in ROWS:
        assert parser.parse_args(list(row.words)).name == row.words[0]
    assert len({row.command for row in ROWS}) == len(ROWS) > sum(map(len, TABLES.values())) - 1


def test_some_networks_can_be_measured_alone():
    assert {row.words[0] for row in command.chosen(["haze"])} == {"haze"}
    with pytest.raises(Trouble, match="Nothing is measured of 'sea'"):
        command.chosen(["sea"])


def test_a_failed_evaluation_is_told(tmp_path):
    row = Row(("cloud", "--points", str(tmp_path)), str)
    with pytest.raises(Trouble, match=r"evaluate cloud --points .* failed: .*says nothing about 'cloud'"):
        command.evaluated(row, tmp_path)


def test_fused_dates_are_told_beside_single_ones():
    part = {"mean_iou": 0.9, "ece": 0.01, "intervals": {"mean_iou": [0.8, 0.95]}}
    gain = {"gain": {"mean_iou": 0.02, "interval": [0.01, 0.03]}}
    told = dates({**part, "single": {**part, "mean_iou": 0.85}, "clearest": gain, "best": gain})
    assert told.startswith(
        "fused: mean IoU 0.900 (0.800 to 0.950), ECE 0.010; each date alone: mean IoU 0.850"
    )
    assert "fused above the clearest date: 0.020 (0.010 to 0.030)" in told
