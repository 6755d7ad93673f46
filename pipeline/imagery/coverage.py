"""What the scenes of a build cover by their full-resolution masks (paper, 2.2)."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.evidence import CLEAR, DOUBTFUL, margin_pixels, scene_folder, shadow_that_stays, sureness
from pipeline.grid import PREVIEW_PIXELS, PREVIEW_RESOLUTION, Tile
from pipeline.parallel import in_order
from pipeline.raster import opened, padded, windows
from pipeline.settings import CampaignSettings


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
    counts, adds = np.zeros(3, np.int64), np.zeros(len(scenes), np.int64)
    holes_seen, unclear_seen = PreviewCells(geobox), PreviewCells(geobox)
    with ExitStack() as stack:
        masks = [
            stack.enter_context(opened(scene_folder(folder, scene.id) / "cloud.tif")) for scene in scenes
        ]
        turn = Lock()

        def best_view(
            window: Window,
        ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]:
            grown, inner = padded(window, int(np.ceil(margin)) + 1, geobox.shape.yx)
            with turn:
                clouds = [mask.read(1, window=grown) for mask in masks]
            return _best_view(clouds, inner, margin)

        for window, (best, stays, gained) in in_order(best_view, windows(geobox.shape.yx)):
            counts += np.bincount(best.ravel(), minlength=3)
            adds += gained
            holes_seen.add(best == 0, window)
            unclear_seen.add((best != CLEAR) & ~stays, window)
    total = int(counts.sum())
    holes, clear, doubtful = (float(count / total) for count in counts)
    shares = {scene.id: float(added / total) for scene, added in zip(scenes, adds, strict=True)}
    return Coverage(clear, doubtful, holes, shares, holes_seen.shares(), unclear_seen.shares())


def _best_view(
    clouds: Sequence[NDArray[np.uint8]], inner: tuple[slice, slice], margin: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]:
    """What the scenes show of a window.

    Args:
        clouds: the masks of the scenes on a window with an apron.
        inner: the window in it.
        margin: pixels around cloud and shadow in which clear ground is doubtful.

    Returns:
        The surest level (0 hole, 1 clear, 2 doubtful) of each pixel, where shadow stays, and how many pixels
        each scene newly clears.
    """
    shape = inner[0].stop - inner[0].start, inner[1].stop - inner[1].start
    stays = shadow_that_stays([cloud[inner] for cloud in clouds], shape)
    best = np.where(stays, np.uint8(DOUBTFUL), np.uint8(0))
    gained = np.zeros(len(clouds), np.int64)
    for position, cloud in enumerate(clouds):
        level = sureness(cloud, margin)[inner]
        clear = level == CLEAR
        gained[position] = np.count_nonzero(clear & (best != CLEAR))
        best[(level == DOUBTFUL) & (best == 0)] = DOUBTFUL
        best[clear] = CLEAR
    return best, stays, gained


class PreviewCells:
    """Shares of pixels counted on the preview grid.

    Args:
        geobox: the tile's grid.
    """

    def __init__(self, geobox: GeoBox) -> None:
        self.size = PREVIEW_RESOLUTION / geobox.affine.a
        shape = (PREVIEW_PIXELS, PREVIEW_PIXELS)
        self.marked, self.pixels = np.zeros(shape), np.zeros(shape)

    def add(self, mask: NDArray[np.bool_], window: Window) -> None:
        """Count the pixels of a window and those marked in it."""
        rows = ((window.row_off + np.arange(window.height) + 0.5) / self.size).astype(np.int64)
        cols = ((window.col_off + np.arange(window.width) + 0.5) / self.size).astype(np.int64)
        rows, cols = np.minimum(rows, PREVIEW_PIXELS - 1), np.minimum(cols, PREVIEW_PIXELS - 1)
        flat = rows[:, None] * PREVIEW_PIXELS + cols[None, :]
        length = self.pixels.size
        self.pixels += np.bincount(flat.ravel(), minlength=length).reshape(self.pixels.shape)
        self.marked += np.bincount(flat[mask], minlength=length).reshape(self.pixels.shape)

    def shares(self) -> NDArray[np.float32]:
        """Marked pixels by all pixels of each cell; 0 where a cell has none."""
        return (self.marked / np.maximum(self.pixels, 1)).astype(np.float32)
