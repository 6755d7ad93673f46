"""What other dates say about a view: cloud and shadow that the mask of its own date missed (paper, 2.2 b).

A cloud adds light of all colours alike: with the ground g that another date shows, a view v of it through a
cloud of reflectance L is g + a (L - g), and a is the same in every band. A shadow takes a share of the
direct sunlight away, most where the sky gives least: v = g (1 - d (1 - s)), s being the sky's share of the
light. Both a and d are estimated band by band, and a view is suspect where all bands agree that it is large.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_propagation

from pipeline.distance import distance_to_false
from pipeline.evidence import CLEAR, DOUBTFUL, HOLE

CLOUD_LIGHT = 0.55
DIRECT = np.array([0.70, 0.66, 0.58, 0.80], np.float32)
BRIGHT_CORE, BRIGHT_EDGE = 0.10, 0.05
DARK_CORE, DARK_EDGE = 0.30, 0.15
WHITE = 1.6
NIR_FACTOR, NIR_SLACK = 3.0, 0.1
LEAST_LIGHT = 0.005
FEW_VIEWS = 4
MOST_IN_TURN = 10
RED, GREEN, BLUE, NIR = range(4)
NONE, EDGE, CORE = 0, 1, 2
SUSPECT = 3


def suspicion(
    views: NDArray[np.float32], sure: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """How suspicious each view of a series is, cell by cell.

    Args:
        views: (n, 4, h, w), in common radiometry.
        sure: bool (n, h, w), where a view is clear or doubtful by its mask.

    Returns:
        uint8 (n, h, w): 0 no reason, 1 suspect if it lies beside what is, 2 suspect; and bool (n, h, w),
        which views could be compared with another date.
    """
    compared = sure & (sure.sum(axis=0) >= 2)
    found = np.zeros(sure.shape, np.uint8)
    if not compared.any():
        return found, compared
    seen = np.where(sure[:, None], views, np.float32(np.inf))
    darkest = np.take_along_axis(seen, seen[:, BLUE].argmin(axis=0)[None, None], axis=0)[0]
    for view, marks, use in zip(views, found, compared, strict=True):
        cloud = np.where(use, cloudiness(view, darkest), 0)
        marks[cloud > BRIGHT_EDGE] = EDGE
        marks[cloud > BRIGHT_CORE] = CORE
    ground = np.where((found < CORE)[:, None], seen, np.float32(np.inf))
    middle = _middle(ground) if len(ground) > FEW_VIEWS else None
    for own, (view, marks, use) in enumerate(zip(views, found, compared, strict=True)):
        others = _middle(np.delete(ground, own, axis=0)) if middle is None else middle
        dimmed = np.where(use, dimming(view, others), 0)
        marks[(dimmed > DARK_EDGE) & (marks == NONE)] = EDGE
        marks[dimmed > DARK_CORE] = CORE
    return found, compared


def cloudiness(view: NDArray[np.float32], ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """How opaque a cloud before the ground would make the view, 0 where it does not look like one.

    Args:
        view: (4, h, w), what may be cloudy.
        ground: (4, h, w), another date; infinite where there is none.
    """
    with np.errstate(invalid="ignore"):
        opaque = (view - ground) / np.maximum(CLOUD_LIGHT - ground, 0.1)
        least = opaque[:NIR].min(axis=0)
        white = opaque[RED] <= WHITE * opaque[BLUE]
        pale = opaque[NIR] <= NIR_FACTOR * least + NIR_SLACK
        return np.where(np.isfinite(ground[BLUE]) & white & pale, least, 0).astype(np.float32)


def dimming(view: NDArray[np.float32], ground: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share of the direct light that a shadow would have taken; arguments as `cloudiness`."""
    with np.errstate(invalid="ignore"):
        taken = 1 - view / np.maximum(ground, LEAST_LIGHT)
        bands = [RED, GREEN, NIR]
        least = (taken[bands] / DIRECT[bands, None, None]).min(axis=0)
        return np.where(np.isfinite(ground[NIR]), least, 0).astype(np.float32)


def _middle(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """The median of the views (n, 4, h, w) that are not infinite; infinite where all are."""
    ordered = _ordered(views)
    count = np.isfinite(ordered[:, BLUE]).sum(axis=0)
    low = np.maximum(count - 1, 0) // 2
    high = np.maximum(count // 2, low)
    picked = [np.take_along_axis(ordered, place[None, None], axis=0)[0] for place in (low, high)]
    return (picked[0] + picked[1]) / 2


def _ordered(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """The views in order of size, cell by cell; few are put in order by comparing neighbours in turn."""
    if len(views) > MOST_IN_TURN:
        return np.sort(views, axis=0)
    ordered, lower = views.copy(), np.empty_like(views[0])
    for turn in range(len(views)):
        for first in range(turn % 2, len(views) - 1, 2):
            np.minimum(ordered[first], ordered[first + 1], out=lower)
            np.maximum(ordered[first], ordered[first + 1], out=ordered[first + 1])
            ordered[first] = lower
    return ordered


def demoted(
    level: NDArray[np.uint8], marks: NDArray[np.uint8], compared: NDArray[np.bool_], margin: float
) -> NDArray[np.uint8]:
    """The sureness of a scene's cells with what other dates speak against taken down.

    Suspicion spreads from its cores over the edges they touch; what is suspect becomes `SUSPECT`. Clear cells
    around it become doubtful, and suspect as well where no other date could be asked.

    Args:
        level: uint8 (h, w), 0 hole, 1 clear, 2 doubtful.
        marks: uint8 (h, w), see `suspicion`.
        compared: bool (h, w), where another date could be asked.
        margin: in cells.
    """
    core = marks == CORE
    if not core.any():
        return level
    suspect = binary_propagation(core, mask=marks > NONE, structure=np.ones((3, 3), bool))
    near = distance_to_false(~suspect, margin + 1) <= margin
    suspect |= near & ~compared
    out = np.where(near & (level == CLEAR), np.uint8(DOUBTFUL), level)
    return np.where(suspect & (level != HOLE), np.uint8(SUSPECT), out)


def strips(rows: int, cols: int, views: int, cells: int = 2**20) -> list[tuple[int, int]]:
    """First and last row of strips that keep the whole series of their cells within a bound of memory."""
    step = max(1, cells // max(cols * views, 1))
    return [(top, min(top + step, rows)) for top in range(0, rows, step)]
