"""ukis-csmask's network for cloud and shadow, to be measured beside ours (Wieland et al. 2019 and 2022).

Its package (Apache 2.0) is no part of what is installed; see `docs/models.md`.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelError

NAME = "ukis-csmask"
BANDS = ["red", "green", "blue", "nir"]


def csmask(reflectance: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return 0 clear, 1 cloud, 2 shadow of a Level-2A image by its network of four bands.

    Args:
        reflectance: (4, rows, cols) in the order R, G, B, NIR, NaN where there is no data.

    Raises:
        ModelError: the package is not installed.
    """
    try:
        from ukis_csmask.mask import CSmask
    except ImportError as error:
        raise ModelError(
            f"{NAME} is not installed ({error}): pip install 'ukis-csmask[cpu]==1.0.0'."
        ) from error
    image = np.moveaxis(np.nan_to_num(reflectance), 0, -1).astype(np.float32)
    mask = CSmask(img=image, band_order=BANDS, product_level="l2a", nodata_value=0)
    return np.asarray(mask.csm[:, :, 0], np.uint8)
