import numpy as np
import pytest

from pipeline.training.augment import augment, coarsened, cut, hazed, turned
from pipeline.training.datasets import IGNORE, Sample


@pytest.fixture
def sample():
    labels = np.random.default_rng(0).integers(0, 3, (32, 32)).astype(np.uint8)
    return Sample(np.stack([labels / 10 + band / 100 for band in range(4)]).astype(np.float32), labels)


@pytest.mark.parametrize("seed", range(8))
def test_labels_turn_with_their_pixels(sample, seed):
    changed = turned(sample, np.random.default_rng(seed))
    assert np.allclose(changed.reflectance[0], changed.labels / 10)


@pytest.mark.parametrize("seed", range(4))
def test_coarsened_labels_stay_within_half_a_pixel_of_their_pixels(sample, seed):
    smooth = Sample(np.repeat(np.arange(32, dtype=np.float32)[None, None], 32, 1).repeat(4, 0), sample.labels)
    changed = coarsened(smooth, np.random.default_rng(seed))
    assert np.abs(changed.reflectance[0] - np.arange(32) / 2).max() <= 0.5
    assert np.array_equal(changed.labels[::2, ::2], sample.labels[:16, :16])


def test_haze_adds_most_light_to_blue_and_lowers_contrast(sample):
    dark = sample.reflectance * 0.5
    veiled = hazed(dark, np.random.default_rng(1), 0.5)
    added = (veiled - dark).mean(axis=(1, 2))
    assert added[2] > added[1] > added[0] > added[3] > 0
    assert (veiled.std(axis=(1, 2)) < dark.std(axis=(1, 2))).all()


def test_cut_pixels_have_neither_reflectance_nor_label(sample):
    changed = cut(sample, np.random.default_rng(2))
    empty = np.isnan(changed.reflectance).all(axis=0)
    assert 0 < empty.sum() < empty.size
    assert (changed.labels[empty] == IGNORE).all()
    assert np.array_equal(changed.labels[~empty], sample.labels[~empty])


def test_same_chance_gives_the_same_crop(sample):
    first, second = (augment(sample, np.random.default_rng(5), 0.3) for _ in range(2))
    assert np.array_equal(first.reflectance, second.reflectance, equal_nan=True)
    assert first.reflectance.dtype == np.float32
