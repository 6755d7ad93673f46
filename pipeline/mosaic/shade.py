"""Ground that the masks call shadow where no date is clear: which of its views may be shown (paper, 2.2 b).

A mask takes dark ground for shadow. So where no date shows a cell clear, the views in shadow and those in
doubt are held against each other as the clear ones were (`series`): a view in shadow that no other speaks
against is ground, and one in doubt that looks like a cloud before it serves after it.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_propagation

from pipeline.evidence import DOUBTFUL, HOLE
from pipeline.mosaic.series import CORE, NONE, SUSPECT

DARK, DARK_SUSPECT = 4, 5
# What the dates tell of a cell in shadow, beside the mark of `suspicion`.
ASKED, IN_SHADOW, ALONE, LASTING = 4, 8, 16, 32


def asked(
    levels: NDArray[np.uint8], shaded: NDArray[np.bool_], open_: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """What is asked of each view.

    Args:
        levels: uint8 (n, h, w), how sure the cells of the dates are, `HOLE` in shadow.
        shaded: bool (n, h, w), cells that a date shows in shadow alone, by its mask.
        open_: bool (h, w), cells that no date shows clear.

    Returns:
        uint8 (n, h, w), 0 where a view is not asked, else `ASKED`, with `IN_SHADOW` where it is in shadow by
        its mask, `ALONE` where at most one view of the cell is not, `LASTING` where two or more are.
    """
    seen, dark = (levels != HOLE).sum(axis=0), shaded.sum(axis=0)
    where = open_ & (dark > 0) & (seen + dark >= 2)
    told = np.where(where & (shaded | (levels != HOLE)), np.uint8(ASKED), np.uint8(0))
    told[shaded & where] |= np.uint8(IN_SHADOW)
    told[(told > 0) & (seen <= 1)] |= np.uint8(ALONE)
    told[(told > 0) & (dark >= 2)] |= np.uint8(LASTING)
    return told


def judged(level: NDArray[np.uint8], told: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The sureness of a scene's cells once the views in shadow were asked.

    A view in shadow becomes `DARK` where nothing speaks against it; else `DARK_SUSPECT` if another date is in
    shadow there too, and stays a hole if none is. One in doubt that had no other to be held against is
    suspect where, and only where, those in shadow speak against it.

    Args:
        level: uint8 (h, w), before.
        told: uint8 (h, w), see `asked`, plus the mark of `suspicion`.
    """
    marks = np.where(told & ASKED > 0, told % ASKED, np.uint8(NONE))
    touching = np.ones((3, 3), bool)
    suspect = binary_propagation(marks == CORE, mask=marks > NONE, structure=touching)
    dark, alone = told & IN_SHADOW > 0, (told & ALONE > 0) & (level != HOLE)
    out = np.where(alone, np.where(suspect, np.uint8(SUSPECT), np.uint8(DOUBTFUL)), level)
    out = np.where(dark & ~suspect, np.uint8(DARK), out)
    return np.where(dark & suspect & (told & LASTING > 0), np.uint8(DARK_SUSPECT), out).astype(np.uint8)
