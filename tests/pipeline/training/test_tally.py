import numpy as np
import pytest

from pipeline.training.datasets import IGNORE
from pipeline.training.reliability import BINS, Reliability, drawn
from pipeline.training.tally import Tally, cover_group, cover_of, interval_of


def chances(*columns):
    """Probabilities (classes, 1, pixels) from one tuple for each pixel."""
    return np.array(columns, np.float32).T[:, None]


def test_reliability_by_hand():
    belief = Reliability()
    belief.add(chances((0.92, 0.08), (0.92, 0.08), (0.32, 0.68), (0.5, 0.5)), np.array([[0, 1, 1, IGNORE]]))
    # One pair at 0.92 of which half is right, one pixel at 0.68 that is right.
    assert belief.error == pytest.approx((2 * abs(0.92 - 0.5) + abs(0.68 - 1)) / 3)
    assert belief.points() == [
        {"confidence": 0.68, "right": 1.0, "pixels": 1},
        {"confidence": 0.92, "right": 0.5, "pixels": 2},
    ]


def test_nothing_has_no_error():
    assert Reliability().error is None


def test_probabilities_that_mean_what_they_say_have_no_error():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 200_000)
    labels = (rng.random(sure.size) > sure).astype(np.uint8)
    belief = Reliability()
    belief.add(np.stack([sure, 1 - sure]), labels)
    assert belief.error < 0.01
    over = Reliability()
    over.add(np.stack([sure**0.2, 1 - sure**0.2]), labels)
    assert over.error > 0.1


def test_the_diagram_shows_bars_where_there_are_pixels():
    full, empty = Reliability(), Reliability()
    full.counts[:, BINS - 1] = 100, 97, 60
    shown, nothing = (np.asarray(drawn(belief, "cloud")) for belief in (full, empty))
    changed = (shown != nothing).any(axis=2)
    assert changed[:, : changed.shape[1] // 2].sum() < changed.sum() / 2
    assert changed.sum() > 500


def test_figures_of_places_add_up():
    tally = Tally(("clear", "cloud"))
    rng = np.random.default_rng(1)
    for place in range(6):
        labels = rng.integers(0, 2, (20, 20))
        sure = np.clip(labels + rng.normal(0, 0.4, labels.shape), 0.01, 0.99)
        tally.add(f"seed {place}", labels, np.stack([1 - sure, sure]), place / 5)
    found = tally.figures()
    assert found["pixels"] == sum(of["pixels"] for of in found["places"].values()) == 2400
    assert found["pixels"] == sum(of["pixels"] for of in found["cloud_cover"].values())
    assert list(found["cloud_cover"]) == ["0-5 %", "20-50 %", "50-80 %", "80-100 %"]
    spread = found["intervals"]
    assert spread["places"] == 6
    for key in ("overall_accuracy", "mean_iou", "ece"):
        assert spread[key][0] <= found[key] <= spread[key][1]
    assert spread["f1"]["cloud"][0] < found["f1"]["cloud"] < spread["f1"]["cloud"][1]


def test_intervals_are_of_places_and_not_of_pixels():
    """Two kinds of places, each all right or all wrong: many pixels do not narrow the interval."""
    tally = Tally(("a", "b"))
    for place in range(10):
        labels = np.zeros((50, 50), int)
        tally.add(str(place), labels, np.stack([labels + place % 2, labels + 1 - place % 2]).astype(float))
    low, high = tally.figures()["intervals"]["overall_accuracy"]
    assert low <= 0.3
    assert high >= 0.7


def test_one_place_has_no_interval():
    tally = Tally(("a", "b"))
    tally.add("only", np.zeros((4, 4), int), np.stack([np.ones((4, 4)), np.zeros((4, 4))]))
    assert tally.figures()["intervals"]["overall_accuracy"] is None


def test_without_known_pixels_there_are_no_figures():
    tally = Tally(("a", "b"))
    tally.add("sea", np.full((4, 4), IGNORE), np.full((2, 4, 4), 0.5))
    found = tally.figures()
    assert found["overall_accuracy"] is None
    assert found["ece"] is None


@pytest.mark.parametrize(
    ("cover", "group"),
    [(0, "0-5 %"), (0.05, "5-20 %"), (0.2, "20-50 %"), (0.999, "80-100 %"), (1, "80-100 %")],
)
def test_groups_of_cloud_cover(cover, group):
    assert cover_group(cover) == group


def test_cover_is_of_what_has_data():
    assert cover_of(np.array([1, 0, 2, 1, IGNORE])) == 0.5
    assert cover_of(np.array([IGNORE])) is None


def test_an_interval_of_a_mean_is_that_of_its_standard_error():
    values = np.random.default_rng(0).normal(5, 2, 400)
    low, high = interval_of(lambda chosen: values[chosen].mean(), len(values))
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
