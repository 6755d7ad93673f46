"""How sure a pixel of a scene is: clear, doubtful (clear, but near cloud or shadow), or of no use."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.distance import near_true
from pipeline.raster import padded

HOLE, CLEAR, DOUBTFUL, HAZY, OLDER = 0, 1, 2, 3, 4
MOST_SCENES = 200
CLOUD, SHADOW, NO_DATA = 1, 2, 255


def scene_folder(folder: Path, scene_id: str) -> Path:
    """Where a build keeps what belongs to one scene."""
    return Path(folder) / "scenes" / scene_id


def margin_pixels(margin: float, resolution: float) -> float:
    """The margin around cloud and shadow in pixels; at least one where it is not 0."""
    return max(margin / resolution, 1.0) if margin > 0 else 0.0


def sureness(cloud: NDArray[np.uint8], margin: float) -> NDArray[np.uint8]:
    """What each pixel of a cloud mask is good for.

    Args:
        cloud: uint8 (h, w): 0 clear, 1 cloud, 2 shadow, 255 no data.
        margin: pixels; clear ground at most that far from cloud or shadow is doubtful.

    Returns:
        uint8 (h, w): 0 hole, 1 clear, 2 doubtful.
    """
    return _sureness(cloud, near_true((cloud == CLOUD) | (cloud == SHADOW), margin))


@njit(nogil=True, cache=True)
def _sureness(cloud: NDArray[np.uint8], doubtful: NDArray[np.bool_]) -> NDArray[np.uint8]:
    level = np.empty(cloud.shape, np.uint8)
    for row in range(cloud.shape[0]):
        for col in range(cloud.shape[1]):
            sure = DOUBTFUL if doubtful[row, col] else CLEAR
            level[row, col] = sure if cloud[row, col] == 0 else HOLE
    return level


@njit(nogil=True, cache=True)
def histogram(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels (h, w) have each code, int64 (256)."""
    counts = np.zeros(256, np.int64)
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            counts[codes[row, col]] += 1
    return counts


def lasting_shadow(masks: Sequence[DatasetReader], window: Window) -> NDArray[np.bool_]:
    """Where two dates or more show a shadow: dark ground such as water, for a cloud's shadow does not stay.

    Args:
        masks: open cloud masks of the dates of one tile.
        window: where to look.

    Returns:
        Bool (h, w).
    """
    shape = int(window.height), int(window.width)
    return shadow_that_stays([mask.read(1, window=window) for mask in masks], shape)


def shadow_that_stays(clouds: Sequence[NDArray[np.uint8]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """As `lasting_shadow`, of the cloud masks of the dates in one window of this shape."""
    once, twice = np.zeros(shape, bool), np.zeros(shape, bool)
    for cloud in clouds:
        shadow = cloud == SHADOW
        twice |= once & shadow
        once |= shadow
    return twice


def read_sureness(mask: DatasetReader, window: Window, margin: float) -> NDArray[np.uint8]:
    """The sureness of a window of an open cloud mask, read with an apron of the margin."""
    grown, inner = padded(window, int(np.ceil(margin)) + 1, mask.shape)
    return sureness(mask.read(1, window=grown), margin)[inner]
