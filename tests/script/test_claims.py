import argparse

import numpy as np
import pytest

from pipeline.training.cases import Case
from pipeline.training.judge import LANDCOVER, Judge
from script.lib import claims
from script.lib.say import Trouble


@pytest.fixture
def asked(tmp_path):
    return argparse.Namespace(seeds="1-2", steps=3, batch=2, crop=32, width=0.0625, work=tmp_path)


def test_both_sides_have_as_many_steps_and_crops_and_the_wide_one_as_many_weights(asked):
    found = claims.budget(asked)
    assert {side["steps"] for side in found.values()} == {9}
    assert {side["crops"] for side in found.values()} == {18}
    assert found["one"]["weights"] < 0.4 * found["three"]["weights"]
    assert found["wide"]["weights"] == pytest.approx(found["three"]["weights"], rel=0.1)


def test_the_one_network_reads_all_bands_and_tells_all_classes(asked):
    plans = claims.plans(asked, 2)
    assert set(plans["one"].bands) == {band for name in ("water", "buildings") for band in plans[name].bands}
    assert plans["one"].classes == LANDCOVER
    assert {plan.seed for plan in plans.values()} == {2}


@pytest.fixture
def drawn(monkeypatch, asked):
    from pipeline.training.datasets.simulated import cache_folder, read_cache, write_seed

    monkeypatch.setattr("pipeline.training.datasets.simulated.CROPS_PER_SEED", 4)
    folder = cache_folder(asked.work, claims.KIND, 32)
    folder.mkdir(parents=True)
    write_seed(5, folder, claims.KIND, 32)
    return list(read_cache(folder, [5]))


def test_a_training_gives_three_judges_and_is_not_done_twice(asked, drawn):
    first = claims.trained(asked, drawn, 1)
    before = {path: path.stat().st_mtime_ns for path in asked.work.glob("*.safetensors")}
    assert set(first) == {"three", "one", "wide"} and len(before) == 5
    again = claims.trained(asked, drawn, 1)
    assert before == {path: path.stat().st_mtime_ns for path in asked.work.glob("*.safetensors")}
    x = drawn[0].reflectance
    for name, judge in first.items():
        probabilities = judge.probabilities(x)
        assert probabilities.shape == (6, 32, 32)
        np.testing.assert_allclose(probabilities.sum(axis=0), 1, rtol=1e-4)
        assert np.array_equal(probabilities, again[name].probabilities(x))


def told(right):
    """A judge that tells the class in the first band, wrongly in the leftmost columns."""

    def probabilities(x):
        classes = x[0].astype(int)
        classes[:, : round((1 - right) * classes.shape[1])] += 1
        return np.eye(6, dtype=np.float32)[classes % 6].transpose(2, 0, 1)

    return Judge("", "", LANDCOVER, probabilities)


def test_the_lead_of_the_three_is_over_trainings_and_places():
    rng = np.random.default_rng(0)
    tested = []
    for number in range(4):
        labels = rng.integers(0, 6, (20, 20)).astype(np.uint8)
        tested.append(Case(f"place {number}", "1", np.repeat(labels[None], 4, 0).astype(np.float32), labels))
    trainings = [
        {"three": told(0.95), "one": told(0.8), "wide": told(0.95)},
        {"three": told(0.9), "one": told(0.8), "wide": told(0.9)},
    ]
    found = claims.against_each_other(trainings, tested)
    assert found["three"]["mean_iou"] == pytest.approx(np.mean(found["three"]["trainings"]), abs=1e-3)
    assert found["lead"]["one"]["interval"][0] > 0.1
    assert found["lead"]["wide"] == {"mean_iou": 0.0, "interval": [0.0, 0.0]}


def test_places_that_are_trained_on_are_no_test():
    with pytest.raises(Trouble, match="only 8000 and up"):
        claims.main(["--test", "7-9"])
