"""Spots of a mask that are not believed: cloud that is nowhere sure, shadow that no cloud can have thrown.

The network calls bright roofs cloud, and lakes, rock and forest shadow, in small spots all over a clear
scene. A spot of cloud or shadow counts where one of its pixels is sure (two thresholds, as in Canny 1986, "A
computational approach to edge detection"). A spot of shadow needs a cloud besides: one at height h above the
ground throws it h / tan(elevation) away from the sun, and is itself seen aside by at most h times the tangent
of the view angle (Zhu and Woodcock 2012, "Object-based cloud and cloud shadow detection in Landsat imagery").
"""

from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import label

from pipeline.catalog.scene import Scene
from pipeline.distance import distance_to_false
from pipeline.evidence import CLOUD, NO_DATA, SHADOW
from pipeline.raster import opened, windows

# Least probability of the surest pixel of a spot, of 255.
SURE_CLOUD, SURE_SHADOW = 230, 230
# Metres above the ground; what is higher is cirrus, or the top of a cloud that begins lower.
HIGHEST = 6_000.0
# Tangent of Sentinel-2's widest view angle, and of the angle between grid north and true north besides.
LEAN = 0.25
# Metres by which the edges of cloud and shadow in a mask may be off.
NEAR = 120.0
CELL = 60.0
CLEAR = 0

Mask = NDArray[np.bool_]
Sun = tuple[float, float]


class Believed:
    """The spots of a scene that are believed, in cells of 60 m or a pixel where that is larger.

    Args:
        path: of a raster of two bands: 0 clear, 1 cloud, 2 shadow, 255 no data; and the probability of that
            class, 0..255.
        sun: azimuth and elevation in degrees, the elevation above 0; None where they are not known: then
            shadow needs no cloud.
    """

    def __init__(self, path: Path, sun: Sun | None) -> None:
        with opened(path) as dataset:
            size = dataset.transform.a
            self.side = max(int(CELL // size), 1)
            cloud, shadow, empty, sure_cloud, sure_shadow = _cells(dataset, self.side)
        self.cloud = touching(cloud, sure_cloud)
        if sun is not None:
            sure_shadow &= shaded(self.cloud | empty, sun, self.side * size)
        self.shadow = touching(shadow, sure_shadow)

    def only(self, mask: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
        """The mask of a window in which spots that are not believed are clear."""
        return _only(mask, self.cloud, self.shadow, self.side, (window.row_off, window.col_off))


def sun_of(scene: Scene) -> Sun | None:
    """Azimuth and elevation in degrees; None where they are not known or the sun is down."""
    if scene.sun_azimuth is None or scene.sun_elevation is None or scene.sun_elevation <= 0:
        return None
    return scene.sun_azimuth, scene.sun_elevation


def shaded(clouds: Mask, sun: Sun, size: float) -> Mask:
    """Bool (h, w): cells that a cloud, or what lies outside the raster, may shade.

    Args:
        clouds: bool (h, w), north up: cells that hold a cloud, or may hold one because they are not seen.
        sun: azimuth and elevation, degrees.
        size: of a cell, metres.
    """
    azimuth, elevation = np.radians(sun)
    slope = 1 / np.tan(elevation)
    widest = NEAR + LEAN * HIGHEST
    apron = int(np.ceil((HIGHEST * slope + widest) / size)) + 1
    around = np.pad(clouds, apron, constant_values=True)
    away = distance_to_false(~around, widest / size + 1) * size
    found = np.zeros(clouds.shape, bool)
    height, (rows, cols) = 0.0, clouds.shape
    while height <= HIGHEST:
        radius = NEAR + LEAN * height
        top = apron - round(height * slope * np.cos(azimuth) / size)
        left = apron + round(height * slope * np.sin(azimuth) / size)
        found |= away[top : top + rows, left : left + cols] <= radius
        height += radius / 2 / max(slope, 1.0)
    return found


def touching(cells: Mask, seeds: Mask) -> Mask:
    """The spots (cells that touch, also by a corner) that hold a seed, whole."""
    labels, count = label(cells, np.ones((3, 3)))
    kept = np.zeros(count + 1, bool)
    kept[labels[cells & seeds]] = True
    return np.asarray(kept[labels])


def _cells(dataset: DatasetReader, side: int) -> NDArray[np.bool_]:
    """Cells of `side` x `side` pixels with a pixel that is cloud, shadow, empty, sure cloud, sure shadow."""
    rows, cols = (-(-length // side) for length in dataset.shape)
    found = np.zeros((5, rows, cols), bool)
    for window in windows(dataset.shape, 256 * side):
        classes, probability = dataset.read(window=window)
        top, left = window.row_off // side, window.col_off // side
        _mark(classes, probability, side, found[:, top:, left:])
    return found


@njit(nogil=True, cache=True)
def _mark(
    classes: NDArray[np.uint8], probability: NDArray[np.uint8], side: int, found: NDArray[np.bool_]
) -> None:
    """Mark the cells of a window, see `_cells`."""
    for row in range(classes.shape[0]):
        for col in range(classes.shape[1]):
            kind, place = classes[row, col], (row // side, col // side)
            if kind == CLOUD:
                found[0][place] = True
                found[3][place] |= probability[row, col] >= SURE_CLOUD
            elif kind == SHADOW:
                found[1][place] = True
                found[4][place] |= probability[row, col] >= SURE_SHADOW
            elif kind == NO_DATA:
                found[2][place] = True


@njit(nogil=True, cache=True)
def _only(
    mask: NDArray[np.uint8], cloud: Mask, shadow: Mask, side: int, corner: tuple[int, int]
) -> NDArray[np.uint8]:
    """The mask of a window whose first pixel is the corner without spots that are not believed."""
    kept = mask.copy()
    for row in range(mask.shape[0]):
        for col in range(mask.shape[1]):
            place = (corner[0] + row) // side, (corner[1] + col) // side
            if (mask[row, col] == CLOUD and not cloud[place]) or (
                mask[row, col] == SHADOW and not shadow[place]
            ):
                kept[row, col] = CLEAR
    return kept
