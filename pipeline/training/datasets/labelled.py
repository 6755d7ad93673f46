"""Scenes with labels in the folders that `python -m pipeline labels` writes, or anyone in the same format.

A folder holds `reflectance.tif` (R, G, B, NIR as stored reflectance), `labels.tif` on the same grid (uint8,
landcover 1..6, 255 where nothing is known) and `labels.json` ("format" 1, "place", "licences", and perhaps
"split").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.errors import SourceError, UsageError
from pipeline.image import open_image
from pipeline.raster import geobox_of, opened
from pipeline.storage import read_json
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.labels import lookup, network_table
from pipeline.training.datasets.places import TRAIN, Places, checked, split_of

FORMAT = 1
TABLE = {code: (code,) for code in range(1, 7)}
LEAST_KNOWN = 0.05
"""Least share of a window that must have labels."""


@dataclass(frozen=True)
class LabelledScene:
    """One scene with labels.

    Attributes:
        reflectance: file of R, G, B, NIR on the same grid.
        place: that it shows.
        split: of the place.
        licences: sentences.
        codes: landcover 1..6, 255 = unknown, uint8 (rows, cols).
    """

    reflectance: Path
    place: str
    split: str
    licences: tuple[str, ...]
    codes: NDArray[np.uint8]


def read_labelled(folder: Path) -> LabelledScene:
    """Read a folder of labels.

    Raises:
        SourceError: a file is missing, broken, of another grid, or holds codes that are no classes.
    """
    told = _told(folder / "labels.json")
    with opened(folder / "labels.tif") as labels:
        codes, grid = labels.read(1), geobox_of(labels)
    with opened(folder / "reflectance.tif") as bands:
        same_grid(folder, grid, geobox_of(bands))
    odd = sorted(set(np.unique(codes).tolist()) - {*TABLE, IGNORE})
    if codes.dtype != np.uint8 or odd:
        raise SourceError(
            f"{folder / 'labels.tif'} holds {odd[:1] or codes.dtype}, not 1 to 6 or 255 in 8 bits."
        )
    place = str(told["place"])
    split = checked(str(told.get("split") or split_of(place)))
    return LabelledScene(folder / "reflectance.tif", place, split, tuple(told.get("licences", ())), codes)


def same_grid(folder: Path, labels: GeoBox, bands: GeoBox) -> None:
    """Refuse labels that lie on another grid than their bands.

    Raises:
        SourceError: they do.
    """
    same = labels.shape == bands.shape and labels.affine.almost_equals(bands.affine, 1e-6)
    if not same or labels.crs != bands.crs:
        raise SourceError(f"The labels and the reflectance in {folder} lie on different grids.")


def _told(path: Path) -> Mapping[str, Any]:
    told = read_json(path)
    if not isinstance(told, dict) or told.get("format") != FORMAT or not told.get("place"):
        raise SourceError(f"{path} names no place, or is not of the format {FORMAT}.")
    return told


class LabelledWindows:
    """Windows of scenes with labels, from the places of one split.

    A class is drawn first, each as often, then a window that holds it, shifted a little.

    Args:
        scenes: of the whole set.
        name: network: "water", "vegetation" or "buildings".
        crop: side of a window in pixels.
        split: "train", "validation" or "test".

    Raises:
        UsageError: the network does not tell landcover, or a place is stated to be in two splits.
        SourceError: the split has no window with enough labels.
    """

    def __init__(self, scenes: list[LabelledScene], name: str, crop: int, split: str = TRAIN) -> None:
        self.crop = crop
        self.licence = " ".join(dict.fromkeys(text for scene in scenes for text in scene.licences))
        self.places = _places(scenes)
        self._told = network_table(name, TABLE)
        wanted = set(self.places.in_split(split))
        self.scenes = [scene for scene in scenes if scene.place in wanted]
        corners = [_corners(scene.codes, crop) for scene in self.scenes]
        self._windows = [(scene, at) for scene, found in enumerate(corners) for at in found]
        if not self._windows:
            raise SourceError(
                f"No place of the split {split!r} has a window of {crop} x {crop} pixels of which "
                f"{LEAST_KNOWN:.0%} are labelled; {len(scenes)} labelled scenes were given."
            )
        holds = np.array([self._counts(*window) for window in self._windows])
        self._holding = [np.flatnonzero(of_class) for of_class in holds.T if of_class.any()]

    def __len__(self) -> int:
        """Return how many windows there are."""
        return len(self._windows)

    def sample(self, rng: np.random.Generator) -> Sample:
        """Return a window with its labels."""
        holding = self._holding[int(rng.integers(len(self._holding)))]
        index, corner = self._windows[int(holding[int(rng.integers(len(holding)))])]
        scene = self.scenes[index]
        half = self.crop // 2
        top, left = (
            int(np.clip(start + rng.integers(-half, half + 1), 0, size - self.crop))
            for start, size in zip(corner, scene.codes.shape, strict=True)
        )
        with open_image(scene.reflectance) as image:
            reflectance = image.read(Window(left, top, self.crop, self.crop))
        labels = lookup(scene.codes[top : top + self.crop, left : left + self.crop], self._told, IGNORE)
        return Sample(reflectance, np.where(np.isnan(reflectance[0]), np.uint8(IGNORE), labels))

    def _counts(self, index: int, corner: tuple[int, int]) -> NDArray[np.bool_]:
        """Which labels of the network a window holds, bool (256,); what is unknown not counted."""
        top, left = corner
        codes = self.scenes[index].codes[top : top + self.crop, left : left + self.crop]
        counts = np.bincount(lookup(codes, self._told, IGNORE).ravel(), minlength=256)
        counts[IGNORE] = 0
        return counts > 0


def labelled(folder: Path, name: str, crop: int, split: str = TRAIN) -> LabelledWindows:
    """Open all folders of labels at or below a folder.

    Raises:
        UsageError, SourceError: see `LabelledWindows` and `read_labelled`; or there is no such folder.
    """
    found = sorted(path.parent for path in folder.rglob("labels.json"))
    if not found:
        raise SourceError(f"There is no labels.json under {folder}; `python -m pipeline labels` writes one.")
    return LabelledWindows([read_labelled(path) for path in found], name, crop, split)


def _places(scenes: list[LabelledScene]) -> Places:
    stated: dict[str, str] = {}
    for scene in scenes:
        if stated.setdefault(scene.place, scene.split) != scene.split:
            raise UsageError(
                f"The place {scene.place} is in the split {stated[scene.place]!r} and, by "
                f"{scene.reflectance.parent}, in {scene.split!r}: a place is in one split only.",
                "split",
            )
    return Places.of(stated, stated)


def _corners(codes: NDArray[np.uint8], crop: int) -> list[tuple[int, int]]:
    """Upper left corners of windows beside each other that have enough labels."""
    rows, cols = codes.shape
    starts = [(top, left) for top in _starts(rows, crop) for left in _starts(cols, crop)]
    least = LEAST_KNOWN * crop**2
    return [
        (top, left)
        for top, left in starts
        if (codes[top : top + crop, left : left + crop] != IGNORE).sum() >= least
    ]


def _starts(size: int, crop: int) -> list[int]:
    """Where windows begin that cover a line, the last one moved inside."""
    if size < crop:
        return []
    return sorted({*range(0, size - crop + 1, crop), size - crop})
