"""From landcover codes and the scene classification to the labels of each network."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.errors import UsageError
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
SCL_BUILDINGS = {4: 0, 6: 0}


def lookup(codes: NDArray[np.uint8], table: Mapping[int, int], rest: int) -> NDArray[np.uint8]:
    """Return `table[code]` per pixel, and `rest` for codes that it lacks."""
    full = np.full(256, rest, np.uint8)
    full[list(table)] = list(table.values())
    return full[codes]


def network_table(name: str, table: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    """Return what a network is to tell for the codes of a data set; codes that leave it open are left out.

    A code that may be grass or tree is "other" for the water network and open for the vegetation network.

    Args:
        name: "water", "vegetation" or "buildings".
        table: code -> the landcover classes that it may be; none where it is none of the six.

    Raises:
        UsageError: the network does not tell landcover.
    """
    if name not in LANDCOVER_LABELS:
        raise UsageError(
            f"The data set has labels of landcover, and none for the network {name!r}.", "sources"
        )
    of_class = LANDCOVER_LABELS[name]
    told = {code: {of_class.get(item, 0) for item in classes} or {0} for code, classes in table.items()}
    return {code: labels.pop() for code, labels in told.items() if len(labels) == 1}


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
