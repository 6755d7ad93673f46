"""The scenes of a composite, read window by window and brought to one radiometry (paper, 2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.evidence import NO_DATA
from pipeline.mosaic.assembly import BLOCK, Assembly
from pipeline.mosaic.fields import Axis
from pipeline.mosaic.fields import field as between
from pipeline.mosaic.radiometry import SmoothCorrection
from pipeline.raster import QUANTIFICATION, filled, geobox_of

Part = tuple[slice, slice]


@dataclass(frozen=True)
class SceneView:
    """One scene while the pixels are fused.

    Attributes:
        rank: 1 for the first of the list.
        pixels, mask: its open reflectance.tif and cloud.tif.
        correction: to the radiometry of the first scene.
        hazy: whether it may fill holes only.
        turn: held by the thread that reads.
        geobox: the tile's grid.
    """

    rank: int
    pixels: DatasetReader
    mask: DatasetReader
    correction: SmoothCorrection
    hazy: bool = False
    turn: Lock = field(default_factory=Lock)
    geobox: GeoBox = field(init=False)

    def __post_init__(self) -> None:
        """Ask for the grid once."""
        object.__setattr__(self, "geobox", geobox_of(self.pixels))

    def stored(self, window: Window) -> NDArray[np.uint16]:
        """Stored reflectance of a window; threads take turns."""
        with self.turn:
            return self.pixels.read(window=window)

    def cloud(self, window: Window) -> NDArray[np.uint8]:
        """The cloud mask of a window; threads take turns."""
        with self.turn:
            return self.mask.read(1, window=window)


class WindowView:
    """What one scene shows in a window, read once; parts of it are given as they are asked for.

    Args:
        view: the scene.
        assembly: whose offsets lead it over to the scenes before it.
        window: of the tile.
    """

    def __init__(self, view: SceneView, assembly: Assembly, window: Window) -> None:
        self.view = view
        self.stored, self.cloud = view.stored(window), view.cloud(window)
        full = filled(self.stored)
        if not full.all():
            self.cloud[~full] = NO_DATA
        self.fields = []
        if view.correction.changes:
            self.fields.append(Field.of_correction(view.correction, view.geobox, window))
        change = assembly.offsets.change_of(view.rank)
        if change is not None:
            self.fields += Field.of_change(change, assembly.grid.pixels, window)
        offsets = assembly.offsets.of(view.rank)
        if offsets is not None:
            self.fields.append(Field.of_offsets(offsets, assembly.grid.pixels * BLOCK, window))

    @property
    def plain(self) -> bool:
        """Whether its pixels are shown as they are stored."""
        return not self.fields

    def values(self, part: Part) -> NDArray[np.float32]:
        """Reflectance (4, h, w) of a part of the window in the composite's radiometry.

        Where the scene is empty it has no meaning.
        """
        values = self.stored[(slice(None), *part)].astype(np.float32)
        values -= 1
        values /= QUANTIFICATION
        for given in self.fields:
            given.apply(values, part)
        return values


@dataclass(frozen=True)
class Field:
    """Gains and offsets by band, given on coarse cells, that are applied to the pixels of a window.

    Attributes:
        gain: float32 (4, h, w), None where there is none.
        offset: float32 (4, h, w).
        rows, cols: where the window's pixels lie between the cells.
    """

    gain: NDArray[np.float32] | None
    offset: NDArray[np.float32]
    rows: Axis
    cols: Axis

    @classmethod
    def of_correction(cls, correction: SmoothCorrection, geobox: GeoBox, window: Window) -> "Field":
        """A scene's correction on a window of its tile."""
        rows, cols = correction.nodes.places(geobox, window)
        return cls(correction.gain.astype(np.float32), correction.offset.astype(np.float32), rows, cols)

    @classmethod
    def of_offsets(cls, offsets: NDArray[np.float32], side: int, window: Window) -> "Field":
        """Offsets on squares of `side` pixels, on a window."""
        return cls(None, offsets, *_axes(window, side, offsets.shape[1:]))

    @classmethod
    def of_change(cls, change: NDArray[np.float32], side: int, window: Window) -> "list[Field]":
        """The change of the ground on cells of `side` pixels, on a window; none where nothing changes."""
        rows, cols = _axes(window, side, change.shape[1:])
        top, left = int(rows.low[0]), int(cols.low[0])
        near = np.array(change[:, top : int(rows.high[-1]) + 1, left : int(cols.high[-1]) + 1])
        if (near[:4] == 1).all() and not near[4:].any():
            return []
        return [cls(near[:4], near[4:], rows.moved(top), cols.moved(left))]

    def apply(self, values: NDArray[np.float32], part: Part) -> None:
        """Correct the values (4, h, w) of a part of the window in place."""
        rows, cols = self.rows[part[0]], self.cols[part[1]]
        near = slice(rows.low[0], rows.high[-1] + 1), slice(cols.low[0], cols.high[-1] + 1)
        for band, value in enumerate(values):
            if self.gain is not None:
                value *= between(self.gain[band], rows, cols)
            # Far from the scenes before it nothing is added.
            if self.offset[band][near].any():
                value += between(self.offset[band], rows, cols)


def _axes(window: Window, side: int, shape: tuple[int, ...]) -> tuple[Axis, Axis]:
    """Where the rows and columns of a window lie between cells of `side` pixels."""
    return (
        Axis.of_cells(window.row_off, window.height, side, shape[0]),
        Axis.of_cells(window.col_off, window.width, side, shape[1]),
    )


class WindowViews(Mapping[int, WindowView]):
    """What the scenes show in a window, by rank; each is read when it is asked for first."""

    def __init__(self, views: Mapping[int, SceneView], assembly: Assembly, window: Window) -> None:
        self.views, self.assembly, self.window = views, assembly, window
        self.known: dict[int, WindowView] = {}

    def __getitem__(self, rank: int) -> WindowView:
        """The view of a rank."""
        if rank not in self.known:
            self.known[rank] = WindowView(self.views[rank], self.assembly, self.window)
        return self.known[rank]

    def __iter__(self):
        """The ranks."""
        return iter(self.views)

    def __len__(self) -> int:
        """How many scenes there are."""
        return len(self.views)
