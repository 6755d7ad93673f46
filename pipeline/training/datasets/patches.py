"""Crops of many small pictures with labels, each of one place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from pipeline.errors import SourceError
from pipeline.raster import opened
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.places import TRAIN, Places

TRIES = 3
SCALE = 10_000
NUMBERS = (4, 3, 2, 8)
"""Where R, G, B, NIR lie, from 1, in files that begin with B1, B2, ... B8."""


@dataclass(frozen=True)
class Patch:
    """A picture with labels: the place it shows, and how it is read."""

    place: str
    read: Callable[[], Sample]


class PatchSource:
    """Crops of the patches whose places fall into one split.

    Args:
        name: of the data set, for words.
        licence: what it may be used for, and whom to name.
        patches: of the whole set, in any order that is the same each time.
        crop: side of a crop in pixels; patches that are smaller are laid side by side.
        split: "train", "validation" or "test".

    Raises:
        SourceError: there are no patches, or none in the split.
    """

    def __init__(
        self, name: str, licence: str, patches: Sequence[Patch], crop: int, split: str = TRAIN
    ) -> None:
        self.licence, self.crop = licence, crop
        self.places = Places.of(patch.place for patch in patches)
        wanted = set(self.places.in_split(split))
        self.patches = [patch for patch in patches if patch.place in wanted]
        if not self.patches:
            count = len({patch.place for patch in patches})
            raise SourceError(f"None of the {count} places of {name} falls into the split {split!r}.")

    def __len__(self) -> int:
        """Return how many patches there are."""
        return len(self.patches)

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop of a patch, of three tries the one with most labels, or several patches laid out."""
        first = self._drawn(rng)
        if min(first.labels.shape) < self.crop:
            return self._laid(first, rng)
        crops = [cut_out(first, self.crop, rng) for _ in range(TRIES)]
        return max(crops, key=lambda crop: int((crop.labels != IGNORE).sum()))

    def _drawn(self, rng: np.random.Generator) -> Sample:
        return self.patches[int(rng.integers(len(self.patches)))].read()

    def _laid(self, first: Sample, rng: np.random.Generator) -> Sample:
        """Patches of the first one's size beside and below each other, cut to the crop's size."""
        rows, cols = (-(-self.crop // size) for size in first.labels.shape)
        others = [_fitted(self._drawn(rng), first.labels.shape) for _ in range(rows * cols - 1)]
        patches = iter([first, *others])
        lines = [[next(patches) for _ in range(cols)] for _ in range(rows)]
        reflectance = np.concatenate(
            [np.concatenate([patch.reflectance for patch in line], axis=2) for line in lines], axis=1
        )
        labels = np.concatenate([np.concatenate([patch.labels for patch in line], axis=1) for line in lines])
        return Sample(reflectance[:, : self.crop, : self.crop], labels[: self.crop, : self.crop])


def _fitted(sample: Sample, shape: tuple[int, ...]) -> Sample:
    """A patch cut or filled up with no data to a size."""
    rows, cols = (min(size, own) for size, own in zip(shape, sample.labels.shape, strict=True))
    reflectance = np.full((len(sample.reflectance), *shape), np.nan, np.float32)
    labels = np.full(shape, IGNORE, np.uint8)
    reflectance[:, :rows, :cols] = sample.reflectance[:, :rows, :cols]
    labels[:rows, :cols] = sample.labels[:rows, :cols]
    return Sample(reflectance, labels)


def cut_out(sample: Sample, size: int, rng: np.random.Generator) -> Sample:
    """Return a square of a sample that is at least as large."""
    rows, cols = sample.labels.shape
    top, left = int(rng.integers(rows - size + 1)), int(rng.integers(cols - size + 1))
    window = (slice(top, top + size), slice(left, left + size))
    return Sample(sample.reflectance[(slice(None), *window)], sample.labels[window])


def read_reflectance(path: Path | str, counts: tuple[int, ...]) -> NDArray[np.float32]:
    """Return R, G, B, NIR of a file of all Sentinel-2 bands, reflectance x 10000 in 16 bits, NaN where empty.

    Args:
        path: the file, its first eight bands being B1 to B8.
        counts: how many bands it may have.

    Raises:
        SourceError: it cannot be read, or has another number, type or order of bands.
    """
    with opened(path) as dataset:
        check_bands(dataset, counts)
        counted = dataset.read(NUMBERS)
    return np.where((counted == 0).any(axis=0), np.nan, counted.astype(np.float32) / SCALE)


def check_bands(dataset: rasterio.DatasetReader, counts: tuple[int, ...]) -> None:
    """Refuse a file that has not the expected bands.

    Raises:
        SourceError: it has another number of bands, another type, or names that are not B1 to B8.
    """
    if dataset.count not in counts or dataset.dtypes[0] != "uint16":
        words = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else f"{counts[0]}"
        kind = dataset.dtypes[0]
        raise SourceError(f"{dataset.name} has {dataset.count} bands of {kind}, not {words} of uint16.")
    names = [(name or "").upper().replace("B0", "B") for name in dataset.descriptions[:8]]
    if all(name.startswith("B") for name in names) and names != [f"B{number}" for number in range(1, 9)]:
        raise SourceError(f"{dataset.name} begins with the bands {', '.join(names)}, not with B1 to B8.")


def read_codes(path: Path | str) -> NDArray[np.uint8]:
    """Return the codes of a file of labels; what does not fit 8 bits becomes 255.

    Raises:
        SourceError: it cannot be read.
    """
    with opened(path) as dataset:
        codes = dataset.read(1)
    return np.where((codes < 0) | (codes > 255), 255, codes).astype(np.uint8)
