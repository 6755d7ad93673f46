"""Where a further scene is needed: ground that the scenes before it leave open, with all margins."""

from collections.abc import Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from pipeline.catalog import Wanted
from pipeline.catalog.scene import Scene
from pipeline.evidence import lasting_shadow, scene_folder
from pipeline.grid import PREVIEW_RESOLUTION, Tile
from pipeline.imagery.coverage import PreviewCells
from pipeline.networks.registry import WEIGHTS, read_card
from pipeline.raster import opened, windows
from pipeline.settings import CampaignSettings

# Metres beyond the edge of a scene in which the composite may pass to the next one.
BLEND = 720.0


def needed(before: Sequence[Scene], tile: Tile, settings: CampaignSettings, folder: Path) -> Wanted:
    """The ground that a scene is to be fetched for, on the preview grid.

    Open is a pixel that fewer of the scenes before cover, clear or doubtful, than the campaign wants clear
    dates; shadow that stays is not open. Around it comes what the blending of scenes reaches (`BLEND`), the
    margin of doubtful ground, so that doubtful ground gets a clear view where there is one, and the margin of
    the cloud network.

    Args:
        before: those that come first in the composite; their cloud.tif are in the folder.
        tile: the tile.
        settings: of the campaign.
        folder: of the build.

    Raises:
        SourceError: a mask is missing.
    """
    margin = BLEND + settings.margin + read_card(WEIGHTS / "cloud.json").margin * settings.resolution
    reach = ceil(margin / PREVIEW_RESOLUTION)
    cells = open_cells(before, tile, settings, folder)
    grown = maximum_filter(cells.view(np.uint8), 2 * reach + 1, mode="constant").view(bool)
    return Wanted(grown, tile.preview_geobox())


def everywhere(tile: Tile) -> Wanted:
    """The whole tile."""
    geobox = tile.preview_geobox()
    return Wanted(np.ones(geobox.shape.yx, bool), geobox)


def open_cells(
    before: Sequence[Scene], tile: Tile, settings: CampaignSettings, folder: Path
) -> NDArray[np.bool_]:
    """Bool (343, 343): cells of the preview grid with an open pixel (see `needed`)."""
    geobox = tile.geobox(settings.resolution)
    cells = PreviewCells(geobox)
    with ExitStack() as stack:
        masks = [
            stack.enter_context(opened(scene_folder(folder, scene.id) / "cloud.tif")) for scene in before
        ]
        for window in windows(geobox.shape.yx):
            views = np.zeros((window.height, window.width), np.int64)
            for mask in masks:
                views += mask.read(1, window=window) == 0
            cells.add((views < settings.clear_dates) & ~lasting_shadow(masks, window), window)
    return cells.shares() > 0
