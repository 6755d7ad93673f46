"""Tiled inference: windows on the tile's grid, each read with a margin, the edges reflected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.raster import windows

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
        rows, cols = (
            _Lines.of(part, size, network) for part, size in zip(window.toslices(), shape, strict=True)
        )
        reflectance = read(Window(cols.first, rows.first, cols.count, rows.count))
        if not np.isfinite(reflectance[:, *(line.inner for line in (rows, cols))]).any():
            classes = len(network.classes)
            yield window, np.full((classes, window.height, window.width), 1 / classes, np.float32)
            continue
        inputs = network.normalised(reflectance)[:, rows.index][:, :, cols.index]
        yield window, network.run(inputs, (rows.wanted, cols.wanted))


@dataclass(frozen=True)
class _Lines:
    """The rows, or the columns, that a window needs of a raster that goes on reflected beyond its edges.

    Attributes:
        first: of the raster's lines that are read.
        count: how many are read.
        inner: the window's among those read.
        index: int (n), of those read, what the network is given; on multiples of the stride.
        wanted: the window's among those given.
    """

    first: int
    count: int
    inner: slice
    index: NDArray[np.int64]
    wanted: slice

    @classmethod
    def of(cls, part: slice, size: int, network: "Network") -> "_Lines":
        """Of a part of `size` lines."""
        margin, stride = network.margin, network.stride
        end = _up(size + 2 * margin, stride)
        begin = max(part.start + margin - network.reach, 0) // stride * stride
        stop = min(_up(part.stop + margin + network.reach, stride), end)
        lines = _reflected(np.arange(begin, stop) - margin, size)
        first = int(lines.min())
        inner = slice(part.start - first, part.stop - first)
        at = part.start + margin - begin
        count = int(lines.max()) + 1 - first
        return cls(first, count, inner, lines - first, slice(at, at + part.stop - part.start))


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _reflected(lines: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Lines beyond a raster's edges as the ones that they mirror, the edge itself not repeated."""
    if size == 1:
        return np.zeros_like(lines)
    turned = np.abs(lines) % (2 * size - 2)
    return np.minimum(turned, 2 * size - 2 - turned)
