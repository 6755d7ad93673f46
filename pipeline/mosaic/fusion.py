"""The pixels of the composite from the scenes that its cells show, with soft transitions (paper, 2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import uniform_filter

from pipeline.evidence import DOUBTFUL, HAZY, HOLE, SHADOW
from pipeline.mosaic.assembly import BLOCK, Assembly, between, between_some
from pipeline.mosaic.radiometry import SmoothCorrection
from pipeline.raster import decode, filled, geobox_of, window_geobox

SOFTEN = 5


@dataclass(frozen=True)
class SceneView:
    """One scene while the pixels are fused.

    Attributes:
        rank: 1 for the first of the list.
        pixels, mask: its open reflectance.tif and cloud.tif.
        correction: to the radiometry of the first scene.
        hazy: whether it may fill holes only.
        turn: held by the thread that reads.
    """

    rank: int
    pixels: DatasetReader
    mask: DatasetReader
    correction: SmoothCorrection
    hazy: bool = False
    turn: Lock = field(default_factory=Lock)

    def stored(self, window: Window) -> NDArray[np.uint16]:
        """Stored reflectance of a window; threads take turns."""
        with self.turn:
            return self.pixels.read(window=window)

    def cloud(self, window: Window) -> NDArray[np.uint8]:
        """The cloud mask of a window; threads take turns."""
        with self.turn:
            return self.mask.read(1, window=window)


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

    def window(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Fuse one window.

        Returns:
            Reflectance float32 (4, h, w) with NaN in holes, and provenance uint8 (2, h, w): the rank of the
            main contributor and how sure it is.
        """
        shape = window.height, window.width
        total, weights = np.zeros((4, *shape), np.float32), np.zeros(shape, np.float32)
        best, origin = np.zeros(shape, np.float32), np.zeros((2, *shape), np.uint8)
        for rank, share in self._shares(window).items():
            values, cloud = self._read(rank, window)
            weight = share * (cloud == 0)
            total += np.where(weight > 0, values, 0) * weight
            weights += weight
            main = weight > best
            best[main], origin[0][main] = weight[main], rank
        seen = weights > 0
        origin[1] = np.where(seen, self._levels(window), HOLE)
        reflectance = np.divide(total, weights, out=np.full_like(total, np.nan), where=seen)
        if not seen.all():
            self._fill(reflectance, origin, window)
        return reflectance, origin

    def _shares(self, window: Window) -> dict[int, NDArray[np.float32]]:
        """How much each scene has to say in each pixel: its cells, softened, linear between their middles."""
        rows, cols, ranks = self._cells_around(window)
        shares = {}
        for rank in np.unique(ranks[ranks > 0]):
            soft = uniform_filter((ranks == rank).astype(np.float32), SOFTEN, mode="nearest")
            share = rows @ soft @ cols.T
            if share.any():
                shares[int(rank)] = share
        return shares

    def _cells_around(
        self, window: Window
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
        """Shares of the cells around a window at its rows and columns, and the scenes that they show."""
        side, ranks = self.assembly.grid.pixels, self.assembly.rank
        parts, shares = [], []
        for first, length, count in zip(
            (window.row_off, window.col_off), (window.height, window.width), ranks.shape, strict=True
        ):
            low = max(first // side - 1 - SOFTEN, 0)
            high = min((first + length - 1) // side + 2 + SOFTEN, count)
            parts.append(slice(low, high))
            shares.append(between(np.arange(first, first + length), side, count)[:, low:high])
        return shares[0], shares[1], ranks[parts[0], parts[1]]

    def _levels(self, window: Window) -> NDArray[np.uint8]:
        side, level = self.assembly.grid.pixels, self.assembly.level
        rows = np.arange(window.row_off, window.row_off + window.height) // side
        cols = np.arange(window.col_off, window.col_off + window.width) // side
        found = level[rows[:, None], cols[None, :]]
        return np.where(found == HOLE, np.uint8(DOUBTFUL), found)

    def _read(self, rank: int, window: Window) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Reflectance of a scene in the composite's radiometry, and its mask, 255 where it is empty."""
        view, grid = self.views[rank], self.assembly.grid
        stored, cloud = view.stored(window), view.cloud(window)
        cloud[~filled(stored)] = 255
        values = view.correction.apply(decode(stored), window_geobox(geobox_of(view.pixels), window))
        offsets = self.assembly.offsets.of(rank)
        if offsets is not None:
            side = grid.pixels * BLOCK
            rows, down = between_some(window.row_off, window.height, side, offsets.shape[1])
            cols, across = between_some(window.col_off, window.width, side, offsets.shape[2])
            for band, added in zip(values, offsets[:, down, across], strict=True):
                band += rows @ added @ cols.T
        return values, cloud

    def _fill(self, reflectance: NDArray[np.float32], origin: NDArray[np.uint8], window: Window) -> None:
        """Fill pixels that the cells leave open, in place: clear ones, then shadow that stays, then hazy."""
        good = [view for view in self.views.values() if not view.hazy]
        hazy = [view for view in self.views.values() if view.hazy and self.fill_hazy]
        masks = {rank: view.cloud(window) for rank, view in self.views.items()}
        lasting = np.sum([masks[view.rank] == SHADOW for view in good], axis=0) >= 2
        steps = [(view, masks[view.rank] == 0, DOUBTFUL) for view in good]
        steps += [(view, lasting & (masks[view.rank] == SHADOW), DOUBTFUL) for view in good]
        steps += [(view, masks[view.rank] == 0, HAZY) for view in hazy]
        for view, usable, level in steps:
            takes = usable & (origin[0] == 0)
            if takes.any():
                values, cloud = self._read(view.rank, window)
                takes &= cloud != 255
                reflectance[:, takes] = values[:, takes]
                origin[0][takes], origin[1][takes] = view.rank, level
