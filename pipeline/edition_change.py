"""What changed on the ground of one tile between two editions, each place counted once."""

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import rasterize

from pipeline.difference import CODES, NO_DATA, moved_pixels
from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.raster import geobox_of, opened, window_geobox, windows

EDGE_METRES = 500.0


@dataclass(frozen=True)
class Changed:
    """What changed on the own ground of a tile.

    Attributes:
        classes: pixels by class before (rows) and after (columns), int64 (7, 7) by code, 0 = no data.
        moved: pixels of the mosaic that moved, see `moved_pixels`.
        pixel_area: square metres.
    """

    classes: NDArray[np.int64]
    moved: int
    pixel_area: float

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"classes": self.classes.tolist(), "moved": self.moved, "pixel_area": self.pixel_area}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Changed":
        """Read it back."""
        return cls(np.array(content["classes"], np.int64), content["moved"], content["pixel_area"])


def change_on_own_ground(tile: Tile, before: Path, after: Path, others: Collection[Tile] = ()) -> Changed:
    """Count what changed between two revisions of a tile, where no tile before it by name lies.

    Neighbours agree on their overlap, so it does not matter which of them is counted there.

    Args:
        tile: the tile.
        before: folder of a revision, with mosaic.tif and landcover.tif.
        after: another, on the same grid.
        others: the tiles that both editions show.

    Raises:
        SourceError: a file is missing, or the grids differ.
    """
    counts, moved = np.zeros((CODES, CODES), np.int64), 0
    with ExitStack() as stack:
        mosaics, covers = (
            [stack.enter_context(opened(Path(folder) / name)) for folder in (before, after)]
            for name in ("mosaic.tif", "landcover.tif")
        )
        first, *rest = mosaics + covers
        grid = geobox_of(first)
        if any(geobox_of(one) != grid for one in rest):
            raise SourceError(f"{before} and {after} cannot be compared: they lie on different grids.")
        taken = [ground_of(one, tile.epsg) for one in others if one.name < tile.name]
        for window in windows(first.shape):
            own = ~_inside(taken, window_geobox(grid, window))
            changed = moved_pixels(*(one.read(window=window) for one in mosaics))
            moved += int((changed & own).sum())
            old, new = (one.read(1, window=window)[own].astype(np.int64) for one in covers)
            counts += np.bincount(old * CODES + new, minlength=counts.size).reshape(counts.shape)
    counts[NO_DATA, NO_DATA] = 0
    return Changed(counts, moved, float(abs(first.transform.a * first.transform.e)))


def ground_of(tile: Tile, epsg: int) -> shapely.Polygon:
    """The square of a tile in the coordinates of a zone, its edges followed where it is another."""
    square = shapely.box(*tile.bounds)
    if epsg == tile.epsg:
        return square
    into = Transformer.from_crs(tile.epsg, epsg, always_xy=True)
    edges = shapely.segmentize(square, EDGE_METRES)
    return shapely.transform(edges, lambda points: np.column_stack(into.transform(*points.T)))


def _inside(grounds: Collection[shapely.Polygon], grid: GeoBox) -> NDArray[np.bool_]:
    """Pixels (h, w) of a grid whose middle lies in any of the grounds."""
    near = [one for one in grounds if one.intersects(shapely.box(*grid.boundingbox.bbox))]
    if not near:
        return np.zeros(grid.shape.yx, bool)
    found: NDArray[np.uint8] = rasterize(
        [(one, 1) for one in near], grid.shape.yx, transform=grid.affine, dtype="uint8"
    )
    return found.astype(bool)
