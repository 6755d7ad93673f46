"""Trouble that no mask told: what other dates say of the pixels that are shown, and steps along seams.

All is looked at on a coarse view of a finished tile, from the files that its build and its revision keep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.features import rasterize
from rasterio.windows import Window

from pipeline.edition_change import ground_of
from pipeline.errors import SourceError
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.raster import opened
from pipeline.storage import read_json

COARSEST_METRES = 80.0
# Levels of the 8-bit picture by which a cloud is brighter, and how unlike its colours' steps may be.
CLOUD_STEP, UNLIKE = 20, 0.6
# Share of the step in the red that the one in the blue has at least: bare ground brightens in the red.
BLUE = 0.8
# Share of the darkest other date below which all bands of a shadow are, and its least step in the infrared.
SHADE, SHADOW_STEP = 0.7, 20
# A seam's mean signed step in levels, its pairs in a block, and how many standard errors it is at least,
# the spread of the steps taken from their mean size as of a normal distribution.
SEAM_STEP, SEAM_PAIRS, SEAM_ERRORS = 8.0, 5, 4.0
SPREAD_OF_MEAN = 1.25
WATER = 1


@dataclass(frozen=True)
class View:
    """A coarse view of a tile: every `factor`-th pixel or the mean of as many.

    Attributes:
        factor: pixels of the tile in a row that are one of the view.
        shape: rows and columns.
    """

    factor: int
    shape: tuple[int, int]

    @classmethod
    def of(cls, dataset: DatasetReader, side: int) -> "View":
        """The view of a tile whose cells have `side` pixels in a row, each whole pixels of the view."""
        most = COARSEST_METRES / abs(dataset.transform.a)
        factor = max(one for one in range(1, side + 1) if side % one == 0 and (one <= most or one == 1))
        return cls(factor, (dataset.height // factor, dataset.width // factor))

    def read(self, path: Path, mean: bool = False) -> NDArray[np.uint8]:
        """All bands of a file of the tile on the view, (bands, h, w).

        Raises:
            SourceError: the file is missing or broken.
        """
        rows, cols = self.shape
        window = Window(0, 0, cols * self.factor, rows * self.factor)
        with opened(path) as dataset:
            found: NDArray[np.uint8] = dataset.read(
                window=window,
                out_shape=(dataset.count, rows, cols),
                resampling=Resampling.average if mean else Resampling.nearest,
            )
        return found


def suspects(
    build: Path, revision: Path, view: View, tile: Tile | None = None
) -> Mapping[str, NDArray[np.bool_]]:
    """Pixels of a view that are suspect, by kind.

    "cloud": brighter in all colours alike than what other dates show there; "shadow": darker in all bands
    than every other date; "seam": beside the border of two scenes, and "edge": beside that of a tile, where
    the picture takes a step.

    Args:
        build: folder with provenance.tif and, for clouds and shadows, scene_list.json and scenes/.
        revision: folder with mosaic.tif, and landcover.tif where water is to be left out of seams.
        view: see `View.of`.
        tile: for the borders of its neighbours; None leaves "edge" out.

    Raises:
        SourceError: a file is missing.
    """
    build, revision = Path(build), Path(revision)
    ranks = view.read(build / "provenance.tif")[0]
    picture = view.read(revision / "mosaic.tif", mean=True).astype(np.int16)
    dry = np.asarray((picture > 0).all(axis=0))
    if (revision / "landcover.tif").exists():
        dry &= view.read(revision / "landcover.tif")[0] != WATER
    found = {"seam": seam_steps(picture, np.asarray(dry & (ranks > 0)), ranks, view)}
    if tile is not None:
        found["edge"] = seam_steps(picture, dry, _covers(tile, revision, view), view)
    found["cloud"], found["shadow"] = _unlike_other_dates(build, ranks, view)
    return found


def _unlike_other_dates(
    build: Path, ranks: NDArray[np.uint8], view: View
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    none = np.zeros(view.shape, bool)
    path = build / "scene_list.json"
    listed: list[dict[str, Any]] = read_json(path).get("scenes", []) if path.exists() else []
    dates = [_date(build, item["id"], view) for item in listed]
    read = [(item["rank"], *date) for item, date in zip(listed, dates, strict=True) if date is not None]
    if len(read) < 2:
        return none, none.copy()
    values = np.stack([levels for _, levels, _ in read])
    clear = np.stack([sure for _, _, sure in read])
    _bring_together(values, clear)
    cloud, shadow = none, none.copy()
    for number, (rank, _, _) in enumerate(read):
        shown = (ranks == rank) & (values[number] > 0).all(axis=0) if rank else none
        others = [one for one in range(len(read)) if one != number]
        if shown.any():
            bright, dark = compared(values[number], values[others], clear[others])
            cloud, shadow = cloud | (shown & bright), shadow | (shown & dark)
    return cloud, shadow


def _date(build: Path, scene: str, view: View) -> tuple[NDArray[np.int16], NDArray[np.bool_]] | None:
    """A date's picture (4, h, w) and where it is clear; None where its files are gone."""
    folder = scene_folder(build, scene)
    try:
        levels = view.read(folder / "image.tif").astype(np.int16)
        mask = view.read(folder / "cloud.tif")[0]
    except SourceError:
        return None
    return levels, (mask == 0) & (levels > 0).all(axis=0)


