"""What cards say a network is not good at, in words and in a picture."""

import argparse
import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import UsageError
from pipeline.networks import NAMES, Store
from pipeline.networks.card import read_card
from pipeline.networks.registry import WEIGHTS
from pipeline.training.album import COLOURS
from pipeline.training.calibrate import calibrate
from pipeline.training.cases import Case
from pipeline.training.config import default_config, read_config
from pipeline.training.evaluate_command import add_evaluate_arguments, run_evaluate
from pipeline.training.evaluate_haze import Scored
from pipeline.training.export import describe, record
from pipeline.training.finetune import start_from
from pipeline.training.metrics import confusion
from pipeline.training.sheet import MOST_BYTES, PART, PreviewSheet, Sheet, packed
from pipeline.training.splits import KEPT_FOR_TESTS, places_of
from tests.weights import write_own

CLASSES = ("clear", "cloud")
AGAIN = "makes the weights again"


def arguments(*words):
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    return parser.parse_args([str(word) for word in words])


def sheet_of(*shares):
    """A sheet of cases of one part each, half of it cloud, of which a share was found."""
    sheet = Sheet(CLASSES)
    for number, share in enumerate(shares):
        labels = np.zeros((PART, PART), np.uint8)
        labels[:, PART // 2 :] = 1
        guess = labels.copy()
        guess[: round((1 - share) * PART)] = 0
        reflectance = np.full((4, PART, PART), 0.1, np.float32)
        case = Case(f"seed {number}", "1", reflectance, labels)
        sheet.add(case, guess, confusion(labels, guess, len(CLASSES)))
    return sheet


def test_worst_middling_and_best_are_shown_each_once():
    rows = sheet_of(0.9, 0.1, 0.5, 1.0, 0.3, 0.6, 0.7).rows()
    assert [(name, strip.case) for name, strip in rows] == [
        ("worst", "seed 1, 1"),
        ("worst", "seed 4, 1"),
        ("middling", "seed 5, 1"),
        ("best", "seed 3, 1"),
    ]


def test_parts_that_say_little_are_not_shown():
    sheet = Sheet(CLASSES)
    labels = np.zeros((2 * PART, PART), np.uint8)
    labels[:PART] = 255
    sheet.add(
        Case("a", "1", np.ones((4, *labels.shape), np.float32), labels), np.zeros_like(labels), np.eye(2)
    )
    assert not sheet.strips


def test_the_picture_shows_scene_truth_and_prediction_in_the_legends_colours():
    picture = np.asarray(sheet_of(0.0, 1.0).drawn("cloud 1"))
    clear, cloud = (tuple(bytes.fromhex(COLOURS[name][1:])) for name in CLASSES)
    row = picture[60]
    told = [tuple(row[left]) for left in (8 + 44, 192 + 44, 192 + 132, 376 + 44, 376 + 132)]
    assert told[1:] == [clear, cloud, clear, clear]
    assert told[0] not in (clear, cloud)


def test_a_picture_is_packed_until_it_is_small():
    noise = np.random.default_rng(1).integers(0, 256, (700, 560, 3), dtype=np.uint8)
    few, many = packed(Image.fromarray(noise), 250_000), packed(Image.fromarray(noise), 10**9)
    assert len(few) < len(many) and Image.open(io.BytesIO(few)).size == (560, 700)


def test_previews_are_shown_by_how_right_the_answer_was():
    sheet = PreviewSheet()
    for score, hazy in ((0.9, True), (0.9, False), (0.4, True), (0.01, False)):
        sheet.add(Scored("seed 1", hazy, score), np.full((4, 50, 50), 0.1, np.float32))
    assert [round(strip.score, 2) for strip in sheet.strips] == [0.9, 0.1, 0.4, 0.99]
    assert sheet.strips[1].words == "not hazy, told 0.900"
    assert sheet.drawn("haze 1").size[0] > 500


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("pipeline.training.cases.SIDE", 64)


def test_evaluate_puts_a_picture_into_the_cards(make_weights, small, capsys, tmp_path):
    folder = make_weights(weaknesses=("Fog on a lake.",))
    run_evaluate(arguments("cloud", "--weights", folder, "--seeds", "8000-8001", "--cards"))
    card, text = read_card(folder / "cloud.json"), (folder / "cloud.md").read_text()
    assert card.picture == "python -m pipeline evaluate cloud --seeds 8000-8001 --resolution 60 --cards"
    assert "## What it is not good at\n\n- Fog on a lake.\n\n![" in text and "](cloud.png)" in text
    with Image.open(folder / "cloud.png") as picture:
        assert picture.format == "PNG" and picture.width > 500
    assert "overall_accuracy" in capsys.readouterr().out


def test_a_preview_network_gets_its_picture_too(tmp_path, monkeypatch, capsys):
    write_own(tmp_path, "haze")
    monkeypatch.setattr("pipeline.training.evaluate_haze.PREVIEWS", 2)
    run_evaluate(arguments("haze", "--weights", tmp_path, "--seeds", "8000", "--cards"))
    assert "](haze.png)" in (tmp_path / "haze.md").read_text() and (tmp_path / "haze.png").is_file()


@pytest.mark.parametrize("words", [("landcover",), ("tone",), ("buildings", "--eurosat", "x")])
def test_what_has_no_pixels_or_no_card_is_not_drawn(words, weights):
    with pytest.raises(UsageError, match="--cards draws what a network tells of pixels"):
        run_evaluate(arguments(*words, "--weights", weights, "--cards"))


def test_words_and_picture_outlive_calibration_and_figures(make_weights, small):
    folder = make_weights(
        name="water", bands=("nir", "red", "green"), classes=("other", "water"), weaknesses=("Wet sand.",),
        picture="drawn so", window=64, margin=32,
    )  # fmt: skip
    calibrate("water", folder, [8000], [60])
    record("water", folder, "measured so", {"overall_accuracy": 0.5})
    text = (folder / "water.md").read_text()
    assert "- Wet sand." in text and "](water.png)" in text and "measured so" in text
    assert read_card(folder / "water.json").weaknesses == ("Wet sand.",)


def test_training_takes_the_words_of_its_configuration_and_going_on_those_of_its_start():
    config = dataclasses.replace(read_config(default_config("water")), weaknesses=("Wet sand.",))
    assert config.card().weaknesses == ("Wet sand.",) and not config.card().picture
    assert config.fingerprint() == dataclasses.replace(config, weaknesses=()).fingerprint()
    start = dataclasses.replace(config.card(), weaknesses=("Dark roofs.",), sha256="0" * 64)
    assert start_from(config, start, shorter=True).card().weaknesses == ("Dark roofs.",)


def test_a_picture_is_registered_with_its_weights(tmp_path):
    write_own(tmp_path / "own", picture="drawn so")
    (tmp_path / "own" / "buildings.png").write_bytes(b"a picture")
    found = Store(tmp_path / "models").add("buildings", tmp_path / "own")
    assert (found.folder / "buildings.png").read_bytes() == b"a picture"


@pytest.mark.parametrize("name", NAMES)
def test_each_card_that_ships_says_what_its_network_is_not_good_at(name):
    card = read_card(WEIGHTS / f"{name}.json")
    text = (WEIGHTS / f"{name}.md").read_text(encoding="utf-8")
    assert len(card.weaknesses) >= 3 and all(f"- {sentence}\n" in text for sentence in card.weaknesses)
    assert card.weaknesses == read_config(default_config(name)).weaknesses
    assert f"]({name}.png)" in text and card.picture
    path = WEIGHTS / f"{name}.png"
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as picture:
        assert picture.width > 500


@pytest.mark.parametrize("name", NAMES)
def test_each_card_that_ships_says_how_and_on_which_places_its_network_was_trained(name):
    card, config = read_card(WEIGHTS / f"{name}.json"), read_config(default_config(name))
    assert card.training["command"].startswith(f"python -m pipeline train {name}")
    assert card.training["steps"] > 0 and ("seconds" in card.training) != ("lost" in card.training)
    train, kept = card.places["train"], card.places["test"]
    assert set(KEPT_FOR_TESTS) <= set(kept)
    assert set(places_of(config, dict.fromkeys(config.sources))["train"]) <= set(train)
    assert not set(train) & {*kept, *card.places["validation"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_card_that_ships_has_its_weights_made_again_by_its_command_alone_or_does_not_say_so(name):
    card = read_card(WEIGHTS / f"{name}.json")
    alone = not card.made_from and "seconds" in card.training and "=DIR" not in card.training["command"]
    assert (AGAIN in describe(card)) == alone


@pytest.mark.parametrize(("words", "given"), [
    ("", ""),
    (" --seeds 1-80 --keep 0.5", ""),
    (" --from first.safetensors --steps 700", "the weights it started from"),
    (" --data mine=DIR --config mine.toml", "that configuration and those data sets"),
    (" --encoder vgg16.pth", "those of its encoder"),
])  # fmt: skip
def test_a_command_makes_the_weights_again_only_where_it_holds_all_they_come_from(make_card, words, given):
    command = f"python -m pipeline train cloud{words}"
    run = {"command": command, "steps": 700, "seconds": 7200, "machine": "2 threads", "torch": "2"}
    text = describe(make_card(training=run))
    assert "2.0 hours for 700 steps on 2 threads" in text
    assert (AGAIN in text) == (not given)
    assert given in text and f"`{command}`" in text


def test_what_of_a_run_was_not_kept_is_said(make_card):
    run = {"command": "python -m pipeline train cloud", "steps": 9, "lost": "hours and machine"}
    text = describe(make_card(training=run))
    assert "an earlier `python -m pipeline train cloud` in 9 steps; hours and machine were not kept" in text
    assert AGAIN not in text and AGAIN not in describe(make_card())


@pytest.mark.parametrize("name", NAMES)
def test_each_card_that_ships_says_what_runs_its_network_on_how_many_windows(name):
    told = json.loads((WEIGHTS / f"{name}.json").read_text())
    assert (told["back_end"], told["batch"]) == ("openvino", 1)
