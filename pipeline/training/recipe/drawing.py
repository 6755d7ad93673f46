"""From map codes and what is said of settlements to labels, doubtful pixels left out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.training.datasets import CLEAR, IGNORE
from pipeline.training.datasets.labels import lookup
from pipeline.training.recipe.settlement import INDUSTRIAL, RESIDENTIAL, Said
from pipeline.training.recipe.worldcover import BUILT, EMPTY, TABLE

UNMAPPED, OTHER, UNTOLD, DISAGREE, CHANGED = 100, 101, 102, 103, 104
MIXED, BORDER, CLOUDED, NO_PIXELS = 105, 106, 107, 108

REASONS = {
    UNMAPPED: "outside the map",
    OTHER: "ground that is none of the six classes",
    UNTOLD: "built, but of no told use",
    DISAGREE: "map and OpenStreetMap disagree",
    CHANGED: "the maps of two years disagree",
    MIXED: "mixed pixels",
    BORDER: "borders between classes",
    CLOUDED: "cloud and shadow",
    NO_PIXELS: "no data in the scene",
}
"""Why a pixel has no label."""

CLASSES = range(1, 7)
GREEN = (10, 20, 30, 40, 60, 100)
"""Codes of the map that may be the plot of a house or a hall: plants and bare soil."""


@dataclass(frozen=True)
class Rules:
    """How sure a label must be.

    Attributes:
        purity: least share of a pixel that is of its class.
        border: pixels left out along borders between classes.
        plot: metres around built ground that count as its plot, inside the same land use.
        cloud_margin: metres left out around cloud and shadow.
    """

    purity: float = 0.8
    border: int = 1
    plot: float = 20.0
    cloud_margin: float = 100.0

    def margin(self, resolution: float) -> int:
        """Return how far, in pixels, a label depends on what is around it."""
        return int(np.ceil(max(self.plot, self.cloud_margin) / resolution)) + self.border + 1


def fine_classes(cover: NDArray[np.uint8], said: Said, plot: float) -> NDArray[np.uint8]:
    """Return the class of each part of a pixel, or the reason why it has none.

    Built ground has the class that OpenStreetMap tells. Plants and bare soil near built ground of the same
    land use are its plot, and of its class, for a residential pixel is house with plot and street. Elsewhere
    in a settlement's land use, and under buildings that the map does not show, the two sources disagree.

    Args:
        cover: WorldCover's codes (rows, cols).
        said: of the same grid.
        plot: pixels around built ground.

    Returns:
        uint8 (rows, cols): 1..6, or a key of `REASONS`.
    """
    sole = {code: classes[0] if len(classes) == 1 else OTHER for code, classes in TABLE.items()}
    found = lookup(cover, {**sole, EMPTY: UNMAPPED}, OTHER)
    built, green = cover == BUILT, np.isin(cover, GREEN)
    found[built] = UNTOLD
    for kind in (RESIDENTIAL, INDUSTRIAL):
        of_kind = built & (said.kind == kind)
        found[of_kind] = kind
        inside = green & (said.landuse == kind)
        if inside.any():
            near = within(of_kind, plot)
            found[inside] = np.where(near[inside], np.uint8(kind), np.uint8(DISAGREE))
    found[said.building & ~built & (cover != EMPTY)] = DISAGREE
    return found


def within(mask: NDArray[np.bool_], pixels: float) -> NDArray[np.bool_]:
    """Return where a pixel of the mask lies at most so many pixels away."""
    if not mask.any():
        return np.zeros_like(mask)
    return np.asarray(ndimage.distance_transform_edt(~mask) <= pixels)


def pure_classes(
    fine: NDArray[np.uint8], factor: int, purity: float
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what fills most of each pixel, and the same with `MIXED` where that is not enough of it.

    Args:
        fine: what `fine_classes` returned, (rows * factor, cols * factor).
        factor: parts of a pixel, per axis.
        purity: least share.
    """
    rows, cols = (size // factor for size in fine.shape)
    most, best = np.zeros((rows, cols), np.int32), np.full((rows, cols), UNMAPPED, np.uint8)
    for code in np.unique(fine):
        count = (fine == code).reshape(rows, factor, cols, factor).sum(axis=(1, 3), dtype=np.int32)
        best[count > most] = code
        np.maximum(most, count, out=most)
    mixed = np.isin(best, CLASSES) & (most < purity * factor**2)
    return best, np.where(mixed, np.uint8(MIXED), best)


def along_borders(best: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    """Return the pixels within `width` of ground of another class; what has no class is no border."""
    if width == 0:
        return np.zeros(best.shape, bool)
    ground = np.isin(best, (*CLASSES, OTHER))
    size = 2 * width + 1
    highest = ndimage.maximum_filter(np.where(ground, best, 0), size)
    lowest = ndimage.minimum_filter(np.where(ground, best, IGNORE), size)
    return np.asarray(ground & (highest != lowest))


def labels_of(
    fine: NDArray[np.uint8], factor: int, cloud: NDArray[np.uint8], rules: Rules, resolution: float
) -> NDArray[np.uint8]:
    """Return the label of each pixel, or the reason why it has none.

    Args:
        fine: what `fine_classes` returned.
        factor: parts of a pixel, per axis.
        cloud: 0 clear, 1 cloud, 2 shadow, 255 no data, one value a pixel.
        rules: how sure a label must be.
        resolution: metres of a pixel.

    Returns:
        uint8 (rows, cols): 1..6, or a key of `REASONS`.
    """
    best, labels = pure_classes(fine, factor, rules.purity)
    labels[np.isin(labels, CLASSES) & along_borders(best, rules.border)] = BORDER
    hidden = (cloud != CLEAR) & (cloud != IGNORE)
    labels[within(hidden, rules.cloud_margin / resolution)] = CLOUDED
    labels[cloud == IGNORE] = NO_PIXELS
    return labels
