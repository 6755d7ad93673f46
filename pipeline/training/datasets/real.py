"""The four bands of a real Level-2A scene, one file each, as the shared data keeps them."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from pipeline.errors import SourceError

FILES = ("B04", "B03", "B02", "B08")
"""Names of the files of red, green, blue and near infrared."""


def read_bands(folder: Path) -> tuple[NDArray[np.uint16], Affine]:
    """Return digital numbers uint16 (4, rows, cols) in the order R, G, B, NIR, and where the pixels lie.

    Raises:
        SourceError: a file is not there or is broken.
    """
    found = [_read(folder / f"{name}.tif") for name in FILES]
    return np.stack([band for band, _ in found]), found[0][1]


def read_classification(folder: Path) -> NDArray[np.uint8]:
    """Return the scene classification uint8 (rows, cols), at its own resolution; raises as `read_bands`."""
    return _read(folder / "SCL.tif")[0]


def _read(path: Path) -> tuple[NDArray, Affine]:
    try:
        with rasterio.open(path) as dataset:
            return dataset.read(1), dataset.transform
    except rasterio.RasterioIOError as error:
        raise SourceError(f"The scene's file {path} cannot be read: {error}.") from error
