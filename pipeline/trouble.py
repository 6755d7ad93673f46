"""Places of a finished tile that are worth a look, from what its build and its revision keep."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio import DatasetReader
from rasterio.windows import Window
from scipy.ndimage import find_objects, label

from pipeline.difference import HECTARE, moved_pixels
from pipeline.evidence import DOUBTFUL, HAZY, HOLE
from pipeline.grid import Tile
from pipeline.raster import opened, windows
from pipeline.suspects import View, suspects

OF_THE_BUILD = ("provenance.tif", "scene_list.json", "scenes/*/image.tif", "scenes/*/cloud.tif")
OF_THE_REVISION = ("mosaic.tif", "confidence.tif", "landcover.tif")
CELL_METRES = 640.0
MOST_SPOTS = 30
LEAST_CONFIDENCE, NO_CONFIDENCE = 40, 255
# Share of a cell's pixels from which on it is a spot, and how much a pixel weighs against others.
KINDS: Mapping[str, tuple[float, float]] = {
    "hole": (0.02, 4.0),
    "cloud": (0.10, 4.0),
    "shadow": (0.10, 3.0),
    "seam": (0.06, 4.0),
    "edge": (0.06, 4.0),
    "haze": (0.10, 3.0),
    "change": (0.30, 2.0),
    "doubt": (0.25, 1.0),
    "classes": (0.50, 0.5),
}


@dataclass(frozen=True)
class Spot:
    """A place to look at.

    Attributes:
        kind: "hole", "cloud" and "shadow" (other dates show the ground otherwise), "seam" (a step between two
            scenes), "edge" (a step where a neighbour begins), "haze", "change" (since another revision),
            "doubt" (clear, but near cloud or shadow) or "classes" (confidence below `LEAST_CONFIDENCE`).
        lon, lat: of its middle, degrees.
        box: west, south, east, north in degrees.
        hectares: of its pixels that are so.
    """

    kind: str
    lon: float
    lat: float
    box: tuple[float, float, float, float]
    hectares: float

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**self.__dict__, "box": list(self.box)}


def find_spots(
    build: Path,
    revision: Path,
    before: Path | None = None,
    most: int = MOST_SPOTS,
    tile: Tile | None = None,
) -> list[Spot]:
    """Look for trouble in cells of about `CELL_METRES`; cells of one kind that touch are one spot.

    Args:
        build: folder with provenance.tif, and with its scenes where clouds and shadows are to be found.
        revision: folder with mosaic.tif and confidence.tif.
        before: folder of another revision of the tile, whose mosaic.tif is compared.
        most: how many are told.
        tile: which it is; None leaves out the steps where neighbours begin.

    Returns:
        The weightiest first.

    Raises:
        SourceError: a file is missing.
    """
    with ExitStack() as stack:
        provenance = stack.enter_context(opened(Path(build) / "provenance.tif"))
        confidence = stack.enter_context(opened(Path(revision) / "confidence.tif"))
        mosaics = [stack.enter_context(opened(Path(one) / "mosaic.tif")) for one in (revision, before) if one]
        size = abs(provenance.transform.a)
        side = max(round(CELL_METRES / size), 1)
        rows, cols = (-(-length // side) for length in provenance.shape)
        counts = {kind: np.zeros((rows, cols), np.int64) for kind in KINDS}
        for window in windows(provenance.shape, size=side * max(512 // side, 1)):
            for kind, pixels in _looked_at(provenance, confidence, mosaics, window):
                _add(counts[kind], pixels, window, side)
        view = View.of(provenance, side)
        for kind, pixels in suspects(Path(build), Path(revision), view, tile).items():
            whole = Window(0, 0, pixels.shape[1], pixels.shape[0])
            _add(counts[kind], pixels, whole, side // view.factor)
            counts[kind] *= view.factor**2
        found = [
            (weight * spot.hectares, spot)
            for kind, (share, weight) in KINDS.items()
            for spot in _spots(kind, counts[kind], share * side * side, provenance, side)
        ]
    found.sort(key=lambda item: (-item[0], item[1].kind, item[1].lon))
    return [spot for _, spot in found[:most]]


def _looked_at(
    provenance: DatasetReader, confidence: DatasetReader, mosaics: list[DatasetReader], window: Window
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    rank, sure = provenance.read(window=window)
    certain = confidence.read(1, window=window)
    yield "hole", rank == HOLE
    yield "haze", (rank != HOLE) & (sure == HAZY)
    yield "doubt", (rank != HOLE) & (sure == DOUBTFUL)
    yield "classes", (certain < LEAST_CONFIDENCE) & (certain != NO_CONFIDENCE)
    if len(mosaics) > 1:
        yield "change", moved_pixels(*(mosaic.read(window=window) for mosaic in mosaics))


def _add(counts: NDArray[np.int64], pixels: NDArray[np.bool_], window: Window, side: int) -> None:
    """Add a window's pixels to the cells they lie in; the window begins with a whole cell."""
    by_rows = np.add.reduceat(pixels.astype(np.int64), np.arange(0, pixels.shape[0], side), axis=0)
    cells = np.add.reduceat(by_rows, np.arange(0, pixels.shape[1], side), axis=1)
    top, left = window.row_off // side, window.col_off // side
    counts[top : top + cells.shape[0], left : left + cells.shape[1]] += cells


def _spots(
    kind: str, counts: NDArray[np.int64], least: float, dataset: DatasetReader, side: int
) -> Iterator[Spot]:
    labels, _ = label(counts >= max(least, 1), np.ones((3, 3)))
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), 4326, always_xy=True)
    pixel = abs(dataset.transform.a * dataset.transform.e) / HECTARE
    for number, (rows, cols) in enumerate(find_objects(labels), start=1):
        inside = labels[rows, cols] == number
        of_it = counts[rows, cols] * inside
        across = (np.array([cols.start, cols.stop]) * side).clip(max=dataset.width)
        down = (np.array([rows.start, rows.stop]) * side).clip(max=dataset.height)
        xs, ys = dataset.transform @ (across, down)
        lons, lats = to_degrees.transform([xs[0], xs[1], xs[0], xs[1]], [ys[0], ys[0], ys[1], ys[1]])
        row, col = np.unravel_index(of_it.argmax(), of_it.shape)
        x, y = dataset.transform @ (
            min((cols.start + col + 0.5) * side, dataset.width - 0.5),
            min((rows.start + row + 0.5) * side, dataset.height - 0.5),
        )
        lon, lat = to_degrees.transform(x, y)
        box = tuple(round(float(value), 6) for value in (min(lons), min(lats), max(lons), max(lats)))
        yield Spot(kind, round(lon, 6), round(lat, 6), box, round(float(of_it.sum()) * pixel, 2))  # type: ignore[arg-type]
