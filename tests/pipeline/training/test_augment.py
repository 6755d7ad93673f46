import numpy as np
import pytest

from pipeline.training.augment import (
    TONES,
    augment,
    brightened,
    coarsened,
    cut,
    green_share,
    hazed,
    in_season,
    through_levels,
    turned,
)
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


def test_radiometry_spreads_as_far_as_asked(sample):
    bright = sample.reflectance + 0.1
    assert np.array_equal(brightened(bright, np.random.default_rng(0), 0.0), bright)
    gains = {
        spread: np.std([brightened(bright, np.random.default_rng(seed), spread).mean() for seed in range(50)])
        for spread in (1.0, 2.0)
    }
    assert gains[2.0] == pytest.approx(2 * gains[1.0], rel=0.1)


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


GRASS, SOIL, CLOUD = (0.05, 0.08, 0.04, 0.45), (0.22, 0.17, 0.12, 0.28), (0.8, 0.8, 0.82, 0.75)


def ground(*colours):
    """A row of pixels of these colours, float32 (4, 1, n)."""
    return np.array(colours, np.float32).T[:, None]


def test_seasons_change_what_is_green_and_nothing_else():
    before = ground(GRASS, SOIL, CLOUD)
    dry, lush = (in_season(before, dryness) for dryness in (1.0, -0.4))
    assert np.allclose(dry[:, 0, 1:], before[:, 0, 1:], rtol=0.02)
    assert dry[0, 0, 0] > 1.5 * before[0, 0, 0]
    assert dry[3, 0, 0] < 0.8 * before[3, 0, 0]
    assert lush[0, 0, 0] < before[0, 0, 0]
    assert lush[3, 0, 0] > before[3, 0, 0]


def test_green_is_told_without_near_infrared_too():
    rgb = ground(GRASS, SOIL, CLOUD)
    rgb[3] = 0
    grass, soil, cloud = green_share(rgb)[0]
    assert grass > 0.5
    assert soil == 0
    assert cloud < 0.05
    assert np.array_equal(green_share(rgb[:3]), green_share(rgb))


@pytest.mark.parametrize("number", range(len(TONES)))
def test_pictures_of_8_bits_come_back_within_a_step_up_to_their_top(number):
    top = TONES[number][2]
    ramp = np.linspace(0.001, top, 400, dtype=np.float32)
    reflectance = np.stack([np.stack([ramp, ramp * 0.5])] * 4)
    back = through_levels(reflectance, number)
    assert back.dtype == np.float32
    assert np.abs(back - reflectance).max() < 0.025
    assert len(np.unique(back[0, 0])) <= 255
    bright = through_levels(np.full((4, 1, 1), 1.5, np.float32), number)
    assert bright.max() == pytest.approx(top, abs=0.03)


def test_pictures_of_8_bits_keep_what_is_empty():
    reflectance = ground(GRASS, SOIL)
    reflectance[:, 0, 1] = np.nan
    assert np.isnan(through_levels(reflectance, 0)[:, 0, 1]).all()


def test_without_shares_neither_season_nor_levels_change_a_crop(sample):
    plain = augment(sample, np.random.default_rng(3), 0.3)
    same = augment(sample, np.random.default_rng(3), 0.3, 0.0, 0.0)
    changed = augment(sample, np.random.default_rng(3), 0.3, 1.0, 1.0)
    assert np.array_equal(plain.reflectance, same.reflectance, equal_nan=True)
    assert not np.array_equal(plain.reflectance, changed.reflectance, equal_nan=True)
