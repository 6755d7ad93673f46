"""The pixels of the composite from the scenes that its cells show, with soft transitions (paper, 2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import uniform_filter

from pipeline.evidence import DOUBTFUL, HAZY, HOLE, SHADOW, shadow_that_stays
from pipeline.mosaic.assembly import Assembly
from pipeline.mosaic.fields import Axis, field
from pipeline.mosaic.views import Part, SceneView, WindowViews
from pipeline.raster import EMPTY, encode

SOFTEN = 5
# Pixels, on multiples of which a window is cut up; most squares show one scene alone.
SQUARE = 128


@dataclass(frozen=True)
class Cells:
    """The cells that have a say in a window.

    Attributes:
        ranks: uint8 (h, w), the scenes that they show.
        rows, cols: where the window's pixels lie between them.
    """

    ranks: NDArray[np.uint8]
    rows: Axis
    cols: Axis

    @classmethod
    def of(cls, ranks: NDArray[np.uint8], rows: Axis, cols: Axis) -> "Cells":
        """Of all cells of a tile those that matter, with those that soften their edges."""
        spans = [
            slice(max(int(axis.low[0]) - SOFTEN // 2, 0), int(axis.high[-1]) + SOFTEN // 2 + 1)
            for axis in (rows, cols)
        ]
        return cls(ranks[spans[0], spans[1]], rows.moved(spans[0].start), cols.moved(spans[1].start))

    def part(self, part: Part) -> "Cells":
        """Those of a part of the window."""
        return Cells.of(self.ranks, self.rows[part[0]], self.cols[part[1]])

    @property
    def alone(self) -> int | None:
        """The scene that all of them show."""
        rank = int(self.ranks[0, 0])
        return rank if rank and (self.ranks == rank).all() else None

    def shares(self) -> dict[int, NDArray[np.float32]]:
        """How much each scene has to say in each pixel: its cells, softened, linear between their middles."""
        shares = {}
        for rank in np.unique(self.ranks[self.ranks > 0]):
            soft = uniform_filter((self.ranks == rank).astype(np.float32), SOFTEN, mode="nearest")
            share = field(soft, self.rows, self.cols)
            if share.any():
                shares[int(rank)] = share
        return shares


class Fusion:
    """Fuses windows of the tile, several at once where threads ask for them.

    Args:
        views: of the scenes by rank.
        assembly: which scene each cell shows.
        fill_hazy: whether hazy ground may fill what nothing else does.
    """

    def __init__(self, views: Sequence[SceneView], assembly: Assembly, fill_hazy: bool) -> None:
        self.views = {view.rank: view for view in views}
        self.assembly = assembly
        self.fill_hazy = fill_hazy

    def window(self, window: Window) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Fuse one window.

        Returns:
            Stored reflectance uint16 (4, h, w), 0 in holes, and provenance uint8 (2, h, w): the rank of the
            main contributor and how sure it is.
        """
        shape = window.height, window.width
        stored, origin = np.empty((4, *shape), np.uint16), np.empty((2, *shape), np.uint8)
        views = WindowViews(self.views, self.assembly, window)
        cells = self._cells(window)
        for part in squares(window):
            place = (slice(None), *part)
            stored[place], origin[0][part] = self._fused(part, cells.part(part), views)
        seen = origin[0] > 0
        origin[1] = self._levels(window) * seen
        if not seen.all():
            self._fill(stored, origin, views)
        return stored, origin

    def _fused(
        self, part: Part, cells: Cells, views: WindowViews
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        rank = cells.alone
        return self._blended(cells.shares(), part, views) if rank is None else self._alone(rank, part, views)

    def _alone(
        self, rank: int, part: Part, views: WindowViews
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Stored reflectance and ranks of a square that one scene shows, 0 where it is not clear."""
        view = views[rank]
        clear = view.cloud[part] == 0
        if view.plain:
            stored = view.stored[(slice(None), *part)]
            stored = stored if clear.all() else np.where(clear, stored, np.uint16(EMPTY))
        else:
            stored = encode(view.values(part), clear)
        return stored, clear * np.uint8(rank)

    def _blended(
        self, shares: dict[int, NDArray[np.float32]], part: Part, views: WindowViews
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Stored reflectance and the ranks of the main contributors, 0 where no scene is clear."""
        shape = part[0].stop - part[0].start, part[1].stop - part[1].start
        total, weights = np.zeros((4, *shape), np.float32), np.zeros(shape, np.float32)
        best, main = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
        for rank, share in shares.items():
            view = views[rank]
            weight = share * (view.cloud[part] == 0)
            values = view.values(part)
            values *= weight
            total += values
            weights += weight
            more = weight > best
            best[more], main[more] = weight[more], rank
        seen = weights > 0
        total /= np.where(seen, weights, 1)
        return encode(total, seen), main

    def _cells(self, window: Window) -> Cells:
        side, ranks = self.assembly.grid.pixels, self.assembly.rank
        return Cells.of(
            ranks,
            Axis.of_cells(window.row_off, window.height, side, ranks.shape[0]),
            Axis.of_cells(window.col_off, window.width, side, ranks.shape[1]),
        )

    def _levels(self, window: Window) -> NDArray[np.uint8]:
        side, level = self.assembly.grid.pixels, self.assembly.level
        rows = np.arange(window.row_off, window.row_off + window.height) // side
        cols = np.arange(window.col_off, window.col_off + window.width) // side
        found = level[rows[:, None], cols[None, :]]
        return np.where(found == HOLE, np.uint8(DOUBTFUL), found)

    def _fill(self, stored: NDArray[np.uint16], origin: NDArray[np.uint8], views: WindowViews) -> None:
        """Fill pixels that the cells leave open, in place: clear ones, then shadow that stays, then hazy."""
        good = [rank for rank, view in self.views.items() if not view.hazy]
        hazy = [rank for rank, view in self.views.items() if view.hazy and self.fill_hazy]
        near = _span(origin[0] == 0)
        stored, origin = stored[(slice(None), *near)], origin[(slice(None), *near)]
        masks = {rank: view.cloud[near] for rank, view in views.items()}
        lasting = shadow_that_stays([masks[rank] for rank in good], origin[0].shape)
        steps = [(rank, masks[rank] == 0, DOUBTFUL) for rank in good]
        steps += [(rank, lasting & (masks[rank] == SHADOW), DOUBTFUL) for rank in good]
        steps += [(rank, masks[rank] == 0, HAZY) for rank in hazy]
        for rank, usable, level in steps:
            takes = usable & (origin[0] == 0)
            if takes.any():
                np.copyto(stored, encode(views[rank].values(near), takes), where=takes)
                origin[0][takes], origin[1][takes] = rank, level


def _span(found: NDArray[np.bool_]) -> Part:
    """The least rectangle that holds all that is True."""
    rows, cols = (np.flatnonzero(found.any(axis=axis)) for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(cols[0]), int(cols[-1]) + 1)


def squares(window: Window) -> list[Part]:
    """The parts of a window in the squares of `SQUARE` pixels, counted from the tile's corner."""
    rows, cols = (
        [slice(a - first, b - first) for a, b in pairwise(_cuts(first, length))]
        for first, length in ((window.row_off, window.height), (window.col_off, window.width))
    )
    return [(down, across) for down in rows for across in cols]


def _cuts(first: int, length: int) -> list[int]:
    return [first, *range((first // SQUARE + 1) * SQUARE, first + length, SQUARE), first + length]
