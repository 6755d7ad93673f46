"""The loops over the composite's pixels, compiled: what is done per pixel is done in one go (paper, 2.3).

All take float32 and do single products and sums in a fixed order, so that the bits of a pixel depend neither
on its window nor on the machine.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.evidence import DOUBTFUL, HOLE, NO_DATA
from pipeline.raster import EMPTY, QUANTIFICATION

MOST_STORED = 65_534
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
# Where pixels lie between the middles of cells along one axis, see `fields.Axis.parts`.
Places = tuple[NDArray[np.intp], NDArray[np.intp], Floats]


class Scenes(NamedTuple):
    """What the scenes show in a window.

    Attributes:
        names: uint8 (n), their ranks.
        stored: uint16 (n, 4, h, w), stored reflectance.
        cloud: uint8 (n, h, w), 0 where a scene is clear.
        plain: bool (n), whether a scene is shown as it is stored.
        gain, offset: float32 (n, 4, cell rows, cell cols), what brings its reflectance to the composite's.
    """

    names: Bytes
    stored: NDArray[np.uint16]
    cloud: Bytes
    plain: NDArray[np.bool_]
    gain: Floats
    offset: Floats


class Says(NamedTuple):
    """How much the scenes have to say in cells.

    Attributes:
        shares: float32 (n, cell rows, cell cols), 0..1.
        sole: uint8 (cell rows, cell cols), 1 + the index of the scene that alone has a say, else 0.
    """

    shares: Floats
    sole: Bytes


@njit(nogil=True, cache=True)
def soften(ranks: Bytes, names: Bytes, inner: tuple[int, int], reach: int, says: Says) -> None:
    """How much each scene has to say in each cell: its share of the cells around it.

    Args:
        ranks: (h + margins, w + margins), the scene that each cell shows, 0 where none does; beyond its
            borders it goes on as it ends.
        names: (n), the ranks that are asked for.
        inner: row and column in `ranks` of the first cell that is asked for.
        reach: cells to each side that are taken together.
        says: of the cells that are asked for; filled.
    """
    (top, left), shares, sole = inner, says.shares, says.sole
    last_row, last_col = ranks.shape[0] - 1, ranks.shape[1] - 1
    side = 2 * reach + 1
    each = np.float32(1.0) / np.float32(side * side)
    counts = np.zeros(len(names), np.int64)
    place = np.full(256, -1, np.int64)
    for index in range(len(names)):
        place[names[index]] = index
    for row in range(sole.shape[0]):
        for col in range(sole.shape[1]):
            counts[:] = 0
            for down in range(-reach, reach + 1):
                line = min(max(top + row + down, 0), last_row)
                for across in range(-reach, reach + 1):
                    index = place[ranks[line, min(max(left + col + across, 0), last_col)]]
                    if index >= 0:
                        counts[index] += 1
            sole[row, col] = 0
            for index in range(len(names)):
                shares[index, row, col] = np.float32(counts[index]) * each
                if counts[index] == side * side:
                    shares[index, row, col] = np.float32(1.0)
                    sole[row, col] = index + 1


@njit(nogil=True, cache=True)
def fuse(
    scenes: Scenes, says: Says, rows: Places, cols: Places, out: NDArray[np.uint16], origin: Bytes
) -> None:
    """Fuse the pixels of a window from the scenes that its cells show.

    Args:
        scenes: what they show.
        says: what they have to say in the cells.
        rows: where the rows of pixels lie between the cells.
        cols: where the columns do.
        out: (4, h, w), stored reflectance, filled; 0 where no scene that has a say is clear.
        origin: (h, w), rank of the scene with most to say, filled; 0 likewise.
    """
    names, stored, cloud, plain, gain, offset = scenes
    (row_low, row_high, row_share), (col_low, col_high, col_share) = rows, cols
    count, cells = len(names), says.sole.shape[1]
    share_line, sole_line = np.empty((count, cells), np.float32), np.empty(cells, np.uint8)
    gain_line, offset_line = np.ones((count, 4, cells), np.float32), np.zeros((count, 4, cells), np.float32)
    total = np.empty(4, np.float32)
    for row in range(out.shape[1]):
        above, below, share = row_low[row], row_high[row], row_share[row]
        _lay_says(says, above, below, share, share_line, sole_line)
        _lay_fields(gain, plain, above, below, share, gain_line)
        _lay_fields(offset, plain, above, below, share, offset_line)
        for col in range(out.shape[2]):
            before, after, across = col_low[col], col_high[col], col_share[col]
            only = sole_line[before]
            if only and only == sole_line[after]:
                index = only - 1
                if cloud[index, row, col]:
                    origin[row, col] = 0
                    for band in range(4):
                        out[band, row, col] = EMPTY
                    continue
                origin[row, col] = names[index]
                if plain[index]:
                    for band in range(4):
                        out[band, row, col] = stored[index, band, row, col]
                    continue
                for band in range(4):
                    gains, offsets = gain_line[index, band], offset_line[index, band]
                    value = _decoded(stored[index, band, row, col])
                    out[band, row, col] = _encoded(_corrected(value, gains, offsets, before, after, across))
                continue
            weights, best, main = np.float32(0), np.float32(0), 0
            total[:] = 0
            for index in range(count):
                weight = _across(share_line[index], before, after, across)
                if weight <= 0 or cloud[index, row, col]:
                    continue
                weights += weight
                if weight > best:
                    best, main = weight, names[index]
                for band in range(4):
                    value = _decoded(stored[index, band, row, col])
                    if not plain[index]:
                        gains, offsets = gain_line[index, band], offset_line[index, band]
                        value = _corrected(value, gains, offsets, before, after, across)
                    total[band] += value * weight
            origin[row, col] = main
            for band in range(4):
                out[band, row, col] = _encoded(total[band] / weights) if main else EMPTY


@njit(nogil=True, cache=True)
def _lay_says(
    says: Says, above: int, below: int, share: np.float32, share_line: Floats, sole_line: Bytes
) -> None:
    """What the scenes have to say along a row of pixels that lies between two rows of cells."""
    for col in range(len(sole_line)):
        sole_line[col] = says.sole[above, col] if says.sole[above, col] == says.sole[below, col] else 0
    for index in range(len(share_line)):
        _between(says.shares[index], above, below, share, share_line[index])


@njit(nogil=True, cache=True)
def _lay_fields(
    fields: Floats, plain: NDArray[np.bool_], above: int, below: int, share: np.float32, line: Floats
) -> None:
    """Gains or offsets likewise, of the scenes that have some."""
    for index in range(len(plain)):
        if not plain[index]:
            for band in range(4):
                _between(fields[index, band], above, below, share, line[index, band])


@njit(nogil=True, cache=True)
def hide_empty(stored: NDArray[np.uint16], cloud: Bytes) -> None:
    """Mark pixels of a scene (4, h, w) that are empty in any band as `NO_DATA` in its mask (h, w)."""
    for row in range(cloud.shape[0]):
        for col in range(cloud.shape[1]):
            for band in range(4):
                if stored[band, row, col] == EMPTY:
                    cloud[row, col] = NO_DATA


@njit(nogil=True, cache=True)
def sureness_of(level: Bytes, corner: tuple[int, int], side: int, origin: Bytes) -> bool:
    """Say how sure the pixels of a window are, in the second band of their provenance.

    Args:
        level: (rows, cols), of all cells of the tile; a pixel that shows something is doubtful at least.
        corner: row and column of the window's first pixel in the tile.
        side: pixels along a side of a cell.
        origin: (2, h, w), ranks and what is filled.

    Returns:
        Whether any pixel shows nothing.
    """
    open_ = False
    for row in range(origin.shape[1]):
        line = level[(corner[0] + row) // side]
        for col in range(origin.shape[2]):
            if origin[0, row, col] == 0:
                open_, origin[1, row, col] = True, HOLE
            else:
                found = line[(corner[1] + col) // side]
                origin[1, row, col] = DOUBTFUL if found == HOLE else found
    return open_


@njit(nogil=True, cache=True)
def count(origin: Bytes, ranks: NDArray[np.int64], levels: NDArray[np.int64]) -> None:
    """Add the pixels of a window's provenance (2, h, w) to how many there are of each rank and level."""
    for row in range(origin.shape[1]):
        for col in range(origin.shape[2]):
            ranks[origin[0, row, col]] += 1
            levels[origin[1, row, col]] += 1


