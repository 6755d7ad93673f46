import argparse

import numpy as np
import pytest

from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.labelled import labelled
from script.lib import new_place
from script.lib.say import Trouble


@pytest.fixture
def place():
    return argparse.Namespace(name="buildings", seed=8050, resolution=60)


def test_labels_are_read_as_those_of_one_place_that_is_trained_on(tmp_path, place):
    drawn = list(new_place.windows_of(place, 2, np.ones(4, np.float32), east=False))
    for number, window in enumerate(drawn):
        new_place.write_labels(tmp_path / str(number), place, window)
    source = labelled(tmp_path, "buildings", 64)
    assert source.places.train == ("west of seed 8050",)
    assert len(source) > 0
    sample = source.sample(np.random.default_rng(0))
    assert np.isfinite(sample.reflectance[:, sample.labels != IGNORE]).all()


def test_tested_windows_lie_elsewhere_and_have_the_gains(place):
    gains = np.array([1.3, 1.1, 0.85, 0.85], np.float32)
    (plain,) = new_place.windows_of(place, 1, np.ones(4, np.float32), east=True)
    (seen,) = new_place.windows_of(place, 1, gains, east=True)
    (west,) = new_place.windows_of(place, 1, gains, east=False)
    assert np.allclose(seen.reflectance[0], 1.3 * plain.reflectance[0], equal_nan=True)
    assert np.array_equal(seen.classes, plain.classes)
    assert not np.array_equal(west.classes, seen.classes)


@pytest.mark.parametrize("seed", ["7", "9000"])
def test_places_of_other_splits_are_refused(tmp_path, seed):
    with pytest.raises(Trouble, match="only 8000 to 8999"):
        new_place.main(["water", "--out", str(tmp_path), "--seed", seed])
