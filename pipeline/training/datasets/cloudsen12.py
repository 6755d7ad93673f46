"""CloudSEN12+: cloud and shadow drawn by experts on patches of 10 m, Level-1C and Level-2A."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import SourceError, UsageError
from pipeline.training.datasets import CLEAR, CLOUD, IGNORE, SHADOW, Sample
from pipeline.training.datasets.labels import lookup
from pipeline.training.datasets.patches import Patch, PatchSource, read_codes, read_reflectance
from pipeline.training.datasets.places import TRAIN
from pipeline.training.datasets.tortilla import inside, read_table, rows_of

LICENCE = (
    "CloudSEN12+, CC0 1.0 (public domain), Aybar et al. 2024; contains modified Copernicus Sentinel data."
)
TABLE = {
    0: CLEAR,  # clear
    1: CLOUD,  # thick cloud
    2: CLOUD,  # thin cloud
    3: SHADOW,  # cloud shadow
}
"""Code of the labels -> cloud labels; all others (99 beside the 509 pixels) are ignored."""

FILES = ("cloudsen12-l1c.*.taco", "cloudsen12-l2a.*.taco")
DRAWN = "high"
"""`label_type` of patches that are labelled in every pixel."""

LEAST_BANDS, MOST_BANDS = 12, 20


def cloudsen12(folder: Path, name: str, crop: int, split: str = TRAIN) -> PatchSource:
    """Open the set.

    Args:
        folder: with the parts `cloudsen12-l1c.NNNN.part.taco`, or those of Level-2A, or both.
        name: of the network; only "cloud" can be trained on it.
        crop: side of a crop in pixels.
        split: of the places (`roi_id`).

    Raises:
        UsageError: the network does not tell cloud.
        SourceError: there are no such files, or they cannot be read.
    """
    if name != "cloud":
        raise UsageError(f"CloudSEN12+ has labels of cloud and shadow, and none for {name!r}.", "sources")
    paths = sorted(path for pattern in FILES for path in folder.rglob(pattern))
    if not paths:
        raise SourceError(f"There is no cloudsen12-l1c or cloudsen12-l2a file of .taco under {folder}.")
    patches = [
        Patch(f"CloudSEN12 {row['roi_id']}", partial(_read, path, row))
        for path, row in rows_of(paths)
        if row.get("label_type") == DRAWN
    ]
    return PatchSource("CloudSEN12+", LICENCE, patches, crop, split)


def _read(path: Path, row: dict[str, Any]) -> Sample:
    """A patch: first the picture (B1 to B12, perhaps more), then the labels."""
    entries = read_table(path, row["tortilla:offset"])
    if len(entries) < 2:
        raise SourceError(f"{row['tortilla:id']} in {path} holds no picture with labels.")
    reflectance = read_reflectance(inside(path, entries[0]), tuple(range(LEAST_BANDS, MOST_BANDS)))
    labels = lookup(read_codes(inside(path, entries[1])), TABLE, IGNORE)
    return Sample(reflectance, np.where(np.isnan(reflectance[0]), np.uint8(IGNORE), labels))
