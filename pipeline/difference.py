"""What changed between two products of one tile: how many pixels moved, and where the class is another."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from pipeline.errors import SourceError
from pipeline.raster import geobox_of, opened, windows

NO_DATA, CODES = 0, 7
COMPARED = ("mosaic.tif", "landcover.tif")
MOVED = 2
SAME_SHARE = 0.005
SAME_HECTARES = 1.0
HECTARE = 10_000.0


@dataclass(frozen=True)
class Difference:
    """What changed from one revision of a tile to another.

    Attributes:
        moved: share of the tile's pixels, 0..1, of which a band moved by more than `MOVED` levels, or that
            gained or lost data.
        reclassed: share of the tile's pixels whose class is another; no data counts as a class.
        patch: hectares of the largest patch (pixels that touch by a side) whose class is another.
        classes: pixels by class before (rows) and after (columns), int64 (7, 7) by code, 0 = no data.
    """

    moved: float
    reclassed: float
    patch: float
    classes: NDArray[np.int64]

    @property
    def is_small(self) -> bool:
        """Whether an approval of the first holds for the second."""
        return self.moved <= SAME_SHARE and self.patch <= SAME_HECTARES

    def to_json(self) -> dict[str, Any]:
        """The figures, ready for JSON."""
        return {
            "moved": self.moved,
            "reclassed": self.reclassed,
            "patch": self.patch,
            "classes": self.classes.tolist(),
        }


def difference(before: Path, after: Path) -> Difference:
    """Compare two revisions of one tile at full resolution.

    Args:
        before: folder with mosaic.tif and landcover.tif.
        after: another, on the same grid.

    Raises:
        SourceError: a file is missing, or the grids differ.
    """
    counts = np.zeros((CODES, CODES), np.int64)
    with ExitStack() as stack:
        mosaics = [stack.enter_context(opened(Path(one) / "mosaic.tif")) for one in (before, after)]
        covers = [stack.enter_context(opened(Path(one) / "landcover.tif")) for one in (before, after)]
        first, *others = mosaics + covers
        if any(geobox_of(one) != geobox_of(first) for one in others):
            raise SourceError(f"{before} and {after} cannot be compared: they lie on different grids.")
        moved, reclassed = 0, np.zeros(first.shape, bool)
        for window in windows(first.shape):
            moved += int(moved_pixels(*(one.read(window=window) for one in mosaics)).sum())
            old, new = (one.read(1, window=window) for one in covers)
            reclassed[window.toslices()] = old != new
            pairs = old.ravel().astype(np.int64) * CODES + new.ravel()
            counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)
        pixel = abs(first.transform.a * first.transform.e) / HECTARE
    total = reclassed.size
    return Difference(moved / total, float(reclassed.mean()), largest_patch(reclassed) * pixel, counts)


def moved_pixels(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels (h, w) of two pictures (bands, h, w) that moved by more than `MOVED` levels in any band.

    A pixel with data in one picture alone has moved too.
    """
    steps = np.abs(before.astype(np.int16) - after.astype(np.int16)).max(axis=0)
    return (steps > MOVED) | ((before == NO_DATA).any(axis=0) != (after == NO_DATA).any(axis=0))


def largest_patch(cells: NDArray[np.bool_]) -> int:
    """Pixels of the largest patch of pixels that touch by a side."""
    if not cells.any():
        return 0
    labels, _ = label(cells)
    return int(np.bincount(labels.ravel())[1:].max())
