"""A scene in square cells of 60 m: what radiometry, series test and seams look at (paper, 2.3)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.distance import near_true
from pipeline.errors import SourceError
from pipeline.evidence import CLEAR, CLOUD, DOUBTFUL, HOLE, SHADOW, margin_pixels, scene_folder
from pipeline.raster import decode, filled, opened, windows
from pipeline.storage import reserve, whole_file

KEPT = "sketch.npy"
CELL = 60
# Side of the windows that are read: whole blocks of the files and whole cells.
READ = 1536
ALL, ANY, COVERED, SHADED = 1, 2, 4, 8
STRIP = 192
# A square of 15 x 15 is the largest whose pixels a byte can count.
MOST_IN_A_BYTE = 15


@dataclass(frozen=True)
class CellGrid:
    """The cells of a tile: squares of `pixels` x `pixels` pixels, counted from its upper-left corner.

    Attributes:
        geobox: of the cells.
        pixels: along a side of a cell.
    """

    geobox: GeoBox
    pixels: int

    @classmethod
    def of(cls, geobox: GeoBox) -> "CellGrid":
        """The cells of a grid: 60 m, or a pixel where that is larger or does not fit into 60 m."""
        size = CELL / geobox.affine.a
        pixels = int(size) if size >= 1 and size == int(size) else 1
        rows, cols = (-(-side // pixels) for side in geobox.shape)
        affine = geobox.affine @ geobox.affine.scale(pixels)
        return cls(GeoBox((rows, cols), affine, geobox.crs), pixels)

    @property
    def size(self) -> float:
        """Side of a cell in metres."""
        return float(self.geobox.affine.a)

    def of_pixels(self, window: Window) -> Window:
        """The cells that hold the pixels of a window."""
        top, left = window.row_off // self.pixels, window.col_off // self.pixels
        bottom = -(-(window.row_off + window.height) // self.pixels)
        right = -(-(window.col_off + window.width) // self.pixels)
        return Window(left, top, right - left, bottom - top)

    def pooled(self, stored: NDArray[np.uint16], cloud: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """The five bands of a sketch (see `Sketch`) from a window of pixels that begins with a whole cell.

        Args:
            stored: uint16 (4, h, w), stored reflectance.
            cloud: uint8 (h, w), the scene's mask.
        """
        return _pooled(stored, cloud, self.pixels)


@dataclass(frozen=True)
class Sketch:
    """One scene in cells, kept in a file of five bands.

    These are the mean stored reflectance of the pixels that are clear by the mask, or of those in shadow
    where none is, and flags: whether ALL its pixels are clear, whether ANY is, whether any is COVERED by
    cloud or shadow, and whether the mean is of SHADED pixels.
    """

    path: Path
    cells: CellGrid

    @classmethod
    def of_scene(cls, scene: str, geobox: GeoBox, folder: Path, path: Path) -> "Sketch":
        """The cells of a scene: those that stage 2 kept beside its mask, else made at `path`; see `make`."""
        kept = scene_folder(folder, scene) / KEPT
        return cls(kept, CellGrid.of(geobox)) if kept.exists() else cls.make(scene, geobox, folder, path)

    @classmethod
    def make(cls, scene: str, geobox: GeoBox, folder: Path, path: Path) -> "Sketch":
        """Read a scene's reflectance.tif and cloud.tif once and write its cells.

        Raises:
            SourceError: a file is missing or broken.
        """
        place = scene_folder(folder, scene)
        with opened(place / "reflectance.tif") as pixels, opened(place / "cloud.tif") as mask:
            return cls._write(pixels, lambda window: mask.read(1, window=window), geobox, path)

    @classmethod
    def of_composite(cls, composite: Path, geobox: GeoBox, path: Path) -> "Sketch":
        """The cells of stored reflectance that is clear wherever it is not empty; otherwise as `make`."""
        with opened(composite) as pixels:
            return cls._write(pixels, _all_clear, geobox, path)

    @classmethod
    def _write(
        cls, pixels: DatasetReader, mask: Callable[[Window], NDArray], geobox: GeoBox, path: Path
    ) -> "Sketch":
        cells = CellGrid.of(geobox)
        with sketch_writer(path, cells) as out:
            for window in windows(geobox.shape.yx, READ):
                pooled = cells.pooled(pixels.read(window=window), mask(window))
                out[(slice(None), *cells.of_pixels(window).toslices())] = pooled
        return cls(path, cells)

    def read(self, window: Window | None = None) -> NDArray[np.float32]:
        """Reflectance (4, h, w) of all cells or a window, NaN where no pixel is clear."""
        values, shaded = self.read_shaded(window)
        np.copyto(values, np.float32(np.nan), where=shaded)
        return values

    def read_shaded(self, window: Window | None = None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """As `read`, with the means of pixels in shadow where none is clear, and where that is (h, w)."""
        stored = self._stored(window)
        return decode(stored[:4]), stored[4] & SHADED > 0

    def level(self, margin: float) -> NDArray[np.uint8]:
        """How sure each cell is: clear where all its pixels are and none is near cloud or shadow.

        Args:
            margin: metres around cloud and shadow in which clear ground is doubtful.
        """
        flags = self._stored()[4].astype(np.uint8)
        reach = margin_pixels(margin, self.cells.size)
        sure = (flags & ALL > 0) & ~near_true(flags & COVERED > 0, reach)
        return np.where(sure, CLEAR, np.where(flags & ANY > 0, DOUBTFUL, HOLE)).astype(np.uint8)

    def _stored(self, window: Window | None = None) -> NDArray[np.uint16]:
        """The five bands of all cells or a window, left on disk until they are looked at.

        Raises:
            SourceError: the file is missing or broken.
        """
        try:
            stored: NDArray[np.uint16] = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SourceError(f"{self.path} cannot be read as cells of a scene: {error}.") from error
        if stored.shape != (5, *self.cells.geobox.shape.yx):
            raise SourceError(f"{self.path} has cells of another grid: {stored.shape}.")
        return stored if window is None else stored[(slice(None), *window.toslices())]


@contextmanager
def sketch_writer(path: Path, cells: CellGrid) -> Iterator[NDArray[np.uint16]]:
    """Where to put the bands of a sketch, uint16 (5, h, w) on disk; the file appears only when whole.

    It is a plain array, since it is read often and by few rows at a time.

    Raises:
        StorageError: the disk is full.
    """
    with whole_file(path) as beside:
        stored = open_memmap(beside, "w+", np.uint16, (5, *cells.geobox.shape.yx))
        reserve(beside)
        yield stored
        stored.flush()


def _all_clear(window: Window) -> NDArray[np.uint8]:
    return np.zeros((window.height, window.width), np.uint8)


def _pooled(stored: NDArray[np.uint16], cloud: NDArray[np.uint8], side: int) -> NDArray[np.uint16]:
    """The five bands of a sketch from the pixels of a window, by strips that the processor's cache holds."""
    step = max(STRIP // side, 1) * side
    strips = (slice(top, top + step) for top in range(0, len(cloud), step))
    return np.concatenate([_pooled_strip(stored[:, rows], cloud[rows], side) for rows in strips], axis=1)


def _pooled_strip(stored: NDArray[np.uint16], cloud: NDArray[np.uint8], side: int) -> NDArray[np.uint16]:
    clear = (cloud == 0) & filled(stored)
    covered = (cloud == CLOUD) | (cloud == SHADOW)
    count, cells = block_sums(clear, side), _cell_pixels(cloud.shape, side)
    flags = np.where(count == cells, np.uint16(ALL), np.uint16(0))
    flags[count > 0] |= np.uint16(ANY)
    flags[block_sums(covered, side) > 0] |= np.uint16(COVERED)
    dark = (cloud == SHADOW) & filled(stored)
    if dark.any():
        lit = (count > 0).repeat(side, axis=0).repeat(side, axis=1)[: len(cloud), : cloud.shape[1]]
        dark &= ~lit
        shaded = block_sums(dark, side)
        flags[shaded > 0] |= np.uint16(SHADED)
        clear, count = clear | dark, count + shaded
    half, least = count // np.uint32(2), np.maximum(count, np.uint32(1))
    factor = None if clear.all() else clear.astype(np.uint16)
    pooled = np.empty((5, *count.shape), np.uint16)
    for band, values in enumerate(stored):
        sums = block_sums(values if factor is None else values * factor, side)
        pooled[band] = (sums + half) // least
    pooled[4] = flags
    return pooled


def _cell_pixels(shape: tuple[int, ...], side: int) -> NDArray[np.uint32]:
    """How many pixels each cell has; fewer at the lower and right edge."""
    rows, cols = (np.minimum(side, length - np.arange(0, length, side)).astype(np.uint32) for length in shape)
    return rows[:, None] * cols


def block_sums(values: NDArray, side: int) -> NDArray:
    """Sums over squares of `side` x `side`, those at the lower and right edge filled up with 0.

    Args:
        values: (h, w), bool, integer or float.
        side: in elements.

    Returns:
        float32 of floats, else uint32.
    """
    rows, cols = (-(-length // side) * side for length in values.shape)
    kind = np.float32 if values.dtype.kind == "f" else np.uint32
    if (rows, cols) != values.shape:
        values = np.pad(values, ((0, rows - values.shape[0]), (0, cols - values.shape[1])))
    if values.dtype == bool and side <= MOST_IN_A_BYTE:
        down = values.view(np.uint8).reshape(rows // side, side, cols).sum(axis=1, dtype=np.uint8)
    elif values.dtype == np.uint16 and side % 2 == 0:
        pairs = _pair_sums(values).reshape(rows // side, side, cols // 2)
        down, side = pairs.sum(axis=1, dtype=np.uint32), side // 2
    else:
        down = values.reshape(rows // side, side, cols).sum(axis=1, dtype=kind)
    total = down[:, ::side].astype(kind)
    for column in range(1, side):
        total += down[:, column::side]
    return total


def _pair_sums(values: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """Sums of two neighbours in a row, both taken out of one number of twice the size."""
    pairs = np.ascontiguousarray(values).view(np.uint32)
    sums: NDArray[np.uint32] = (pairs & np.uint32(0xFFFF)) + (pairs >> np.uint32(16))
    return sums
