"""Tiled inference: windows on the tile's grid, each read with a margin, the edges reflected."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.networks.normalise import valid_pixels
from pipeline.networks.parts import Part
from pipeline.parallel import few_ahead
from pipeline.raster import windows

if TYPE_CHECKING:
    from pipeline.networks.network import Network, Together

KEPT = 512 * 512
"""Pixels of a raster whose network keeps its memory for the next one: previews come by hundreds."""

Read = Callable[[Window], NDArray[np.floating]]
Run = Callable[[Sequence[NDArray[np.float32]], Sequence[Part]], list[NDArray[np.float32]]]


def predict(
    network: "Network", read: Read, shape: tuple[int, int]
) -> Iterator[tuple[Window, NDArray[np.float32], NDArray[np.bool_]]]:
    """Run a network over a raster of any size; memory is that of a few windows.

    The next window is read and made ready in a thread while the network works on one, the next few where a
    GPU works on them, which takes less time for a window than one thread takes to make it ready.

    Args:
        network: what `load` returned.
        read: gives the reflectance of a window inside the raster, float (bands, rows, cols) in the
            order R, G, B, NIR (or R, G, B for networks that need no more), NaN where there is no data; safe
            in several threads at once.
        shape: rows and columns of the raster.

    Yields:
        A window; its probabilities, float32 (classes, rows, cols), where a window without any data is not
        run, its classes are equally likely; and where there is data, bool (rows, cols).
    """

    def run(inputs: Sequence[NDArray[np.float32]], wanted: Sequence[Part]) -> list[NDArray[np.float32]]:
        return [network.run(inputs[0], wanted[0])]

    for window, (probabilities,), valid in _predict([network], run, network.release, read, shape):
        yield window, probabilities, valid


def predict_together(
    networks: "Together", read: Read, shape: tuple[int, int]
) -> Iterator[tuple[Window, list[NDArray[np.float32]], NDArray[np.bool_]]]:
    """Run several networks over a raster side by side, see `predict`; each window is read once for all.

    Args:
        networks: of windows of one size.
        read: see `predict`.
        shape: rows and columns of the raster.

    Yields:
        A window; the probabilities of each network; and where there is data.
    """
    yield from _predict(networks.networks, networks.run, networks.release, read, shape)


def _predict(
    networks: Sequence["Network"], run: Run, release: Callable[[], None], read: Read, shape: tuple[int, int]
) -> Iterator[tuple[Window, list[NDArray[np.float32]], NDArray[np.bool_]]]:
    """See `predict_together`; `run` gives the probabilities of what the networks are given."""

    def ready(window: Window) -> list[_Ready]:
        kept: dict[tuple[int, ...], NDArray[np.floating]] = {}

        def once(asked: Window) -> NDArray[np.floating]:
            key = asked.flatten()
            if key not in kept:
                kept[key] = read(asked)
            return kept[key]

        return [_Ready.of(network, once, window, shape) for network in networks]

    try:
        ahead = max(network.back_end.ahead for network in networks)
        for window, found in few_ahead(ready, windows(shape, networks[0].window), ahead):
            inputs = [one.inputs for one in found if one.inputs is not None]
            if inputs:
                probabilities = run(inputs, [one.wanted for one in found])
            else:
                counts = [len(network.classes) for network in networks]
                size = window.height, window.width
                probabilities = [np.full((count, *size), 1 / count, np.float32) for count in counts]
            yield window, probabilities, found[0].valid
    finally:
        if shape[0] * shape[1] > KEPT:
            release()


@dataclass(frozen=True)
class _Ready:
    """A window made ready for the network.

    Attributes:
        valid: where it has data.
        inputs: what the network is given; None where there is no data.
        wanted: the window's rows and columns among those given.
    """

    valid: NDArray[np.bool_]
    inputs: NDArray[np.float32] | None
    wanted: Part

    @classmethod
    def of(cls, network: "Network", read: Read, window: Window, shape: tuple[int, int]) -> "_Ready":
        """Read a window of a raster of that shape."""
        rows, cols = (
            _Lines.of(part, size, network) for part, size in zip(window.toslices(), shape, strict=True)
        )
        reflectance = read(Window(cols.first, rows.first, cols.count, rows.count))
        valid = valid_pixels(reflectance[:, rows.inner, cols.inner], None)
        wanted = rows.wanted, cols.wanted
        if not valid.any():
            return cls(valid, None, wanted)
        inputs = network.normalised(reflectance)
        if rows.reflected or cols.reflected:
            inputs = _gathered(inputs, rows.index, cols.index)
        return cls(valid, inputs, wanted)


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

    @property
    def reflected(self) -> bool:
        """Whether the network is given other lines than those that are read."""
        return len(self.index) != self.count

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


def _gathered(
    inputs: NDArray[np.float32], rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Those rows and columns of (bands, h, w)."""
    found = np.empty((len(inputs), len(rows), len(cols)), np.float32)
    _gather(inputs, rows, cols, found)
    return found


@njit(nogil=True, cache=True)
def _gather(
    inputs: NDArray[np.float32], rows: NDArray[np.int64], cols: NDArray[np.int64], found: NDArray[np.float32]
) -> None:
    for band in range(len(inputs)):
        for row in range(len(rows)):
            for col in range(len(cols)):
                found[band, row, col] = inputs[band, rows[row], cols[col]]
