"""The fusion's weights, fitted; and what fused dates are worth beside single ones."""

import argparse
import dataclasses
import json

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.landcover.combine import quantise
from pipeline.landcover.pool import DatePool, Fusion, read_fusion
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.alpine import RealScene
from pipeline.training.datasets.dates import SPAN, days_of, draw_dates
from pipeline.training.evaluate_command import add_evaluate_arguments, command_of, run_evaluate
from pipeline.training.fusion import NAMES, Pixels, cross_entropy, fit, logarithms, pixels_of
from pipeline.training.fusion_command import add_fusion_arguments, run_fusion
from pipeline.training.real_series import agreed, alpine_series, three_classes
from pipeline.training.series import Series, View, on_series

PLAIN = Fusion(doubtful=1.0)
MANY = 20_000


def claims(rng, labels, strength=0.8):
    """Calibrated claims, independent of each other given the class: the likelihoods of a noisy sign of it."""
    signs = rng.normal(0, 1, (len(labels), 6))
    signs[np.arange(len(labels)), labels] += strength
    chances = np.exp(strength * signs)
    return chances / chances.sum(axis=1, keepdims=True)


def pixels(labels, *dates, kinds=None, days=None):
    stored = np.stack([np.maximum(np.rint(255 * chances), 1) for chances in dates], axis=1).astype(np.uint8)
    shape = stored.shape[:2]
    return Pixels(
        stored,
        np.ones(shape, np.uint8) if kinds is None else kinds,
        np.zeros(shape, np.float32),
        np.zeros(shape, int) if days is None else days,
        labels,
    )


def only(*free):
    return [name for name in NAMES if name not in free]


def test_independent_dates_are_found_to_be_independent():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, MANY)
    kinds = np.ones((MANY, 3), np.uint8)
    kinds[: MANY // 2, 1:] = 0
    data = pixels(labels, claims(rng, labels), claims(rng, labels), claims(rng, labels), kinds=kinds)
    found = fit(data, only("growth", "scale"), dataclasses.replace(PLAIN, growth=0.5))
    assert found.growth == pytest.approx(1, abs=0.1)
    assert found.scale == pytest.approx(1, abs=0.1)


def test_dates_that_repeat_each_other_are_found_to_say_nothing_new():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, MANY)
    once = claims(rng, labels)
    found = fit(pixels(labels, once, once, once), only("growth"), dataclasses.replace(PLAIN, growth=0.5))
    assert found.growth < 0.05


def test_views_that_say_less_get_less_evidence():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 6, MANY)
    kinds = np.ones((MANY, 2), np.uint8)
    kinds[:, 1] = 2
    weak = claims(rng, rng.permutation(labels))
    data = pixels(labels, claims(rng, labels), weak, kinds=kinds)
    assert fit(data, only("doubtful"), dataclasses.replace(PLAIN, doubtful=0.5)).doubtful < 0.05


def test_the_rate_at_which_ground_changes_is_found():
    rng = np.random.default_rng(0)
    labels, days = rng.integers(0, 6, MANY), rng.integers(0, 730, (MANY, 1))
    changed = rng.random(MANY) > np.exp(-0.4 * days[:, 0] / 365.25)
    there = np.where(changed, rng.integers(0, 6, MANY), labels)
    data = pixels(labels, claims(rng, there, 4.0), days=days)
    assert fit(data, only("change"), dataclasses.replace(PLAIN, change=0.1)).change == pytest.approx(
        0.4, abs=0.04
    )


def test_the_fit_pools_as_the_product_does():
    rng = np.random.default_rng(0)
    fusion = Fusion(0.4, 0.1, 0.2, 0.5, 0.05, 0.8, 1.3, 0.4)
    stored = rng.integers(0, 256, (50, 3, 6)).astype(np.uint8)
    kinds = rng.integers(1, 5, (50, 3)).astype(np.uint8)
    haze, days = np.float32([0, 0.2, 0.9]), np.array([0, 30, 91])
    shape = 50, 3
    data = Pixels(
        stored, kinds, np.broadcast_to(haze, shape), np.broadcast_to(days, shape), np.zeros(50, np.uint8)
    )
    pool = DatePool((1, 50), fusion)
    for number in range(3):
        pool.add(
            stored[:, number].T[:, None].copy(),
            kinds[None, :, number].copy(),
            float(haze[number]),
            days[number],
        )
    np.testing.assert_allclose(np.exp(logarithms(data, fusion)).T, pool.result()[0][:, 0], atol=1e-4)


def view(labels, right, kinds, rng):
    """A view that tells a share of the labels right, with a probability of 0.7."""
    told = np.where(rng.random(labels.shape) < right, labels, (labels + 1) % 6)
    chances = np.where(told == np.arange(6)[:, None, None], 0.7, 0.06)
    return View(np.zeros((4, *labels.shape), np.float32), quantise(chances, kinds > 0), kinds, 0.0, 0)


