"""EuroSAT: 64 x 64 RGB patches of 10 m with one label each, for the buildings network."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import SourceError
from pipeline.training.datasets import Sample

ARCHIVE = Path("EuroSAT_RGB") / "EuroSAT_RGB.zip"
LABELS = {"Residential": 1, "Industrial": 2}
AMBIGUOUS = {"Highway"}
PATCH = 64
STRETCH = 0.275
"""Reflectance that the pictures show as 255; 0 is shown as 1."""


class EurosatPatches:
    """Mosaics of patches; every tenth patch of a class, by its number, is held out.

    Args:
        data: folder of the shared data.
        crop: side of a crop in pixels, a multiple of 64.
        held_out: draw from the patches kept back instead.

    Raises:
        SourceError: the archive is not there.
    """

    def __init__(self, data: Path, crop: int, held_out: bool = False) -> None:
        self.crop = crop
        groups: dict[int, list[NDArray[np.uint8]]] = {0: [], 1: [], 2: []}
        try:
            with zipfile.ZipFile(data / ARCHIVE) as archive:
                for name in sorted(n for n in archive.namelist() if _wanted(n, held_out)):
                    groups[LABELS.get(_class(name), 0)].append(_picture(archive.read(name)))
        except (OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"{data / ARCHIVE} cannot be read: {error}.") from error
        self.groups = groups

    def __len__(self) -> int:
        """Return how many crops there are."""
        return sum(len(group) for group in self.groups.values()) // (self.crop // PATCH) ** 2

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop laid with patches; the near infrared is not known and stands at 0."""
        side = self.crop // PATCH
        reflectance = np.zeros((4, self.crop, self.crop), np.float32)
        labels = np.zeros((self.crop, self.crop), np.uint8)
        for row in range(side):
            for col in range(side):
                label = int(rng.choice(3, p=(0.4, 0.3, 0.3)))
                group = self.groups[label]
                window = (slice(row * PATCH, (row + 1) * PATCH), slice(col * PATCH, (col + 1) * PATCH))
                reflectance[(slice(0, 3), *window)] = to_reflectance(group[int(rng.integers(len(group)))])
                labels[window] = label
        return Sample(reflectance, labels)


def to_reflectance(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return reflectance (3, rows, cols) of an 8-bit picture (rows, cols, 3): 1..255 is 0..0.275."""
    return np.moveaxis((picture.astype(np.float32) - 1) * (STRETCH / 254), -1, 0)


def _class(name: str) -> str:
    return Path(name).parent.name


def _wanted(name: str, held_out: bool) -> bool:
    number = re.search(r"_(\d+)\.jpg$", name)
    if number is None or _class(name) in AMBIGUOUS:
        return False
    return (int(number.group(1)) % 10 == 0) == held_out


def _picture(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
