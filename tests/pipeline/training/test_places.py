import numpy as np
import pytest

from pipeline.errors import SourceError, UsageError
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.patches import Patch, PatchSource
from pipeline.training.datasets.places import SPLITS, TEST, TRAIN, VALIDATION, Places, split_of


def test_the_split_of_a_place_never_changes():
    found = " ".join(split_of(f"place {number}") for number in range(12))
    assert found == "validation test test train train train train train train test train train"
    assert split_of("São Paulo") == split_of(" Sa\u0303o Paulo ")


def test_seven_in_ten_places_are_trained_on_and_the_rest_is_halved():
    splits = [split_of(f"place {number}") for number in range(4000)]
    shares = [splits.count(split) / len(splits) for split in (TRAIN, VALIDATION, TEST)]
    assert shares == pytest.approx([0.7, 0.15, 0.15], abs=0.02)


def test_each_place_is_in_one_split_and_a_stated_one_wins():
    names = [f"place {number}" for number in range(50)]
    places = Places.of([*names, *names], {"place 3": TEST})
    assert sorted(places.train + places.validation + places.test) == sorted(names)
    assert "place 3" in places.test
    assert places.to_json() == {split: list(places.in_split(split)) for split in SPLITS}
    with pytest.raises(UsageError, match="'holdout'"):
        places.in_split("holdout")


def patch(place, value, size=8):
    """A patch that shows its value everywhere, with labels in its lower half."""
    labels = np.full((size, size), IGNORE, np.uint8)
    labels[size // 2 :] = value
    return Patch(place, lambda: Sample(np.full((4, size, size), value, np.float32), labels))


@pytest.fixture
def patches():
    return [patch(f"place {number}", number) for number in range(40)]


def test_crops_come_from_the_places_of_their_split_alone(patches):
    rng = np.random.default_rng(0)
    seen = {}
    for split in SPLITS:
        source = PatchSource("set", "licence", patches, 4, split)
        drawn = {int(source.sample(rng).reflectance[0, 0, 0]) for _ in range(300)}
        seen[split] = {f"place {number}" for number in drawn}
        assert seen[split] == set(source.places.in_split(split))
    assert not seen[TRAIN] & (seen[VALIDATION] | seen[TEST])


def test_the_same_chance_gives_the_same_crop(patches):
    source = PatchSource("set", "licence", patches, 4)
    first, second = (source.sample(np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(first.reflectance, second.reflectance)
    assert np.array_equal(first.labels, second.labels)


def test_of_three_tries_the_crop_with_most_labels_is_taken(patches):
    source = PatchSource("set", "licence", patches, 4)
    known = [(source.sample(np.random.default_rng(n)).labels != IGNORE).mean() for n in range(200)]
    assert np.mean(known) > 0.6


def test_small_patches_are_laid_side_by_side(patches):
    source = PatchSource("set", "licence", patches, 20)
    sample = source.sample(np.random.default_rng(1))
    assert sample.reflectance.shape == (4, 20, 20)
    assert sample.labels.shape == (20, 20)
    assert len(np.unique(sample.reflectance)) > 4
    known = sample.labels != IGNORE
    assert (sample.labels[known] == sample.reflectance[0][known]).all()


def test_patches_of_other_sizes_fill_up_with_no_data():
    named = [name for name in (f"place {number}" for number in range(20)) if split_of(name) == TRAIN]
    source = PatchSource("set", "licence", [patch(named[0], 1, 8), patch(named[1], 2, 6)], 16)
    samples = [source.sample(np.random.default_rng(number)) for number in range(20)]
    assert any(np.isnan(sample.reflectance).any() for sample in samples)
    assert all(sample.labels.shape == (16, 16) for sample in samples)
    assert all((sample.labels[np.isnan(sample.reflectance[0])] == IGNORE).all() for sample in samples)


def test_a_split_without_places_is_told():
    name = next(name for name in (f"place {number}" for number in range(20)) if split_of(name) == TEST)
    with pytest.raises(SourceError, match="None of the 1 places of the set falls into the split 'train'"):
        PatchSource("the set", "licence", [patch(name, 1)], 4)
