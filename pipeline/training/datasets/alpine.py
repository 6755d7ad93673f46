"""The real alpine scenes with their scene classification (Level-2A, 120 m, two tiles, five dates)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.errors import SourceError
from pipeline.training.augment import enlarged
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.labels import (
    SCL_BUILDINGS,
    SCL_CLOUD,
    SCL_PREVIEW_CLOUD,
    SCL_VEGETATION,
    SCL_WATER,
    scl_labels,
)
from pipeline.training.datasets.places import Places
from pipeline.training.datasets.real import read_bands, read_classification

FOLDER = "alpine_33TWL_33TWM"
HELD_OUT_NORTH = 5_110_000
"""Tile 33TWM north of this northing is kept for tests and never trained on."""

LICENCE = "Sentinel-2 Level-2A scenes as in mapchete-eo; contains modified Copernicus Sentinel data 2023."
PLACES = Places(
    train=("33TWL", "33TWM south of northing 5,110,000"), test=("33TWM north of northing 5,110,000",)
)

TABLES = {
    "cloud": SCL_CLOUD,
    "preview-cloud": SCL_PREVIEW_CLOUD,
    "water": SCL_WATER,
    "vegetation": SCL_VEGETATION,
    "buildings": SCL_BUILDINGS,
}


@dataclass(frozen=True)
class RealScene:
    """One scene at 120 m: reflectance (4, rows, cols) with NaN, the scene classification, and its top."""

    id: str
    reflectance: NDArray[np.float32]
    scl: NDArray[np.uint8]
    top: float
    pixel: float

    def rows(self, held_out: bool) -> slice:
        """Return the rows kept for tests, or those that may be trained on."""
        if "33TWM" not in self.id:
            return slice(0, 0) if held_out else slice(0, self.scl.shape[0])
        border = int(np.ceil((self.top - HELD_OUT_NORTH) / self.pixel))
        return slice(0, border) if held_out else slice(border, self.scl.shape[0])


def read_scenes(data: Path) -> list[RealScene]:
    """Read the ten scenes from `data`/alpine_33TWL_33TWM.

    Raises:
        SourceError: they are not there.
    """
    folders = sorted((data / FOLDER).glob("S2*_L2A"))
    if not folders:
        raise SourceError(f"There are no alpine scenes under {data / FOLDER}.")
    return [_read_scene(folder) for folder in folders]


def _read_scene(folder: Path) -> RealScene:
    digital, transform = read_bands(folder)
    scl = read_classification(folder)
    empty = ndimage.binary_dilation((digital == 0).any(axis=0) | (scl == 0), iterations=2)
    reflectance = np.where(empty, np.nan, digital.astype(np.float32) / 10_000)
    return RealScene(
        folder.name, reflectance, np.where(empty, 0, scl).astype(np.uint8), transform.f, transform.a
    )


class AlpineCrops:
    """Crops of the parts that may be trained on, at 120 m or enlarged to 60 m.

    Args:
        scenes: what `read_scenes` returned.
        name: the network whose labels are wanted.
        crop: side in pixels.
    """

    licence = LICENCE
    places = PLACES

    def __init__(self, scenes: list[RealScene], name: str, crop: int) -> None:
        self.crop = crop
        self.parts = []
        for scene in scenes:
            rows = scene.rows(held_out=False)
            labels = scl_labels(scene.scl[rows], TABLES[name])
            if min(labels.shape) >= crop:
                self.parts.append(Sample(scene.reflectance[:, rows], labels))

    def __len__(self) -> int:
        """Return how many crops there are."""
        return sum(part.labels.size for part in self.parts) // self.crop**2

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop; of three tries the one with the rarest labels."""
        part = self.parts[int(rng.integers(len(self.parts)))]
        double = rng.random() < 0.7
        size = self.crop // 2 if double else self.crop
        crops = [cut_out(part, size, rng) for _ in range(3)]
        best = max(crops, key=_variety)
        if not double:
            return best
        labels = best.labels.repeat(2, 0).repeat(2, 1)
        return Sample(enlarged(best.reflectance, int(rng.integers(2))), labels)


def cut_out(
    part: Sample, size: int, rng: np.random.Generator, around: tuple[int, int] | None = None
) -> Sample:
    """Return a square of a part, anywhere or such that it holds the pixel `around`."""
    rows, cols = part.labels.shape
    top, left = int(rng.integers(rows - size + 1)), int(rng.integers(cols - size + 1))
    if around:
        top, left = (
            int(np.clip(middle - rng.integers(size), 0, length - size))
            for middle, length in zip(around, (rows, cols), strict=True)
        )
    window = (slice(top, top + size), slice(left, left + size))
    return Sample(part.reflectance[(slice(None), *window)], part.labels[window])


def _variety(sample: Sample) -> float:
    known = sample.labels[sample.labels != IGNORE]
    return float(known.astype(bool).mean() * 0.5 + known.size / sample.labels.size) if known.size else 0.0
