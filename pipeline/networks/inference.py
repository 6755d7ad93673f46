"""Tiled inference: windows on the tile's grid, each read with a margin, the edges reflected."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.raster import padded, windows

if TYPE_CHECKING:
    from pipeline.networks.network import Network

Read = Callable[[Window], NDArray[np.floating]]


def predict(
    network: "Network", read: Read, shape: tuple[int, int]
) -> Iterator[tuple[Window, NDArray[np.float32]]]:
    """Run a network over a raster of any size; memory is that of one window.

    Args:
        network: what `load` returned.
        read: gives the reflectance of a window inside the raster, float (bands, rows, cols) in the
            order R, G, B, NIR (or R, G, B for networks that need no more), NaN where there is no data.
        shape: rows and columns of the raster.

    Yields:
        A window and its probabilities, float32 (classes, rows, cols); a window without any data is not run,
        its classes are equally likely.
    """
    for window in windows(shape, network.window):
        grown, inner = padded(window, network.margin, shape)
        reflectance = read(grown)
        if not np.isfinite(reflectance[(slice(None), *inner)]).any():
            classes = len(network.classes)
            yield window, np.full((classes, window.height, window.width), 1 / classes, np.float32)
            continue
        inputs = _reflected(network.normalised(reflectance), inner, network.margin, network.stride)
        top = left = network.margin
        scores = network.run(inputs)
        yield window, scores[:, top : top + window.height, left : left + window.width]


def _reflected(
    inputs: NDArray[np.float32], inner: tuple[slice, slice], margin: int, stride: int
) -> NDArray[np.float32]:
    """Reflect the raster's edges until the margin is full and each side a multiple of `stride`."""
    pads = [(0, 0)]
    for have, part in zip(inputs.shape[1:], inner, strict=True):
        first = margin - part.start
        full = -(-(part.stop - part.start + 2 * margin) // stride) * stride
        pads.append((first, full - first - have))
    return np.pad(inputs, pads, mode="reflect")
