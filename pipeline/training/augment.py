"""Changes to a crop that must not change its labels."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.tone import Tone, asinh_curve
from pipeline.training.datasets import IGNORE, Sample

HAZE_STRENGTH = np.array([0.65, 0.8, 1.0, 0.35], np.float32)
"""Opacity of haze over R, G, B and NIR, relative to blue."""

HAZE_COLOUR = np.array([0.28, 0.31, 0.36, 0.26], np.float32)

WITHERED = np.array([0.9, 0.25, 0.2, -0.35], np.float32)
"""What dense vegetation gains in R, G, B and NIR, relative to itself, from high summer to bare winter."""

TONES = (
    (0.03, 0.2, 1.2),
    (0.05, 0.2, 1.2),
    (0.05, 0.2, 0.8),
    (0.1, 0.3, 1.2),
    (0.2, 0.4, 0.6),
    (1.0, 1.0, 0.45),
)
"""Bends of R, G, B and of NIR, and top, of curves for pictures of 8 bits; the last is almost linear."""


def augment(
    sample: Sample,
    rng: np.random.Generator,
    haze: float,
    season: float = 0.0,
    toned: float = 0.0,
    radiometry: float = 1.0,
) -> Sample:
    """Return the crop turned, rescaled, withered, brightened, hazed, made noisy and cut, each now and then.

    Args:
        sample: reflectance (4, rows, cols) and labels (rows, cols), both square.
        rng: source of chance.
        haze: most opacity of the haze over blue, 0..1.
        season: share of the crops whose vegetation is made greener or drier.
        toned: share of the crops that go through 8 bits.
        radiometry: factor on the spread of gains and offsets.
    """
    sample = turned(sample, rng)
    if rng.random() < 0.2:
        sample = coarsened(sample, rng)
    reflectance = sample.reflectance
    if rng.random() < season:
        reflectance = in_season(reflectance, float(rng.uniform(-0.4, 1.0)))
    reflectance = brightened(reflectance, rng, radiometry)
    if rng.random() < 0.35:
        reflectance = hazed(reflectance, rng, rng.uniform(0, haze))
    grain = rng.standard_normal(reflectance.shape, np.float32)
    reflectance = reflectance + np.float32(rng.uniform(0, 0.006)) * grain
    if rng.random() < toned:
        reflectance = through_levels(reflectance, int(rng.integers(len(TONES))))
    sample = Sample(reflectance, sample.labels)
    return cut(sample, rng) if rng.random() < 0.1 else sample


def turned(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return the crop turned by a multiple of 90 degrees and perhaps mirrored."""
    turns, mirror = int(rng.integers(4)), rng.random() < 0.5
    reflectance, labels = np.rot90(sample.reflectance, turns, (1, 2)), np.rot90(sample.labels, turns)
    if mirror:
        reflectance, labels = reflectance[:, :, ::-1], labels[:, ::-1]
    return Sample(reflectance, labels)


def coarsened(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return the upper-left quarter at twice the size, as if read from a coarser source."""
    half = sample.labels.shape[0] // 2
    quarter = sample.reflectance[:, :half, :half]
    order = int(rng.integers(2))
    return Sample(enlarged(quarter, order), sample.labels[:half, :half].repeat(2, 0).repeat(2, 1))


def enlarged(bands: NDArray[np.float32], order: int) -> NDArray[np.float32]:
    """Return bands at twice the size: nearest neighbour (order 0) or linear (order 1)."""
    if order == 0:
        return bands.repeat(2, 1).repeat(2, 2)
    return ndimage.zoom(bands, (1, 2, 2), order=1, mode="nearest", grid_mode=True)


def brightened(
    reflectance: NDArray[np.float32], rng: np.random.Generator, spread: float = 1.0
) -> NDArray[np.float32]:
    """Return reflectance with a gain and an offset per band, as between dates and orbits.

    Args:
        reflectance: (bands, rows, cols).
        rng: source of chance.
        spread: factor on the deviations of gains and offsets.
    """
    shape = (reflectance.shape[0], 1, 1)
    gain = np.exp(rng.normal(0, 0.08 * spread) + rng.normal(0, 0.04 * spread, shape)).astype(np.float32)
    return reflectance * gain + rng.normal(0, 0.006 * spread, shape).astype(np.float32)


def in_season(reflectance: NDArray[np.float32], dryness: float) -> NDArray[np.float32]:
    """Return reflectance as earlier or later in the year: what is green changes colour, all else stays.

    Args:
        reflectance: (4, rows, cols); NIR may stand at 0 where it is not known.
        dryness: from -0.4 (greener) to 1 (dry or bare).
    """
    green = green_share(reflectance)
    count = reflectance.shape[0]
    return reflectance * (1 + np.float32(dryness) * green * WITHERED[:count, None, None])


def green_share(reflectance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how green each pixel is, 0..1, by NDVI, or by green against red where NIR is not known."""
    red, green = reflectance[0], reflectance[1]
    nir = reflectance[3] if reflectance.shape[0] > 3 else np.zeros_like(red)
    known = np.nanmax(nir, initial=0) > 0
    high, low, full = (nir, 0.25, 0.8) if known else (green, 0.02, 0.25)
    index = (high - red) / np.maximum(np.abs(high) + np.abs(red), np.float32(1e-3))
    return np.clip((index - np.float32(low)) / np.float32(full - low), 0, 1)


def through_levels(reflectance: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """Return reflectance as it comes back from a picture of 8 bits, made with one of `TONES`."""
    tone = _tone(number)
    four = reflectance if reflectance.shape[0] == 4 else np.pad(reflectance, ((0, 1), (0, 0), (0, 0)))
    return tone.invert(tone.apply(four))[: reflectance.shape[0]]


@lru_cache(maxsize=len(TONES))
def _tone(number: int) -> Tone:
    return asinh_curve(f"training {number}", *TONES[number])


def hazed(reflectance: NDArray[np.float32], rng: np.random.Generator, opacity: float) -> NDArray[np.float32]:
    """Return reflectance under a smooth veil: bright, strongest in blue, lowering the contrast."""
    count, rows, cols = reflectance.shape
    coarse = rng.uniform(0.3, 1.0, (4, 4))
    veil = ndimage.zoom(coarse, (rows / 4, cols / 4), order=1, mode="nearest", grid_mode=True)
    share = np.clip(opacity * veil * HAZE_STRENGTH[:count, None, None], 0, 1)
    share = share.astype(np.float32)
    return reflectance * (1 - share) + HAZE_COLOUR[:count, None, None] * share


def cut(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return the crop with no data beyond a slanting line, like the edge of a swath."""
    rows, cols = sample.labels.shape
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:rows, :cols]
    beyond = (x - cols / 2) * np.cos(angle) + (y - rows / 2) * np.sin(angle) > rng.uniform(0, cols / 2)
    return Sample(np.where(beyond, np.nan, sample.reflectance), np.where(beyond, IGNORE, sample.labels))
