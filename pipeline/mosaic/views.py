"""The scenes of a composite, read window by window and brought to one radiometry (paper, 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.evidence import SHADOW
from pipeline.mosaic.assembly import Assembly, spread
from pipeline.mosaic.fields import field as between
from pipeline.mosaic.pixels import hide_empty
from pipeline.mosaic.radiometry import SmoothCorrection
from pipeline.mosaic.shade import DARK, DARK_SUSPECT


@dataclass(frozen=True)
class SceneView:
    """One scene while the pixels are fused.

    Attributes:
        rank: 1 for the first of the list.
        pixels, mask: its open reflectance.tif and cloud.tif.
        correction: to the radiometry of the first scene.
        hazy: whether it may fill holes only.
        level: uint8 (rows, cols), how sure its cells are, see `shade`; None = none is shown in shadow.
        turn: held by the thread that reads.
    """

    rank: int
    pixels: DatasetReader
    mask: DatasetReader
    correction: SmoothCorrection
    hazy: bool = False
    level: NDArray[np.uint8] | None = None
    turn: Lock = field(default_factory=Lock)

    def read(self, window: Window, stored: NDArray[np.uint16], cloud: NDArray[np.uint8]) -> None:
        """Fill stored reflectance (4, h, w) and cloud mask (h, w) of a window; threads take turns."""
        with self.turn:
            self.pixels.read(window=window, out=stored)
            self.mask.read(1, window=window, out=cloud)


class WindowView:
    """What one scene shows in a window, read once.

    Args:
        view: the scene.
        assembly: whose offsets lead it over to the scenes before it.
        window: of the tile.
        cells: those between whose middles the window's pixels lie.
        stored, cloud: where the pixels are to be read into, arrays as the attributes.

    Attributes:
        stored: uint16 (4, h, w), stored reflectance.
        cloud: uint8 (h, w), its mask; `NO_DATA` where any band is empty.
        field: what brings it to the composite's radiometry.
    """

    def __init__(
        self,
        view: SceneView,
        assembly: Assembly,
        window: Window,
        cells: Window,
        stored: NDArray[np.uint16],
        cloud: NDArray[np.uint8],
    ) -> None:
        view.read(window, stored, cloud)
        hide_empty(stored, cloud)
        if view.level is not None and assembly.dark[cells.toslices()].any():
            cloud[(cloud == SHADOW) & _shown_dark(view, assembly, window)] = 0
        self.stored, self.cloud = stored, cloud
        self.field = Field.of(view, assembly, cells)


def _shown_dark(view: SceneView, assembly: Assembly, window: Window) -> NDArray[np.bool_]:
    """Pixels (h, w) of the cells that a scene may show although they are in shadow by its mask."""
    assert view.level is not None
    near, side = assembly.grid.of_pixels(window), assembly.grid.pixels
    part = near.toslices()
    level = view.level[part]
    shown = (level == DARK) | ((level == DARK_SUSPECT) & (assembly.rank[part] == view.rank))
    top, left = window.row_off - near.row_off * side, window.col_off - near.col_off * side
    pixels = shown.repeat(side, axis=0).repeat(side, axis=1)
    return pixels[top : top + window.height, left : left + window.width]


@dataclass(frozen=True)
class Field:
    """What brings a scene to the composite's radiometry: a gain and an offset by band and cell.

    Attributes:
        gain, offset: float32 (4, h, w) on the cells around a window, between whose middles it is linear.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    @classmethod
    def of(cls, view: SceneView, assembly: Assembly, cells: Window) -> "Field":
        """A scene's correction, then how the ground changed, then what is added near the edges."""
        shape = 4, cells.height, cells.width
        gain, offset = np.ones(shape, np.float32), np.zeros(shape, np.float32)
        correction, offsets = view.correction, assembly.offsets.of(view.rank)
        if correction.changes:
            places = correction.nodes.places(assembly.grid.geobox, cells)
            gain, offset = between(correction.gain, *places), between(correction.offset, *places)
        change = assembly.offsets.change_of(view.rank)
        if change is not None:
            near = np.array(change[(slice(None), *cells.toslices())])
            gain, offset = gain * near[:4], offset * near[:4] + near[4:]
        if offsets is not None:
            offset += spread(offsets, cells)
        return cls(gain, offset)

    @property
    def plain(self) -> bool:
        """Whether it changes nothing."""
        return bool((self.gain == 1).all() and not self.offset.any())


class WindowViews(Mapping[int, WindowView]):
    """What the scenes show in a window, by rank; each is read when it is asked for first.

    Args:
        views: of the scenes by rank.
        assembly: whose offsets lead them over to each other.
        window: of the tile.
        cells: those between whose middles the window's pixels lie.
        names: ranks (n) of the scenes that are asked for in any case.

    Attributes:
        stored: uint16 (n, 4, h, w), stored reflectance of those.
        cloud: uint8 (n, h, w), their masks.
        listed: their views.
    """

    def __init__(
        self,
        views: Mapping[int, SceneView],
        assembly: Assembly,
        window: Window,
        cells: Window,
        names: NDArray[np.uint8],
    ) -> None:
        self.views, self.assembly, self.window, self.cells = views, assembly, window, cells
        self.stored, self.cloud = self._arrays(len(names))
        self.listed = [
            self._view(int(rank), *place) for rank, *place in zip(names, self.stored, self.cloud, strict=True)
        ]
        self.known = dict(zip(names.tolist(), self.listed, strict=True))

    def __getitem__(self, rank: int) -> WindowView:
        """The view of a rank."""
        if rank not in self.known:
            stored, cloud = self._arrays(1)
            self.known[rank] = self._view(rank, stored[0], cloud[0])
        return self.known[rank]

    def __iter__(self):
        """The ranks."""
        return iter(self.views)

    def __len__(self) -> int:
        """How many scenes there are."""
        return len(self.views)

    def _view(self, rank: int, stored: NDArray[np.uint16], cloud: NDArray[np.uint8]) -> WindowView:
        return WindowView(self.views[rank], self.assembly, self.window, self.cells, stored, cloud)

    def _arrays(self, count: int) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
        shape = self.window.height, self.window.width
        return np.empty((count, 4, *shape), np.uint16), np.empty((count, *shape), np.uint8)
