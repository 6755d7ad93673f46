"""The pixels of the composite from the scenes that its cells show, with soft transitions (paper, 2.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.evidence import DOUBTFUL, HAZY, SHADOW, shadow_that_stays
from pipeline.mosaic.assembly import Assembly
from pipeline.mosaic.fields import Axis
from pipeline.mosaic.pixels import Says, Scenes, fuse, show, soften, sureness_of
from pipeline.mosaic.views import SceneView, WindowViews
from pipeline.raster import EMPTY, padded

# Cells to each side over which the shares of the scenes are softened.
SOFTEN = 2
# Scenes times cells whose fields are in memory at a time, for each thread.
MOST_HELD = 4 * 512 * 512


@dataclass(frozen=True)
class Cells:
    """The cells that have a say in a window.

    Attributes:
        near: those between whose middles the window's pixels lie.
        names: uint8 (n), the scenes that they, or cells around them, show.
        says: how much these have to say in each of them.
        rows, cols: where the pixels lie between them.
    """

    near: Window
    names: NDArray[np.uint8]
    says: Says
    rows: Axis
    cols: Axis

    @classmethod
    def of(cls, assembly: Assembly, window: Window) -> "Cells":
        """Those of a window of the tile."""
        side, shape = assembly.grid.pixels, assembly.rank.shape
        rows = Axis.of_cells(window.row_off, window.height, side, shape[0])
        cols = Axis.of_cells(window.col_off, window.width, side, shape[1])
        (top, height), (left, width) = rows.span, cols.span
        near = Window(left, top, width, height)
        around, (down, across) = padded(near, SOFTEN, shape)
        ranks = np.ascontiguousarray(assembly.rank[around.toslices()])
        names = np.unique(ranks[ranks > 0])
        says = Says(np.empty((len(names), height, width), np.float32), np.empty((height, width), np.uint8))
        soften(ranks, names, (down.start, across.start), SOFTEN, says)
        return cls(near, names, says, rows.moved(top), cols.moved(left))


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
        cells = Cells.of(self.assembly, window)
        if len(cells.names) * cells.near.height * cells.near.width > MOST_HELD and window.height > 1:
            halves = [self.window(half) for half in _halves(window)]
            stored, origin = (np.concatenate(parts, axis=1) for parts in zip(*halves, strict=True))
            return stored, origin
        views = WindowViews(self.views, self.assembly, window, cells.near, cells.names)
        stored, origin = self._fused(cells, views, (window.height, window.width))
        side = self.assembly.grid.pixels
        if sureness_of(self.assembly.level, (window.row_off, window.col_off), side, origin):
            self._fill(stored, origin, views, cells)
        return stored, origin

    @staticmethod
    def _fused(
        cells: Cells, views: WindowViews, shape: tuple[int, int]
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        """Stored reflectance and ranks of what the cells show, 0 where no scene that has a say is clear."""
        stored, origin = np.empty((4, *shape), np.uint16), np.empty((2, *shape), np.uint8)
        if not views.listed:
            stored[:], origin[:] = EMPTY, 0
            return stored, origin
        fields = [view.field for view in views.listed]
        scenes = Scenes(
            cells.names,
            views.stored,
            views.cloud,
            np.array([field.plain for field in fields]),
            np.stack([field.gain for field in fields]),
            np.stack([field.offset for field in fields]),
        )
        fuse(scenes, cells.says, cells.rows.parts, cells.cols.parts, stored, origin[0])
        return stored, origin

    def _fill(
        self, stored: NDArray[np.uint16], origin: NDArray[np.uint8], views: WindowViews, cells: Cells
    ) -> None:
        """Fill pixels that the cells leave open, in place: clear ones, then shadow that stays, then hazy."""
        good = [rank for rank, view in self.views.items() if not view.hazy]
        hazy = [rank for rank, view in self.views.items() if view.hazy and self.fill_hazy]
        masks = {rank: view.cloud for rank, view in views.items()}
        lasting = shadow_that_stays([masks[rank] for rank in good], origin[0].shape)
        steps = [(rank, masks[rank] == 0, DOUBTFUL) for rank in good]
        steps += [(rank, lasting & (masks[rank] == SHADOW), DOUBTFUL) for rank in good]
        steps += [(rank, masks[rank] == 0, HAZY) for rank in hazy]
        for rank, usable, level in steps:
            takes = usable & (origin[0] == 0)
            if takes.any():
                view, field = views[rank], views[rank].field
                show(view.stored, takes, field.gain, field.offset, cells.rows.parts, cells.cols.parts, stored)
                origin[0][takes], origin[1][takes] = rank, level


def _halves(window: Window) -> tuple[Window, Window]:
    """The upper and the lower half of a window."""
    upper = window.height // 2
    return (
        Window(window.col_off, window.row_off, window.width, upper),
        Window(window.col_off, window.row_off + upper, window.width, window.height - upper),
    )
