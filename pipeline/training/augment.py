"""Changes to a crop that must not change its labels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.training.datasets import IGNORE, Sample

HAZE_STRENGTH = np.array([0.65, 0.8, 1.0, 0.35], np.float32)
"""Opacity of haze over R, G, B and NIR, relative to blue."""

HAZE_COLOUR = np.array([0.28, 0.31, 0.36, 0.26], np.float32)


def augment(sample: Sample, rng: np.random.Generator, haze: float) -> Sample:
    """Return the crop turned, rescaled, brightened, hazed, made noisy and cut, each now and then.

    Args:
        sample: reflectance (4, rows, cols) and labels (rows, cols), both square.
        rng: source of chance.
        haze: most opacity of the haze over blue, 0..1.
    """
    sample = turned(sample, rng)
    if rng.random() < 0.2:
        sample = coarsened(sample, rng)
    reflectance = brightened(sample.reflectance, rng)
    if rng.random() < 0.35:
        reflectance = hazed(reflectance, rng, rng.uniform(0, haze))
    grain = rng.standard_normal(reflectance.shape, np.float32)
    reflectance = reflectance + np.float32(rng.uniform(0, 0.006)) * grain
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


def brightened(reflectance: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return reflectance with a gain and an offset per band, as between dates and orbits."""
    shape = (reflectance.shape[0], 1, 1)
    gain = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.04, shape)).astype(np.float32)
    return reflectance * gain + rng.normal(0, 0.006, shape).astype(np.float32)


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
