"""From landcover codes and the scene classification to the labels of each network."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.training.datasets import CLEAR, CLOUD, IGNORE, SHADOW

LANDCOVER_LABELS = {
    "water": {1: 1},
    "vegetation": {2: 1, 3: 2},
    "buildings": {4: 1, 5: 2},
}
"""Landcover code -> label of a network; every other code is its class 0, "other"."""

SCL_CLOUD = {2: CLEAR, 3: SHADOW, 4: CLEAR, 5: CLEAR, 6: CLEAR, 8: CLOUD, 9: CLOUD, 10: CLOUD, 11: CLEAR}
"""Scene classification of Level-2A -> cloud labels; what is missing is ignored."""

SCL_PREVIEW_CLOUD = {**SCL_CLOUD, 3: CLEAR}
SCL_WATER = {4: 0, 5: 0, 6: 1}
SCL_VEGETATION = {5: 0, 6: 0}


def lookup(codes: NDArray[np.uint8], table: dict[int, int], rest: int) -> NDArray[np.uint8]:
    """Return `table[code]` per pixel, and `rest` for codes that it lacks."""
    full = np.full(256, rest, np.uint8)
    full[list(table)] = list(table.values())
    return full[codes]


def landcover_labels(name: str, classes: NDArray[np.uint8], cloud: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a landcover network's labels where the ground is known and neither cloud nor shadow hides it.

    Args:
        name: "water", "vegetation" or "buildings".
        classes: landcover codes 1..6, 0 for no data.
        cloud: 0 clear, 1 cloud, 2 shadow, 255 no data.
    """
    labels = lookup(classes, LANDCOVER_LABELS[name], 0)
    return np.where((classes == 0) | (cloud != CLEAR), np.uint8(IGNORE), labels)


def scl_labels(scl: NDArray[np.uint8], table: dict[int, int]) -> NDArray[np.uint8]:
    """Return labels from a scene classification, one pixel along the borders between labels ignored."""
    labels = lookup(scl, table, IGNORE)
    border = ndimage.maximum_filter(labels, 3) != ndimage.minimum_filter(labels, 3)
    return np.where(border, np.uint8(IGNORE), labels)
