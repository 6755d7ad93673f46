"""The pixels of the composite from the scenes that its cells show, with soft transitions (paper, 2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import uniform_filter

from pipeline.evidence import DOUBTFUL, HAZY, HOLE, NO_DATA, SHADOW
from pipeline.mosaic.assembly import Assembly
from pipeline.mosaic.fields import Axis, field
from pipeline.mosaic.views import Part, SceneView, WindowViews
from pipeline.raster import EMPTY, encode

SOFTEN = 5
# Pixels, on multiples of which a window is cut up; most squares show one scene alone.
SQUARE = 128


@dataclass(frozen=True)
class Square:
    """A part of a window that is fused at once.

    Attributes:
        window: where it lies in the tile.
        part: where it lies in the window.
    """

    window: Window
    part: Part


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
        for square in squares(window):
            place = (slice(None), *square.part)
            stored[place], origin[place] = self._fused(square, views)
        return stored, origin

    def _fused(self, square: Square, views: WindowViews) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        ranks, rows, cols = self._cells_around(square.window)
        shown = [int(rank) for rank in np.unique(ranks) if rank]
        if len(shown) == 1 and ranks.all():
            stored, rank = self._alone(shown[0], square, views)
        else:
            stored, rank = self._blended(_shares(ranks, shown, rows, cols), square, views)
        origin = np.stack([rank, np.where(rank > 0, self._levels(square.window), HOLE)])
        if not rank.all():
            self._fill(stored, origin, square, views)
        return stored, origin

    def _alone(
        self, rank: int, square: Square, views: WindowViews
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Stored reflectance and ranks of a square that one scene shows, 0 where it is not clear."""
        view = views[rank]
        clear = view.cloud[square.part] == 0
        if view.plain:
            stored = view.stored[(slice(None), *square.part)]
            stored = stored if clear.all() else np.where(clear, stored, np.uint16(EMPTY))
        else:
            stored = encode(view.values(square.part), clear)
        return stored, clear * np.uint8(rank)

    def _blended(
        self, shares: dict[int, NDArray[np.float32]], square: Square, views: WindowViews
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Stored reflectance and the ranks of the main contributors, 0 where no scene is clear."""
        shape = square.window.height, square.window.width
        total, weights = np.zeros((4, *shape), np.float32), np.zeros(shape, np.float32)
        best, main = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
        for rank, share in shares.items():
            view = views[rank]
            weight = share * (view.cloud[square.part] == 0)
            total += view.values(square.part) * weight
            weights += weight
            more = weight > best
            best[more], main[more] = weight[more], rank
        seen = weights > 0
        total /= np.where(seen, weights, 1)
        return encode(total, seen), main

    def _cells_around(self, window: Window) -> tuple[NDArray[np.uint8], Axis, Axis]:
        """The scenes of the cells that have a say in a window, and where its pixels lie between the cells."""
        side, ranks = self.assembly.grid.pixels, self.assembly.rank
        parts, axes = [], []
        for first, length, count in zip(
            (window.row_off, window.col_off), (window.height, window.width), ranks.shape, strict=True
        ):
            axis = Axis.of_cells(first, length, side, count)
            low = max(int(axis.low[0]) - SOFTEN // 2, 0)
            parts.append(slice(low, int(axis.high[-1]) + SOFTEN // 2 + 1))
            axes.append(Axis(axis.low - low, axis.high - low, axis.share))
        return ranks[parts[0], parts[1]], axes[0], axes[1]

    def _levels(self, window: Window) -> NDArray[np.uint8]:
        side, level = self.assembly.grid.pixels, self.assembly.level
        rows = np.arange(window.row_off, window.row_off + window.height) // side
        cols = np.arange(window.col_off, window.col_off + window.width) // side
        found = level[rows[:, None], cols[None, :]]
        return np.where(found == HOLE, np.uint8(DOUBTFUL), found)

    def _fill(
        self, stored: NDArray[np.uint16], origin: NDArray[np.uint8], square: Square, views: WindowViews
    ) -> None:
        """Fill pixels that the cells leave open, in place: clear ones, then shadow that stays, then hazy."""
        good = [rank for rank, view in self.views.items() if not view.hazy]
        hazy = [rank for rank, view in self.views.items() if view.hazy and self.fill_hazy]
        masks = {rank: view.cloud[square.part] for rank, view in views.items()}
        lasting = np.sum([masks[rank] == SHADOW for rank in good], axis=0) >= 2
        steps = [(rank, masks[rank] == 0, DOUBTFUL) for rank in good]
        steps += [(rank, lasting & (masks[rank] == SHADOW), DOUBTFUL) for rank in good]
        steps += [(rank, masks[rank] == 0, HAZY) for rank in hazy]
        for rank, usable, level in steps:
            takes = usable & (origin[0] == 0) & (masks[rank] != NO_DATA)
            if takes.any():
                values = encode(views[rank].values(square.part), takes)
                stored[:, takes] = values[:, takes]
                origin[0][takes], origin[1][takes] = rank, level


def squares(window: Window) -> list[Square]:
    """The squares of `SQUARE` pixels, counted from the tile's corner, that a window cuts."""
    spans = [
        _spans(first, length)
        for first, length in ((window.row_off, window.height), (window.col_off, window.width))
    ]
    return [
        Square(
            Window(left, top, right - left, bottom - top),
            (
                slice(top - window.row_off, bottom - window.row_off),
                slice(left - window.col_off, right - window.col_off),
            ),
        )
        for top, bottom in spans[0]
        for left, right in spans[1]
    ]


def _spans(first: int, length: int) -> list[tuple[int, int]]:
    cuts = [first, *range((first // SQUARE + 1) * SQUARE, first + length, SQUARE), first + length]
    return list(pairwise(cuts))


def _shares(
    ranks: NDArray[np.uint8], shown: Sequence[int], rows: Axis, cols: Axis
) -> dict[int, NDArray[np.float32]]:
    """How much each scene has to say in each pixel: its cells, softened, linear between their middles."""
    shares = {}
    for rank in shown:
        soft = uniform_filter((ranks == rank).astype(np.float32), SOFTEN, mode="nearest")
        share = field(soft, rows, cols)
        if share.any():
            shares[rank] = share
    return shares
