"""The cells of ground that two images share, in one zone or across a zone's edge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import StorageError
from pipeline.ground import Cells, southing, transformer

NODE = 20
CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True)
class SharedGround:
    """The cells that are usable in two images.

    Attributes:
        means: float64 (2, 4, n), reflectance of each image.
        places: float64 (2, 2, n), metres south and east of the cells' centres in each image's own zone.
    """

    means: NDArray[np.float64]
    places: NDArray[np.float64]


def shared_means(first: Cells, second: Cells) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of two images on the ground that is usable in both, float64 (4, n) each; see `shared_ground`."""
    means = shared_ground(first, second).means
    return means[0], means[1]


def shared_ground(first: Cells, second: Cells) -> SharedGround:
    """The ground that is usable in two images.

    In one zone these are the same cells. Across a zone edge the cells of `first` are compared with `second`
    interpolated between the four cells around the same place.

    Raises:
        StorageError: the cells of the two are not of one size.
    """
    if first.size != second.size:
        raise StorageError(f"Cell means of {first.size} m and {second.size} m cannot be compared.")
    if first.epsg % 100 == second.epsg % 100:
        return _same_cells(first, second)
    return _warped_cells(first, second)


def _same_cells(first: Cells, second: Cells) -> SharedGround:
    top, left = max(first.row, second.row), max(first.column, second.column)
    bottom = min(first.row + first.count.shape[0], second.row + second.count.shape[0])
    right = min(first.column + first.count.shape[1], second.column + second.count.shape[1])
    if bottom <= top or right <= left:
        return SharedGround(np.zeros((2, 4, 0)), np.zeros((2, 2, 0)))
    parts = [cells.part(top, left, bottom, right) for cells in (first, second)]
    both = np.flatnonzero(parts[0].usable & parts[1].usable)
    means = np.empty((2, 4, len(both)))
    for part, mean in zip(parts, means, strict=True):
        mean[:] = part.mean.reshape(4, -1).take(both, axis=1)
    rows, cols = np.divmod(both, right - left)
    place = np.stack([(rows + top + 0.5) * first.size, (cols + left + 0.5) * first.size])
    return SharedGround(means, np.stack([place, place]))


def _warped_cells(first: Cells, second: Cells) -> SharedGround:
    first = _near(first, second)
    x, south, u, there = _centres(first, second.epsg)
    height, width = second.count.shape
    within = (u > second.column * second.size) & (u < (second.column + width) * second.size)
    within &= (there > second.row * second.size) & (there < (second.row + height) * second.size)
    at = np.flatnonzero(first.usable & within)
    u, there = u.take(at), there.take(at)
    value, whole = _between_cells(second, there, u)
    at, u, there = at[whole], u[whole], there[whole]
    own = first.mean.reshape(4, -1).take(at, axis=1).astype(np.float64)
    rows, cols = np.divmod(at, first.count.shape[1])
    places = np.stack([np.stack([south[rows], x[cols]]), np.stack([there, u])])
    return SharedGround(np.stack([own, value]), places)


def _near(cells: Cells, other: Cells) -> Cells:
    """The part of an image's cells that may lie inside another one of another zone."""
    rows, cols = _nodes(cells)
    u, v = transformer(cells.epsg, other.epsg).transform(*_node_places(cells, rows, cols))
    height, width = other.count.shape
    inside = np.ones((len(rows) - 1, len(cols) - 1), bool)
    ways = (u, other.column, width), (np.asarray(southing(other.epsg, v)), other.row, height)
    for places, start, count in ways:
        corners = np.stack([places[i : i + inside.shape[0], k : k + inside.shape[1]] for i, k in CORNERS])
        inside &= corners.max(axis=0) > start * other.size
        inside &= corners.min(axis=0) < (start + count) * other.size
    if not inside.any():
        return cells.part(cells.row, cells.column, cells.row, cells.column)
    (top, bottom), (left, right) = (np.flatnonzero(inside.any(axis=axis))[[0, -1]] * NODE for axis in (1, 0))
    return cells.part(
        cells.row + top,
        cells.column + left,
        cells.row + min(bottom + NODE, cells.count.shape[0]),
        cells.column + min(right + NODE, cells.count.shape[1]),
    )


def _nodes(cells: Cells) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every `NODE`-th row and column of cells, one beyond the last included."""
    rows, cols = (np.arange(0, size + NODE, NODE) for size in cells.count.shape)
    return rows, cols


def _node_places(
    cells: Cells, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eastings and northings of the centres of some rows and columns of cells."""
    x, south = (cells.column + 0.5 + cols) * cells.size, (cells.row + 0.5 + rows) * cells.size
    east, north = np.meshgrid(x, southing(cells.epsg, south))
    return east, north


def _centres(
    cells: Cells, epsg: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Eastings (w) and southings (h) of the cells' centres, and both (h, w) in another zone.

    The latter are linear between every `NODE`-th cell, less than a metre from the exact ones.
    """
    height, width = cells.count.shape
    rows, cols = _nodes(cells)
    u, v = transformer(cells.epsg, epsg).transform(*_node_places(cells, rows, cols))
    down, across = _linear_shares(height, rows), _linear_shares(width, cols)
    eastings, southings = (down @ np.asarray(field) @ across.T for field in (u, southing(epsg, v)))
    own_x, own_south = (
        (start + 0.5 + np.arange(count, dtype=np.float64)) * cells.size
        for start, count in ((cells.column, width), (cells.row, height))
    )
    return own_x, own_south, eastings, southings


def _linear_shares(size: int, nodes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares (size, nodes) of the two nodes around each cell."""
    return np.maximum(0.0, 1 - np.abs(np.arange(size)[:, None] - nodes) / NODE)


def _between_cells(
    cells: Cells, south: NDArray[np.float64], east: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Means (4, k) at the k of n places whose four cells around are all usable, and which those are, (n)."""
    across, down = east / cells.size - 0.5 - cells.column, south / cells.size - 0.5 - cells.row
    left, top = np.floor(across).astype(int), np.floor(down).astype(int)
    height, width = cells.count.shape
    usable = cells.usable
    around = np.zeros((height, width), bool)
    around[:-1, :-1] = usable[:-1, :-1] & usable[:-1, 1:] & usable[1:, :-1] & usable[1:, 1:]
    whole = (left >= 0) & (top >= 0) & (left < width - 1) & (top < height - 1)
    first = np.where(whole, top * width + left, 0)
    whole &= around.ravel()[first]
    first, across, down = first[whole], (across - left)[whole], (down - top)[whole]
    value, mean = np.zeros((4, first.size)), cells.mean.reshape(4, -1)
    for below, beside in CORNERS:
        near = (1 - np.abs(across - beside)) * (1 - np.abs(down - below))
        value += near * mean.take(first + below * width + beside, axis=1)
    return value, whole