@njit(nogil=True, cache=True)
def show(
    stored: NDArray[np.uint16],
    takes: NDArray[np.bool_],
    gain: Floats,
    offset: Floats,
    rows: Places,
    cols: Places,
    out: NDArray[np.uint16],
) -> None:
    """Put one scene's pixels (4, h, w) into `out` where `takes` says; arguments as those of `fuse`."""
    (row_low, row_high, row_share), (col_low, col_high, col_share) = rows, cols
    cells = gain.shape[2]
    gain_line, offset_line = np.empty(cells, np.float32), np.empty(cells, np.float32)
    for band in range(4):
        for row in range(takes.shape[0]):
            above, below, share = row_low[row], row_high[row], row_share[row]
            _between(gain[band], above, below, share, gain_line)
            _between(offset[band], above, below, share, offset_line)
            for col in range(takes.shape[1]):
                if takes[row, col]:
                    before, after, across = col_low[col], col_high[col], col_share[col]
                    value = _decoded(stored[band, row, col])
                    out[band, row, col] = _encoded(
                        _corrected(value, gain_line, offset_line, before, after, across)
                    )


@njit(nogil=True, cache=True)
def _between(cells: Floats, above: int, below: int, share: np.float32, line: Floats) -> None:
    rest = np.float32(1) - share
    for col in range(cells.shape[1]):
        line[col] = cells[above, col] * rest + cells[below, col] * share


@njit(nogil=True, cache=True)
def _across(line: Floats, before: int, after: int, share: np.float32) -> np.float32:
    return line[before] * (np.float32(1) - share) + line[after] * share


@njit(nogil=True, cache=True)
def _corrected(
    value: np.float32, gain: Floats, offset: Floats, before: int, after: int, share: np.float32
) -> np.float32:
    return value * _across(gain, before, after, share) + _across(offset, before, after, share)


@njit(nogil=True, cache=True)
def _decoded(stored: np.uint16) -> np.float32:
    return (np.float32(stored) - np.float32(1)) / np.float32(QUANTIFICATION)


@njit(nogil=True, cache=True)
def _encoded(reflectance: np.float32) -> np.uint16:
    scaled = np.rint(reflectance * np.float32(QUANTIFICATION))
    return np.uint16(min(max(scaled, np.float32(0)), np.float32(MOST_STORED))) + np.uint16(1)
