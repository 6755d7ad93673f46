"""Pictures of several rasters laid over each other, as a web map shows them."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

# Pixels of the map: what lies as near to where a raster ends is made of fewer of its pixels.
RIM = 3


def well_inside(valid: NDArray[np.bool_], rim: int = RIM) -> NDArray[np.bool_]:
    """Where a picture shows something and so do all pixels around it, those beyond its border not asked.

    Args:
        valid: bool (h, w), where it shows something.
        rim: pixels to each side.
    """
    return np.asarray(minimum_filter(valid, 2 * rim + 1, mode="constant", cval=1), bool)