@pytest.fixture
def places():
    rng = np.random.default_rng(0)
    made = []
    for number in range(4):
        labels = rng.integers(0, 6, (32, 32)).astype(np.uint8)
        kinds = np.ones((3, 32, 32), np.uint8)
        kinds[0, :8], kinds[1, :, :4], kinds[2, 8:] = 4, 0, 4
        views = tuple(view(labels, right, k, rng) for right, k in zip((0.8, 0.9, 0.9), kinds, strict=True))
        labels[0] = IGNORE
        made.append(Series(f"place {number}", "1", labels, views))
    return made


def test_fused_dates_are_measured_beside_single_ones_on_the_same_ground(places):
    found = on_series(places, Fusion(doubtful=0.3))
    assert found["pixels"] == 4 * 31 * 32
    assert found["single"]["pixels"] == 4 * (24 * 32 + 31 * 28 + 7 * 32)
    clearest, best = found["clearest"], found["best"]
    assert clearest["alone"]["pixels"] == clearest["fused"]["pixels"] == 4 * 31 * 28
    assert clearest["alone"]["overall_accuracy"] == pytest.approx(0.9, abs=0.02)
    assert best["alone"]["pixels"] == best["fused"]["pixels"] == 0
    low, high = clearest["gain"]["interval"]
    gain = clearest["fused"]["mean_iou"] - clearest["alone"]["mean_iou"]
    assert low <= gain <= high and clearest["gain"]["mean_iou"] == pytest.approx(gain, abs=2e-4)


def test_the_best_date_is_the_one_that_is_right_where_all_dates_show_ground(places):
    rng = np.random.default_rng(0)
    clear = [np.where(view.kinds == 0, 0, 1).astype(np.uint8) for view in places[0].views]
    rights = (0.6, 0.95, 0.8)
    views = [view(places[0].labels, right, kinds, rng) for right, kinds in zip(rights, clear, strict=True)]
    found = on_series([dataclasses.replace(places[0], views=tuple(views))], Fusion(doubtful=0.3))
    assert found["best"]["alone"]["pixels"] == 31 * 28
    assert found["best"]["alone"]["overall_accuracy"] == pytest.approx(0.95, abs=0.02)
    assert found["best"]["gain"]["interval"] is None


def test_pixels_are_drawn_where_a_date_shows_known_ground(places):
    data = pixels_of(places)
    assert len(data.labels) == 4 * 31 * 32 and IGNORE not in data.labels
    assert data.stored.shape == (len(data.labels), 3, 6)
    assert cross_entropy(data, fit(data, only("scale"), PLAIN)) < cross_entropy(data, PLAIN)


def test_without_pixels_nothing_is_fitted():
    with pytest.raises(UsageError, match="no pixels"):
        pixels_of([])


def test_dates_of_a_campaign_are_its_own_and_all_over_one_place():
    days = days_of(8000, 4)
    assert days == days_of(8000, 4) != days_of(8001, 4)
    assert len({day.date for day in days}) == 4 and all(0 <= day.days < SPAN for day in days)
    (windows,) = draw_dates(8000, 60, 32, days, count=1)
    assert len(windows) == 4
    assert all(np.array_equal(windows[0].classes, one.classes) for one in windows)
    assert not np.array_equal(windows[0].reflectance, windows[1].reflectance)


@pytest.fixture
def networks(make_weights, monkeypatch):
    """Five small networks with random weights, and no previews to draw."""
    plans = {
        "water": (("nir", "red", "green"), ("other", "water")),
        "vegetation": (("nir", "red", "green"), ("other", "grass", "tree")),
        "buildings": (("red", "green", "blue"), ("other", "residential", "industrial")),
        "cloud": (("red", "green", "blue", "nir"), ("clear", "cloud", "shadow")),
    }
    for name, (bands, classes) in plans.items():
        folder = make_weights(name=name, bands=bands, classes=classes, margin=64)
    make_weights(
        name="haze", kind="haze", bands=("red", "green", "blue"), classes=("clear", "hazy"), margin=0
    )
    monkeypatch.setattr(
        "pipeline.training.series.preview_of_day", lambda *_: np.full((3, 64, 64), 0.1, np.float32)
    )
    monkeypatch.setattr("pipeline.training.series.kinds_of", lambda mask, _: (mask != 255).astype(np.uint8))
    monkeypatch.setattr("pipeline.training.fusion.SIDE", 32)
    return folder


def arguments(add, *words):
    parser = argparse.ArgumentParser()
    add(parser)
    return parser.parse_args([str(word) for word in words])


