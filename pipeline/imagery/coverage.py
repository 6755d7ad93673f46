"""What the scenes of a build cover by their full-resolution masks (paper, 2.2)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numba import njit
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.evidence import CLEAR, DOUBTFUL, HOLE, SHADOW, margin_pixels, scene_folder, sureness
from pipeline.grid import PREVIEW_PIXELS, PREVIEW_RESOLUTION, Tile
from pipeline.parallel import in_order
from pipeline.raster import opened, padded, windows
from pipeline.settings import CampaignSettings

# What is counted in each cell.
ALL, OPEN, UNCLEAR = range(3)
# Dates in shadow from which on it is no cloud's.
STAYS = 2


@dataclass(frozen=True)
class Coverage:
    """Shares of the tile's pixels by the surest view that any of the scenes has of them.

    Attributes:
        clear: clear in at least one scene.
        doubtful: not clear in any, but doubtful in one.
        holes: covered by none.
        adds: by scene id, the share of the tile that is clear there and in no scene before it.
        uncovered_preview: float32 (343, 343), the share of each preview cell's pixels that is a hole, 0..1.
        unclear_preview: float32 (343, 343), the share that is a hole or in doubt, 0..1; shadow that stays is
            not counted: it is mostly dark ground, which hardly any date would show clear.
    """

    clear: float
    doubtful: float
    holes: float
    adds: dict[str, float]
    uncovered_preview: NDArray[np.float32]
    unclear_preview: NDArray[np.float32]

    @property
    def share(self) -> float:
        """The share that is filled, clear or doubtful."""
        return self.clear + self.doubtful


def coverage(scenes: Sequence[Scene], tile: Tile, settings: CampaignSettings, folder: Path) -> Coverage:
    """Count, window by window, what the cloud masks of a build's scenes leave uncovered.

    Args:
        scenes: whose cloud.tif is in the folder, in order of rank; hazy ones do not belong here.
        tile: the tile.
        settings: of the campaign.
        folder: of the build.

    Raises:
        SourceError: a mask is missing.
    """
    geobox = tile.geobox(settings.resolution)
    margin = margin_pixels(settings.margin, settings.resolution)
    cells = PreviewCells(geobox)
    counts, adds = np.zeros(3, np.int64), np.zeros(len(scenes), np.int64)
    with ExitStack() as stack:
        masks = [
            stack.enter_context(opened(scene_folder(folder, scene.id) / "cloud.tif")) for scene in scenes
        ]
        turn = Lock()

        def looked_at(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
            grown, inner = padded(window, int(np.ceil(margin)) + 1, geobox.shape.yx)

            def seen() -> Iterator[NDArray[np.uint8]]:
                for mask in masks:
                    with turn:
                        cloud = mask.read(1, window=grown)
                    yield cloud

            return best_views(seen(), len(masks), inner, margin, cells.of_pixels(window))

        for window, (levels, gained, found) in in_order(looked_at, windows(geobox.shape.yx)):
            counts += levels
            adds += gained
            cells.add(found, window)
    total = int(counts.sum())
    holes, clear, doubtful = (float(count / total) for count in counts)
    shares = {scene.id: float(added / total) for scene, added in zip(scenes, adds, strict=True)}
    return Coverage(clear, doubtful, holes, shares, cells.share(OPEN), cells.share(UNCLEAR))


def best_views(
    clouds: Iterable[NDArray[np.uint8]],
    count: int,
    inner: tuple[slice, slice],
    margin: float,
    places: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """What the scenes show of a window at best.

    Once all of it is clear no further scene is looked at, for none could add to it.

    Args:
        clouds: the masks of the scenes, in order of rank, on a window with an apron; taken one by one.
        count: how many they are.
        inner: the window in it.
        margin: pixels around cloud and shadow in which clear ground is doubtful.
        places: of the window's rows and columns among the cells that are counted.

    Returns:
        Pixels by the surest level (0 hole, 1 clear, 2 doubtful; shadow that stays is doubtful); how many
        each scene newly clears; and int64 (3, rows, cols) by cell: all pixels, holes, and those not clear but
        shadow that stays.
    """
    rows, cols = places
    counts, gained = np.zeros(3, np.int64), np.zeros(count, np.int64)
    found = np.zeros((3, rows[-1] + 1, cols[-1] + 1), np.int64)
    best, shadows = (np.zeros((len(rows), len(cols)), np.uint8) for _ in range(2))
    for number, cloud in enumerate(clouds):
        gained[number] = _look(sureness(cloud, margin)[inner], cloud[inner], best, shadows)
        if (best == CLEAR).all():
            break
    _tally(best, shadows, rows, cols, counts, found)
    return counts, gained, found


@njit(nogil=True, cache=True)
def _look(
    level: NDArray[np.uint8],
    cloud: NDArray[np.uint8],
    best: NDArray[np.uint8],
    shadows: NDArray[np.uint8],
) -> int:
    """Look at a further scene: its level and mask (h, w) go into the best level and the count of shadows.

    Returns:
        How many pixels it newly clears.
    """
    gained = 0
    for row in range(best.shape[0]):
        for col in range(best.shape[1]):
            if cloud[row, col] == SHADOW and shadows[row, col] < STAYS:
                shadows[row, col] += 1
            if level[row, col] == CLEAR and best[row, col] != CLEAR:
                gained += 1
                best[row, col] = CLEAR
            elif level[row, col] == DOUBTFUL and best[row, col] == HOLE:
                best[row, col] = DOUBTFUL
    return gained


@njit(nogil=True, cache=True)
def _tally(
    best: NDArray[np.uint8],
    shadows: NDArray[np.uint8],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    counts: NDArray[np.int64],
    found: NDArray[np.int64],
) -> None:
    """Count the pixels by level and by cell, see `best_views`."""
    for row in range(len(rows)):
        for col in range(len(cols)):
            stays = shadows[row, col] == STAYS
            level = DOUBTFUL if stays and best[row, col] == HOLE else best[row, col]
            counts[level] += 1
            found[ALL, rows[row], cols[col]] += 1
            found[OPEN, rows[row], cols[col]] += level == HOLE
            found[UNCLEAR, rows[row], cols[col]] += level != CLEAR and not stays


class PreviewCells:
    """Pixels counted on the preview grid, all and of some kinds.

    Args:
        geobox: the tile's grid.
    """

    def __init__(self, geobox: GeoBox) -> None:
        self.size = PREVIEW_RESOLUTION / geobox.affine.a
        self.counts = np.zeros((3, PREVIEW_PIXELS, PREVIEW_PIXELS), np.int64)

    def of_pixels(self, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The cells of a window's rows and columns, counted from the first of them."""
        rows, cols = self._cells(window)
        return rows - rows[0], cols - cols[0]

    def add(self, found: NDArray[np.int64], window: Window) -> None:
        """Add what a window's cells hold, (3, rows, cols) from its first cell."""
        rows, cols = self._cells(window)
        self.counts[:, rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] += found

    def share(self, kind: int) -> NDArray[np.float32]:
        """Pixels of a kind by all pixels of each cell; 0 where a cell has none."""
        return (self.counts[kind] / np.maximum(self.counts[ALL], 1)).astype(np.float32)

    def _cells(self, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rows, cols = (
            np.minimum(((first + np.arange(length) + 0.5) / self.size).astype(np.int64), PREVIEW_PIXELS - 1)
            for first, length in ((window.row_off, window.height), (window.col_off, window.width))
        )
        return rows, cols
