"""Previews of 343 x 343 pixels of 320 m: simulated ones, and the real alpine ones of tile 33TWL."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy import ndimage

from pipeline.atmosphere import WAVELENGTHS, rayleigh, without_rayleigh
from pipeline.training.augment import hazed
from pipeline.training.datasets import Sample
from pipeline.training.datasets.alpine import LICENCE as ALPINE_LICENCE
from pipeline.training.datasets.alpine import PLACES, RealScene
from pipeline.training.datasets.labels import SCL_PREVIEW_CLOUD, scl_labels
from pipeline.training.datasets.places import Places
from pipeline.training.datasets.simulated import LICENCE, cache_folder, read_cache, seed_places

PIXEL = 320.0
NOT_HAZY, HAZY = 0, 1
LEVEL_1C_SHARE = 0.5


class SimulatedPreviews:
    """Whole simulated previews or crops of them, labelled clear or cloud.

    Args:
        cache: folder of what `simulated.generate` wrote.
        seeds: which of them.
        crop: side of a crop in pixels; 0 for the whole.
    """

    licence = LICENCE

    def __init__(self, cache: Path, seeds: Iterable[int], crop: int) -> None:
        seeds = list(seeds)
        self.crop, self.places = crop, seed_places(seeds)
        self.samples = [
            (Sample(item.reflectance, item.preview_labels()), bool(item.hazy))
            for item in read_cache(cache_folder(cache, "previews", crop), seeds)
        ]

    def __len__(self) -> int:
        """Return how many previews there are."""
        return len(self.samples)

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return one of the previews, cropped."""
        return self.sample_with_haze(rng)[0]

    def sample_with_haze(self, rng: np.random.Generator) -> tuple[Sample, bool]:
        """Return one of the previews, cropped, and whether it is hazy."""
        sample, hazy = self.samples[int(rng.integers(len(self.samples)))]
        return _crop(sample, self.crop, rng), hazy


class AlpinePreviews:
    """Real previews of the scenes that may be trained on whole; none of them is hazy.

    Args:
        scenes: what `alpine.read_scenes` returned.
        crop: side of a crop in pixels; 0 for the whole.
    """

    licence = ALPINE_LICENCE
    places = Places(train=PLACES.train[:1], test=PLACES.test)

    def __init__(self, scenes: list[RealScene], crop: int) -> None:
        self.crop = crop
        self.scenes = [scene for scene in scenes if scene.rows(held_out=True) == slice(0, 0)]

    def __len__(self) -> int:
        """Return how many previews there are."""
        return len(self.scenes)

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return one of the previews, cropped, read in one of two ways and from a shifted grid."""
        return self.sample_with_haze(rng)[0]

    def sample_with_haze(self, rng: np.random.Generator) -> tuple[Sample, bool]:
        """Return one of the previews, cropped, and that it is not hazy."""
        scene = self.scenes[int(rng.integers(len(self.scenes)))]
        preview = preview_of(scene, averaged=rng.random() < 0.5, shift=float(rng.uniform(0, 0.9)))
        return _crop(preview, self.crop, rng), False


class HazePreviews:
    """Previews labelled hazy or not, half of the clear ones put under a synthetic haze.

    Args:
        previews: the previews drawn from.
        crop: side of a crop in pixels.
    """

    def __init__(self, previews: "SimulatedPreviews | AlpinePreviews", crop: int) -> None:
        self.previews, self.crop = previews, crop
        self.licence, self.places = previews.licence, previews.places

    def __len__(self) -> int:
        """Return how many previews there are."""
        return len(self.previews)

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop whose labels are all 0 (not hazy) or all 1 (hazy)."""
        sample, hazy = self.previews.sample_with_haze(rng)
        reflectance = sample.reflectance
        if not hazy and rng.random() < 0.5:
            reflectance, hazy = hazed(reflectance, rng, float(rng.uniform(0.35, 0.8))), True
        if rng.random() < LEVEL_1C_SHARE:
            reflectance = through_air(reflectance, rng)
        labels = np.full(sample.labels.shape, HAZY if hazy else NOT_HAZY, np.uint8)
        return _crop(Sample(reflectance, labels), self.crop, rng)


def through_air(reflectance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a preview as Level-1C shows it, with a thin veil of dust, after `without_rayleigh`.

    Args:
        reflectance: (bands, h, w), R, G, B first.
        rng: draws the sun, the dust, and how wrong the sun is that the metadata tells.
    """
    elevation = float(rng.uniform(25, 65))
    path, through = rayleigh(elevation)
    dust = rng.uniform(0.0, 0.03) * 0.55 / WAVELENGTHS
    seen = reflectance[:3] * (through * (1 - dust))[:, None, None] + (path + dust)[:, None, None]
    cleared = without_rayleigh(seen, elevation + float(rng.normal(0, 1)))
    return np.concatenate([cleared, reflectance[3:]]).astype(np.float32)


def preview_of(scene: RealScene, averaged: bool, shift: float = 0.0) -> Sample:
    """Return a scene at 320 m with clear and cloud labels.

    Args:
        scene: the scene at its own resolution.
        averaged: take means over the preview's pixel instead of the nearest value.
        shift: of the grid, in the scene's pixels.
    """
    factor = PIXEL / scene.pixel
    reflectance = scene.reflectance
    if averaged:
        filled = np.nan_to_num(reflectance)
        means = np.stack([ndimage.uniform_filter(band, 3, mode="nearest") for band in filled])
        reflectance = np.where(np.isnan(reflectance), np.float32(np.nan), means)
    labels = scl_labels(scene.scl, SCL_PREVIEW_CLOUD)
    rows, cols = (
        np.minimum((np.arange(int(size / factor)) * factor + factor / 2 + shift).astype(int), size - 1)
        for size in scene.scl.shape
    )
    return Sample(reflectance[:, rows][:, :, cols], labels[rows][:, cols])


def _crop(sample: Sample, size: int, rng: np.random.Generator) -> Sample:
    rows, cols = sample.labels.shape
    if size == 0 or (rows == size and cols == size):
        return sample
    top, left = int(rng.integers(rows - size + 1)), int(rng.integers(cols - size + 1))
    window = (slice(top, top + size), slice(left, left + size))
    return Sample(sample.reflectance[(slice(None), *window)], sample.labels[window])
