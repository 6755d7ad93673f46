import argparse
import json
import re

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UsageError
from pipeline.training.album import Album, marked, true_colour
from pipeline.training.cases import Case
from pipeline.training.evaluate_command import add_evaluate_arguments, command_of, run_evaluate
from pipeline.training.metrics import confusion


def arguments(*words):
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    return parser.parse_args([str(word) for word in words])


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("pipeline.training.cases.SIDE", 64)


def test_the_page_holds_figures_and_pictures_and_asks_for_nothing(weights, tmp_path, small, capsys):
    page, plot = tmp_path / "page.html", tmp_path / "plot.png"
    words = ["cloud", "--weights", weights, "--seeds", "8000-8001", "--page", page, "--reliability", plot]
    run_evaluate(arguments(*words))
    found = json.loads(capsys.readouterr().out)
    text = page.read_text()
    for key in ("overall_accuracy", "mean_iou", "ece"):
        assert f"{found[key]:.3f}" in text
    for title in (
        "Worst cases",
        "Middling cases",
        "Best cases",
        "Reliability",
        "By cloud cover",
        "seed 8001",
    ):
        assert title in text
    assert "evaluate cloud --seeds 8000-8001 --resolution 60" in text
    assert "<script" not in text
    assert set(re.findall(r'(?:src|href)="(\w+):', text)) == {"data"}
    assert Image.open(plot).size[0] > 300


def test_haze_has_no_page(weights, tmp_path):
    with pytest.raises(UsageError, match="no page of 'haze'"):
        run_evaluate(arguments("haze", "--weights", weights, "--page", tmp_path / "page.html"))


@pytest.mark.parametrize(
    ("name", "where"), [("water", "eurosat"), ("haze", "desert"), ("landcover", "alpine-held-out")]
)
def test_data_without_labels_for_a_network_are_refused(name, where):
    with pytest.raises(UsageError, match=f"'{name}'"):
        run_evaluate(arguments(name, "--on", where))


def test_commands_are_told_without_the_folders_of_one_machine():
    told = command_of(arguments("cloud", "--windows", "/here/cloud-labels", "--data", "/there"))
    assert told == "python -m pipeline evaluate cloud --windows DIR"
    told = command_of(arguments("cloud", "--windows", "tests/data/cloud-labels"))
    assert told == "python -m pipeline evaluate cloud --windows tests/data/cloud-labels"


def shot(album, name, wrong):
    labels = np.repeat([[0, 1]], 8, axis=0).repeat(8, axis=1).astype(np.uint8)
    guess = labels.copy()
    guess[:wrong] = 1 - guess[:wrong]
    case = Case("place", name, np.full((4, *labels.shape), 0.2, np.float32), labels)
    album.add(case, guess, confusion(labels, guess, 2))


def test_an_album_shows_the_worst_middling_and_best_once_each():
    album = Album(("clear", "cloud"))
    for wrong in (5, 0, 7, 3, 1, 4, 2, 6):
        shot(album, str(wrong), wrong)
    chosen = album.chosen(2)
    titles = {part: [item.title.split(", ")[1] for item in shots] for part, shots in chosen.items()}
    assert titles == {"worst": ["7", "6"], "middling": ["4", "3"], "best": ["0", "1"]}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_cases_are_shown_once(count):
    album = Album(("clear", "cloud"))
    for number in range(count):
        shot(album, str(number), number)
    assert sum(len(shots) for shots in album.chosen().values()) == count


def test_wrong_pixels_are_red_and_empty_ones_white():
    reflectance = np.full((4, 2, 2), 0.1, np.float32)
    reflectance[:, 0, 0] = np.nan
    colour = true_colour(reflectance)
    assert colour[0, 0].tolist() == [255, 255, 255]
    assert colour[1, 1].max() < 255
    red = marked(colour, np.array([[False, True], [False, False]]))[0, 1]
    assert red[0] > 2 * red[1]