def test_the_command_writes_weights_that_evaluate_takes(networks, tmp_path, capsys, monkeypatch):
    out = tmp_path / "fusion.json"
    words = ["--weights", networks, "--seeds", "8000", "--resolutions", "60", "--dates", "2", "--out", out]
    run_fusion(arguments(add_fusion_arguments, *words))
    told = json.loads(capsys.readouterr().out)
    assert told["command"] == "python -m pipeline fit-fusion --seeds 8000 --resolutions 60 --dates 2"
    assert told["after"]["cross_entropy"] <= told["before"]["cross_entropy"]
    assert all(entropy >= told["after"]["cross_entropy"] - 1e-3 for entropy in told["without"].values())
    assert read_fusion(out) == Fusion(**told["weights"])
    monkeypatch.setattr("pipeline.training.series.WINDOWS", 1)
    monkeypatch.setattr("pipeline.training.series.SIDE", 32)
    words = ["landcover", "--weights", networks, "--seeds", "8001", "--dates", "2", "--fusion", out]
    args = arguments(add_evaluate_arguments, *words)
    run_evaluate(args)
    found = json.loads(capsys.readouterr().out)
    assert found["pixels"] > 0 and found["clearest"]["alone"]["pixels"] <= found["pixels"]
    assert command_of(args) == "python -m pipeline evaluate landcover --seeds 8001 --resolution 60 --dates 2"


@pytest.mark.parametrize(
    "words", [("water", "--dates", "2"), ("landcover", "--dates", "2", "--on", "desert")]
)
def test_only_simulated_landcover_is_fused(words):
    with pytest.raises(UsageError, match="--dates fuses"):
        run_evaluate(arguments(add_evaluate_arguments, *words))


def test_weights_are_fitted_on_validation_seeds_alone(tmp_path):
    with pytest.raises(UsageError, match="8000 to 8999"):
        run_fusion(arguments(add_fusion_arguments, "--seeds", "9000", "--out", tmp_path / "f.json"))


def test_real_ground_is_what_two_dates_tell_and_none_contradicts():
    labels = np.array([[1, 1, 1, 255, 2], [1, 2, 255, 255, 2], [255, 1, 255, 255, 2]], np.uint8)[:, None]
    assert agreed(labels).tolist() == [[1, 255, 255, 255, 2]]


def test_six_classes_become_three():
    six = np.array([0.1, 0.2, 0.3, 0.15, 0.05, 0.2])
    np.testing.assert_allclose(three_classes(six), [0.1, 0.5, 0.4])


@pytest.fixture
def alpine(monkeypatch):
    """Three dates of two tiles, half water and half plants, one date empty in a corner."""
    rng = np.random.default_rng(0)
    scl = np.full((200, 200), 6, np.uint8)
    scl[:, 100:] = 4
    scenes = []
    for tile, top in (("33TWL", 5_100_000), ("33TWM", 5_110_000 + 120 * 80)):
        for day in ("20230818", "20230815", "20230820"):
            reflectance = rng.uniform(0.02, 0.3, (4, 200, 200)).astype(np.float32)
            if day == "20230818":
                reflectance[:, :20, :20] = np.nan
            scenes.append(RealScene(f"S2A_{tile}_{day}_0_L2A", reflectance, scl, top, 120.0))
    monkeypatch.setattr("pipeline.training.real_series.read_scenes", lambda data: scenes)
    return scenes


def test_the_alpine_dates_are_a_series_of_blocks(networks, alpine, tmp_path):
    trained = list(alpine_series(tmp_path, False, networks, 3))
    assert sum(item.labels.size for item in trained) == 200 * 200 + 120 * 200
    tests = list(alpine_series(tmp_path, True, networks, 2))
    assert sum(item.labels.size for item in tests) == 80 * 200
    assert [view.days for view in trained[0].views] == [5, 2, 0]
    assert [view.days for view in tests[0].views] == [3, 0]
    assert not trained[0].views[1].kinds[:20, :20].any()
    assert {0, 1, IGNORE} == set(np.unique(trained[0].labels))
    with pytest.raises(UsageError, match="3 dates of a tile, not 4"):
        list(alpine_series(tmp_path, False, networks, 4))


def test_evaluate_fuses_the_alpine_dates(networks, alpine, tmp_path, capsys):
    out = tmp_path / "fusion.json"
    out.write_text(json.dumps({"weights": PLAIN.to_json()}))
    words = ["landcover", "--weights", networks, "--on", "alpine-trained", "--dates", "3", "--fusion", out]
    args = arguments(add_evaluate_arguments, *words)
    run_evaluate(args)
    found = json.loads(capsys.readouterr().out)
    assert set(found["iou"]) == {"water", "plants", "bare or built"}
    assert found["pixels"] > 0 and found["best"]["alone"]["pixels"] > 0
    assert command_of(args) == "python -m pipeline evaluate landcover --on alpine-trained --dates 3"
