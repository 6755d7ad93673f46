"""What other dates say about a view: cloud and shadow that the mask of its own date missed (paper, 2.2 b).

A cloud adds light of all colours alike: with the ground g that another date shows, a view v of it through a
cloud of reflectance L is g + a (L - g), and a is the same in every band. A shadow takes a share of the
direct sunlight away, most where the sky gives least: v = g (1 - d (1 - s)), s being the sky's share of the
light. Both a and d are estimated band by band, and a view is suspect where all bands agree that it is large.
Where the darkest date lies in shadow, any other looks as if it lay behind a cloud, and beside a date behind a
cloud the ground looks as if it lay in shadow: of the two, the one that explains all bands with one number
better is believed, unless two dates agree that the darkest is the ground.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import binary_propagation

from pipeline.distance import near_true
from pipeline.evidence import CLEAR, DOUBTFUL, HOLE

CLOUD_LIGHT = 0.55
DIRECT = np.array([0.70, 0.66, 0.58, 0.80], np.float32)
BRIGHT_CORE, BRIGHT_EDGE = 0.10, 0.05
DARK_CORE, DARK_EDGE = 0.30, 0.15
WHITE = 1.6
NIR_FACTOR, NIR_SLACK = 3.0, 0.1
LEAST_LIGHT = 0.005
FEW_VIEWS = 4
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
    if compared.any():
        _mark(np.ascontiguousarray(views, np.float32), np.ascontiguousarray(sure), found)
    return found, compared


@njit(nogil=True, cache=True)
def _mark(views: NDArray[np.float32], sure: NDArray[np.bool_], found: NDArray[np.uint8]) -> None:
    """Fill the marks of all cells, see `suspicion`."""
    count, _, rows, cols = views.shape
    ground, shown = np.empty((4, count), np.float32), np.empty(4, np.float32)
    others, lit = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for row in range(rows):
        for col in range(cols):
            seen = 0
            for date in range(count):
                lit[date] = sure[date, row, col]
                seen += lit[date]
            if seen < 2:
                continue
            darkest = _darkest(views[:, :, row, col], lit)
            for date in range(count):
                others[date] = False
                if sure[date, row, col]:
                    found[date, row, col] = _cloud_mark(views[:, :, row, col], date, darkest, lit)
                    others[date] = found[date, row, col] < CORE
            together = count > FEW_VIEWS
            if together:
                known = _middle(views[:, :, row, col], others, -1, ground, shown)
            for date in range(count):
                if sure[date, row, col]:
                    if not together:
                        known = _middle(views[:, :, row, col], others, date, ground, shown)
                    mark = _shadow_mark(views[date, :, row, col], shown) if known else NONE
                    found[date, row, col] = max(found[date, row, col], mark)
                    lit[date] = mark < CORE
                    seen -= mark == CORE
            # A shadow is no ground to tell clouds from, so what is lit is asked once more without it.
            if not lit[darkest] and seen > 1:
                darkest = _darkest(views[:, :, row, col], lit)
                for date in range(count):
                    if lit[date]:
                        mark = _cloud_mark(views[:, :, row, col], date, darkest, lit)
                        found[date, row, col] = max(found[date, row, col], mark)


@njit(nogil=True, cache=True)
def _darkest(views: NDArray[np.float32], use: NDArray[np.bool_]) -> int:
    """Which view (n, 4) of those that are of use is darkest in blue, where the air adds most."""
    darkest = -1
    for date in range(len(views)):
        if use[date] and (darkest < 0 or views[date, BLUE] < views[darkest, BLUE]):
            darkest = date
    return darkest


@njit(nogil=True, cache=True)
def _borne_out(views: NDArray[np.float32], use: NDArray[np.bool_], darkest: int) -> bool:
    """Whether another view (n, 4) that is of use shows what the darkest does: no cloud, and no more light."""
    for date in range(len(views)):
        if use[date] and date != darkest:
            bright = cloudiness(views[date], views[darkest]) > BRIGHT_EDGE
            if not bright and dimming(views[darkest], views[date]) <= DARK_EDGE:
                return True
    return False


@njit(nogil=True, cache=True)
def _cloud_mark(views: NDArray[np.float32], date: int, darkest: int, lit: NDArray[np.bool_]) -> int:
    """The mark of a view (n, 4) that the darkest explains as a cloud, and not as being in shadow itself.

    Two dates are hardly ever in as deep a shadow, so one that another of those `lit` bears out is in none.
    """
    cloud = cloudiness(views[date], views[darkest])
    shaded = cloud > BRIGHT_EDGE and in_shadow(views[date], views[darkest])
    if shaded and not _borne_out(views, lit, darkest):
        return NONE
    return _mark_of(cloud, BRIGHT_EDGE, BRIGHT_CORE)


@njit(nogil=True, cache=True)
def _shadow_mark(view: NDArray[np.float32], ground: NDArray[np.float32]) -> int:
    """The mark of a view (4) that the ground explains as a shadow, and not as being behind a cloud itself.

    Args:
        view: what may be in shadow.
        ground: what other dates show, see `_middle`.
    """
    dimmed = dimming(view, ground)
    if dimmed > DARK_EDGE and not in_shadow(ground, view):
        return NONE
    return _mark_of(dimmed, DARK_EDGE, DARK_CORE)


@njit(nogil=True, cache=True)
def _mark_of(value: float, edge: float, core: float) -> int:
    return CORE if value > core else EDGE if value > edge else NONE


@njit(nogil=True, cache=True)
def cloudiness(view: NDArray[np.float32], ground: NDArray[np.float32]) -> float:
    """How opaque a cloud before the ground would make the view, 0 where it does not look like one.

    Args:
        view: (4), what may be cloudy.
        ground: (4), another date.
    """
    red, green, blue, nir = (
        _opaque(view[RED], ground[RED]),
        _opaque(view[GREEN], ground[GREEN]),
        _opaque(view[BLUE], ground[BLUE]),
        _opaque(view[NIR], ground[NIR]),
    )
    least = min(red, green, blue)
    white, pale = red <= WHITE * blue, nir <= NIR_FACTOR * least + NIR_SLACK
    return least if white and pale else 0.0


@njit(nogil=True, cache=True)
def _opaque(view: float, ground: float) -> float:
    return (view - ground) / max(CLOUD_LIGHT - ground, 0.1)


@njit(nogil=True, cache=True)
def in_shadow(view: NDArray[np.float32], ground: NDArray[np.float32]) -> bool:
    """Whether the ground is rather the view in shadow than the view is the ground behind a cloud.

    Each is fitted over the bands by least squares of relative errors; the better fit is believed. A shadow
    takes no more than all direct light.

    Args:
        view: (4), the brighter date.
        ground: (4), the darker one.
    """
    steps = shadows = shadow_steps = clouds = cloud_steps = 0.0
    for band in range(4):
        scale = max(view[band], LEAST_LIGHT)
        step = (view[band] - ground[band]) / scale
        shadow, cloud = view[band] * DIRECT[band] / scale, (CLOUD_LIGHT - ground[band]) / scale
        steps += step * step
        shadows += shadow * shadow
        shadow_steps += shadow * step
        clouds += cloud * cloud
        cloud_steps += cloud * step
    least = LEAST_LIGHT**2
    taken = min(max(shadow_steps / max(shadows, least), 0.0), 1.0)
    as_shadow = steps - 2 * taken * shadow_steps + taken * taken * shadows
    as_cloud = steps - cloud_steps * cloud_steps / max(clouds, least)
    return as_shadow < as_cloud


@njit(nogil=True, cache=True)
def dimming(view: NDArray[np.float32], ground: NDArray[np.float32]) -> float:
    """The share of the direct light that a shadow would have taken; arguments as `cloudiness`."""
    least = np.inf
    for band in (RED, GREEN, NIR):
        taken = 1 - view[band] / max(ground[band], LEAST_LIGHT)
        least = min(least, taken / DIRECT[band])
    return least


@njit(nogil=True, cache=True)
def _middle(
    views: NDArray[np.float32],
    use: NDArray[np.bool_],
    but: int,
    ordered: NDArray[np.float32],
    middle: NDArray[np.float32],
) -> bool:
    """Fill the median (4) of those views (n, 4) of a cell that are of use, but one; False if none is.

    `ordered` (4, n) is room to put them in order in.
    """
    count = 0
    for date in range(len(views)):
        if not use[date] or date == but:
            continue
        for band in range(4):
            value, place = views[date, band], count
            while place > 0 and ordered[band, place - 1] > value:
                ordered[band, place] = ordered[band, place - 1]
                place -= 1
            ordered[band, place] = value
        count += 1
    for band in range(4):
        if count:
            middle[band] = (ordered[band, (count - 1) // 2] + ordered[band, count // 2]) / 2
    return count > 0


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
    around = near_true(suspect, margin)
    suspect |= around & ~compared
    out = np.where(around & (level == CLEAR), np.uint8(DOUBTFUL), level)
    return np.where(suspect & (level != HOLE), np.uint8(SUSPECT), out)


def strips(rows: int, cols: int, views: int, cells: int = 2**20) -> list[tuple[int, int]]:
    """First and last row of strips that keep the whole series of their cells within a bound of memory."""
    step = max(1, cells // max(cols * views, 1))
    return [(top, min(top + step, rows)) for top in range(0, rows, step)]
