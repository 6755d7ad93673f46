"""EuroSAT: patches of 64 x 64 pixels of 10 m with one label each, as RGB pictures or with all 13 bands."""

import io
import re
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import SourceError
from pipeline.raster import opened
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.labels import network_table
from pipeline.training.datasets.patches import Patch, PatchSource, read_reflectance
from pipeline.training.datasets.places import TRAIN, Places
from pipeline.training.patch_clusters import TEST_PLACE, TRAIN_PLACE, is_kept

LICENCE = "EuroSAT, MIT, (c) 2023 Patrick Helber; contains modified Copernicus Sentinel data."
TABLE: dict[str, tuple[int, ...]] = {
    "AnnualCrop": (2,),
    "Forest": (3,),
    "HerbaceousVegetation": (2,),
    "Highway": (1, 2, 3, 4, 5, 6),
    "Industrial": (5,),
    "Pasture": (2,),
    "PermanentCrop": (2, 3),
    "Residential": (4,),
    "River": (1, 2, 3, 6),
    "SeaLake": (1,),
}
"""Name of a patch's class -> the landcover classes that each of its pixels may be."""

ARCHIVE = Path("EuroSAT_RGB") / "EuroSAT_RGB.zip"
LABELS = {"Residential": 1, "Industrial": 2}
AMBIGUOUS = {"Highway"}
PATCH = 64
STEPS = (2, 4)
"""Coarser pixels, in pixels of 10 m."""
BANDS = (13,)
CELL = 100_000
STRETCH = 0.275
"""Reflectance that the pictures show as 255; 0 is shown as 1."""


class EurosatPatches:
    """Mosaics of RGB patches; those of some clusters of alike patches are held out (`patch_clusters`).

    The pictures tell no places: neighbours of patches that are held out may be among those trained on.

    Args:
        data: folder of the shared data, with EuroSAT_RGB/EuroSAT_RGB.zip; or one that holds EuroSAT's own
            CLASS/CLASS_N.jpg at any depth.
        crop: side of a crop in pixels, a multiple of 64.
        held_out: draw from the patches kept back instead.

    Raises:
        SourceError: there are no pictures, or they cannot be read.
    """

    licence = LICENCE
    places = Places(train=(TRAIN_PLACE,), test=(TEST_PLACE,))

    def __init__(self, data: Path, crop: int, held_out: bool = False) -> None:
        self.crop = crop
        groups: dict[int, list[NDArray[np.uint8]]] = {0: [], 1: [], 2: []}
        try:
            for name, content in _pictures(data):
                picture = _picture(content)
                if is_kept(picture) == held_out:
                    groups[LABELS.get(_class(name), 0)].append(picture)
        except (OSError, zipfile.BadZipFile) as error:
            raise SourceError(f"EuroSAT under {data} cannot be read: {error}.") from error
        lacking = [name for name, label in LABELS.items() if not groups[label]]
        if lacking:
            raise SourceError(f"There is no picture {lacking[0]}_N.jpg of EuroSAT under {data}.")
        self.groups = groups

    def __len__(self) -> int:
        """Return how many crops there are."""
        return sum(len(group) for group in self.groups.values()) // (self.crop // PATCH) ** 2

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop laid with patches; the near infrared is not known and stands at 0."""
        return self.mosaic(rng, self.crop)

    def mosaic(self, rng: np.random.Generator, size: int) -> Sample:
        """Return a square of so many pixels of 10 m laid with patches."""
        side = size // PATCH
        reflectance = np.zeros((4, size, size), np.float32)
        labels = np.zeros((size, size), np.uint8)
        for row in range(side):
            for col in range(side):
                label = int(rng.choice(3, p=(0.4, 0.3, 0.3)))
                group = self.groups[label]
                window = (slice(row * PATCH, (row + 1) * PATCH), slice(col * PATCH, (col + 1) * PATCH))
                reflectance[(slice(0, 3), *window)] = to_reflectance(group[int(rng.integers(len(group)))])
                labels[window] = label
        return Sample(reflectance, labels)


class CoarsePatches(EurosatPatches):
    """Mosaics of patches brought to coarser pixels: every second or fourth one, or their means."""

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a crop of 10 m pixels' patches at 20 or 40 m; the near infrared stands at 0."""
        step = int(rng.choice(STEPS))
        fine = self.mosaic(rng, self.crop * step)
        if rng.random() < 0.5:
            return Sample(fine.reflectance[:, ::step, ::step], fine.labels[::step, ::step])
        size = self.crop
        means = fine.reflectance.reshape(4, size, step, size, step).mean(axis=(2, 4))
        return Sample(means, fine.labels[::step, ::step])


def eurosat_all_bands(folder: Path, name: str, crop: int, split: str = TRAIN) -> PatchSource:
    """Open the patches with 13 bands, which tell where they lie.

    Args:
        folder: one that holds EuroSAT's own CLASS/CLASS_N.tif at any depth.
        name: network: "water", "vegetation" or "buildings". Classes that leave open what it is to tell are
            left out.
        crop: side of a crop in pixels.
        split: of the places, squares of 100 km.

    Raises:
        UsageError: the network does not tell landcover.
        SourceError: there are no patches.
    """
    told = network_table(name, dict(enumerate(TABLE.values())))
    labels = {kind: told[code] for code, kind in enumerate(TABLE) if code in told}
    patches = [
        Patch(_square(path), partial(_read, path, labels[path.parent.name]))
        for path in sorted(folder.rglob("*_*.tif"))
        if path.parent.name in labels and path.name.startswith(f"{path.parent.name}_")
    ]
    if not patches:
        raise SourceError(f"There is no CLASS/CLASS_N.tif of EuroSAT under {folder}.")
    return PatchSource("EuroSAT", LICENCE, patches, crop, split)


def has_all_bands(folder: Path) -> bool:
    """Return whether a folder holds patches with 13 bands."""
    return next(folder.rglob("Residential_*.tif"), None) is not None


def _square(path: Path) -> str:
    """The square of 100 km that a patch lies in."""
    with opened(path) as dataset:
        if dataset.crs is None:
            raise SourceError(f"{path} has no coordinate system, and so no place.")
        middle = dataset.transform @ (dataset.width / 2, dataset.height / 2)
        east, north = (int(value // CELL) for value in middle)
        return f"EuroSAT EPSG:{dataset.crs.to_epsg()} {east} {north}"


def _read(path: Path, label: int) -> Sample:
    reflectance = read_reflectance(path, BANDS)
    empty = np.isnan(reflectance[0])
    return Sample(reflectance, np.where(empty, IGNORE, label).astype(np.uint8))


def to_reflectance(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return reflectance (3, rows, cols) of an 8-bit picture (rows, cols, 3): 1..255 is 0..0.275."""
    return np.moveaxis((picture.astype(np.float32) - 1) * (STRETCH / 254), -1, 0)


def _pictures(data: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the pictures of one ground, of the archive or of folders."""
    if (data / ARCHIVE).is_file():
        with zipfile.ZipFile(data / ARCHIVE) as archive:
            for name in sorted(name for name in archive.namelist() if _wanted(name)):
                yield name, archive.read(name)
        return
    for path in sorted(data.rglob("*_*.jpg")):
        if path.parent.name in TABLE and _wanted(str(path)):
            yield str(path), path.read_bytes()


def _class(name: str) -> str:
    return Path(name).parent.name


def _wanted(name: str) -> bool:
    return re.search(r"_\d+\.jpg$", name) is not None and _class(name) not in AMBIGUOUS


def _picture(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
