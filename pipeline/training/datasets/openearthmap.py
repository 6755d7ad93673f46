"""OpenEarthMap: aerial pictures of 0.25 to 0.5 m with land cover, brought to 10 m."""

from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from pipeline.errors import SourceError, UsageError
from pipeline.raster import opened
from pipeline.training.datasets import IGNORE, Sample
from pipeline.training.datasets.labels import network_table
from pipeline.training.datasets.patches import Patch, PatchSource, read_codes
from pipeline.training.datasets.places import TRAIN

LICENCE = (
    "OpenEarthMap: labels CC BY-NC-SA 4.0 (not for commercial use), Xia et al. 2023; each region's pictures "
    "under the licence of whoever gave them."
)
TABLE: dict[int, tuple[int, ...]] = {
    1: (6,),  # bareland
    2: (2,),  # rangeland
    3: (4, 5),  # developed space
    4: (4, 5),  # road
    5: (3,),  # tree
    6: (1,),  # water
    7: (2,),  # agriculture land
    8: (4, 5),  # building
}
"""Code -> the landcover classes that it may be; 0 is not known."""

TARGET, FALLBACK = 10.0, 0.5
DEGREE = 111_320.0
PURITY = 0.8
WHITE = 0.3558
"""Reflectance that level 255 stands for: that of true-colour pictures, since these have no radiometry."""


def openearthmap(folder: Path, name: str, crop: int, split: str = TRAIN) -> PatchSource:
    """Open the set.

    Args:
        folder: `OpenEarthMap_wo_xBD` or what holds it, with REGION/images/REGION_N.tif and
            REGION/labels/REGION_N.tif.
        name: network; only "buildings" reads no near infrared, which these pictures lack. Built ground is
            left out, for it is not told of which kind: they show it what is no settlement.
        crop: side of a crop in pixels of 10 m.
        split: of the places, one for each region.

    Raises:
        UsageError: the network reads near infrared.
        SourceError: there are no pictures with labels.
    """
    told = network_table(name, TABLE)
    if name != "buildings":
        raise UsageError(f"OpenEarthMap has no near infrared, which the network {name!r} reads.", "sources")
    patches = [
        Patch(f"OpenEarthMap {path.parents[1].name}", partial(_read, path, labels, told))
        for path in sorted(folder.glob("**/images/*.tif"))
        if (labels := path.parents[1] / "labels" / path.name).is_file()
    ]
    if not patches:
        raise SourceError(f"There is no REGION/images with REGION/labels under {folder}.")
    return PatchSource("OpenEarthMap", LICENCE, patches, crop, split)


def _read(picture: Path, labels: Path, told: dict[int, int]) -> Sample:
    with opened(picture) as dataset:
        if dataset.count < 3 or dataset.dtypes[0] != "uint8":
            raise SourceError(f"{picture} is no picture of three bands of 8 bits.")
        factor = max(1, round(TARGET / _pixel(dataset)))
        levels = dataset.read((1, 2, 3))
    codes = read_codes(labels)
    if codes.shape != levels.shape[1:]:
        raise SourceError(f"{picture} and its labels have not the same size.")
    seen = _blocks(levels.astype(np.float32), factor).mean(axis=(2, 4)) / 255 * WHITE
    empty = (_blocks(levels.max(axis=0, keepdims=True), factor) == 0).all(axis=(2, 4))[0]
    reflectance = np.concatenate([seen, np.zeros_like(seen[:1])]).astype(np.float32)
    reflectance[:, empty] = np.nan
    return Sample(reflectance, _coarse(codes, factor, told))


def _pixel(dataset: rasterio.DatasetReader) -> float:
    """Metres of a pixel, as published where the file does not tell."""
    size = abs(dataset.transform.e)
    if dataset.crs is None:
        return FALLBACK
    return size * DEGREE if dataset.crs.is_geographic else size


def _coarse(codes: NDArray[np.uint8], factor: int, told: dict[int, int]) -> NDArray[np.uint8]:
    """The label of each pixel of 10 m whose ground is mostly of codes that lead to it."""
    shares = {
        label: (_blocks(np.isin(codes, [code for code in told if told[code] == label])[None], factor)).mean(
            axis=(2, 4)
        )[0]
        for label in set(told.values())
    }
    labels = np.full(next(iter(shares.values())).shape, IGNORE, np.uint8)
    for label, share in shares.items():
        labels[share >= PURITY] = label
    return labels


def _blocks(bands: NDArray, factor: int) -> NDArray:
    """Bands (n, rows, cols) as (n, rows / f, f, cols / f, f), what is left over cut away."""
    count, rows, cols = bands.shape
    rows, cols = rows // factor, cols // factor
    return bands[:, : rows * factor, : cols * factor].reshape(count, rows, factor, cols, factor)