def _bring_together(values: NDArray[np.int16], clear: NDArray[np.bool_]) -> None:
    """Take from each date by how much it is brighter, band by band in the median, than the first one."""
    for number in range(1, len(values)):
        shared = clear[0] & clear[number]
        if shared.any():
            step = np.median(values[number][:, shared] - values[0][:, shared], axis=1).astype(np.int16)
            lit = (values[number] > 0).all(axis=0)
            values[number][:, lit] = np.maximum(values[number][:, lit] - step[:, None], 1)


def compared(
    shown: NDArray[np.int16], others: NDArray[np.int16], clear: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a picture (4, h, w) is brighter as a cloud, or darker as a shadow, than other dates.

    Args:
        shown: levels of R, G, B and NIR.
        others: (n, 4, h, w), of other dates.
        clear: bool (n, h, w), where their masks call them clear.
    """
    known = clear.sum(axis=0)
    light = np.where(clear, others[:, :3].sum(axis=1), np.iinfo(np.int32).max)
    # Ground that changes is as bright on another date, too; of three or more, one may have a missed cloud.
    order = np.argsort(light, axis=0)
    rank = np.clip(np.where(known >= 3, known - 2, known - 1), 0, len(order) - 1)
    which = np.take_along_axis(order, rank[None], axis=0)
    ground = np.take_along_axis(others, which[:, None], axis=0)[0]
    steps = shown[:3] - ground[:3]
    least, most = steps.min(axis=0), steps.max(axis=0)
    alike = (most - least <= UNLIKE * most) & (steps[2] >= BLUE * steps[0])
    bright = (known > 0) & (least >= CLOUD_STEP) & alike
    lowest = np.where(clear[:, None], others, np.iinfo(np.int16).max).min(axis=0)
    dark = (known > 0) & (shown < SHADE * lowest).all(axis=0) & (lowest[3] - shown[3] >= SHADOW_STEP)
    return bright, dark


def seam_steps(
    picture: NDArray[np.int16], use: NDArray[np.bool_], labels: NDArray[np.integer], view: View
) -> NDArray[np.bool_]:
    """Pixels beside a border of labels where the picture takes a step that is seen.

    In blocks of pixels the signed steps across the border, from the lower label to the higher, are averaged:
    texture cancels out and a seam does not. It is held against what the steps from pixel to pixel in the
    block give by chance.

    Args:
        picture: (bands, h, w).
        use: bool (h, w), pixels that count.
        labels: (h, w), what changes at a seam.
        view: whose pixels they are.
    """
    marked = np.zeros(labels.shape, bool)
    block = max(round(640.0 / COARSEST_METRES), 4)
    rows, cols = (-(-length // block) for length in labels.shape)
    where = np.arange(labels.shape[0])[:, None] // block * cols + np.arange(labels.shape[1])[None, :] // block
    across, beside = np.zeros((len(picture), rows * cols)), np.zeros((len(picture), rows * cols))
    pairs, others = np.zeros(rows * cols), np.zeros(rows * cols)
    edges = []
    for down, right in ((1, 0), (0, 1)):
        here = np.s_[: labels.shape[0] - down, : labels.shape[1] - right]
        there = np.s_[down:, right:]
        both = use[here] & use[there]
        border = both & (labels[here] != labels[there])
        sign = np.where(labels[here] < labels[there], 1, -1)
        for band, values in enumerate(picture):
            step = values[there].astype(np.int32) - values[here]
            across[band] += np.bincount(where[here][border], (step * sign)[border], rows * cols)
            beside[band] += np.bincount(
                where[here][both & ~border], np.abs(step)[both & ~border], rows * cols
            )
        pairs += np.bincount(where[here][border], minlength=rows * cols)
        others += np.bincount(where[here][both & ~border], minlength=rows * cols)
        edges.append((border, here, there))
    step = np.abs(across / np.maximum(pairs, 1))
    error = SPREAD_OF_MEAN * beside / np.maximum(others, 1) / np.sqrt(np.maximum(pairs, 1))
    seen = (pairs >= SEAM_PAIRS) & ((step >= SEAM_STEP) & (step >= SEAM_ERRORS * error)).any(axis=0)
    for border, here, there in edges:
        shown = border & seen[where[here]]
        marked[here] |= shown
        marked[there] |= shown
    return marked


def _covers(tile: Tile, revision: Path, view: View) -> NDArray[np.int32]:
    """Which tiles cover each pixel of a view, as one number for each set of them."""
    with opened(Path(revision) / "mosaic.tif") as dataset:
        transform = dataset.transform @ Affine.scale(view.factor)
    found = np.zeros(view.shape, np.int32)
    for number, ground in enumerate(_grounds(tile)):
        found += (
            rasterize([ground], view.shape, transform=transform, dtype="uint8").astype(np.int32) << number
        )
    return found


def _grounds(tile: Tile) -> Sequence[Any]:
    return [ground_of(other, tile.epsg) for other in tile.neighbours()]
