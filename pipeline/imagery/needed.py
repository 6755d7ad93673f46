"""Where a further scene is needed: ground that the scenes before it leave open, with all margins."""

from collections.abc import Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import label, maximum

from pipeline.catalog import Wanted
from pipeline.catalog.sampling import APRON
from pipeline.catalog.scene import Scene
from pipeline.distance import distance_to_false, near_true
from pipeline.evidence import CLEAR, lasting_shadow, margin_pixels, read_sureness, scene_folder
from pipeline.grid import Tile
from pipeline.raster import opened, windows
from pipeline.settings import CampaignSettings

CELL = 60.0
# Metres around open ground in which the composite may pass to the next scene: least, and most, where the open
# spot is large.
BLEND, MOST_BLEND = 240.0, 720.0
BLEND_STEP = 60.0
# Pixels around open ground that the cloud network must see, so that its mask is that of the whole scene.
CONTEXT = 160


def needed(
    before: Sequence[Scene], tile: Tile, settings: CampaignSettings, folder: Path, *, surely: bool = False
) -> Wanted:
    """The ground that a scene is to be fetched for, in cells of 60 m or a pixel where that is larger.

    Open is a pixel that fewer of the scenes before cover, clear or doubtful, than the campaign wants clear
    dates; shadow that stays is not open. For a scene that is to clear doubt only what is surely clear counts
    as covered, so that doubtful ground and shadow that stays are open too.

    Around each open spot comes the margin of doubtful ground, so that this gets a clear view where there is
    one; what the edge between the scenes needs, `BLEND` and the spot's own half width, up to `MOST_BLEND`;
    and what the cloud network looks at, less the pixels that are read around wanted ones in any case.

    Args:
        before: those that come first in the composite; their cloud.tif are in the folder.
        tile: the tile.
        settings: of the campaign.
        folder: of the build.
        surely: whether only what is surely clear counts as covered.

    Raises:
        SourceError: a mask is missing.
    """
    context = (CONTEXT - APRON) * settings.resolution
    margin = margin_pixels(settings.margin, settings.resolution) * settings.resolution
    opens = open_cells(before, tile, settings, folder, surely=surely)
    size = opens.size
    grown = np.zeros(opens.cells.shape, bool)
    for blend, spots in _by_blend(opens.cells, size):
        reach = ceil((margin + blend + context) / size)
        grown |= near_true(spots, reach)
    return Wanted(grown, opens.geobox)


def everywhere(tile: Tile) -> Wanted:
    """The whole tile."""
    geobox = tile.preview_geobox()
    return Wanted(np.ones(geobox.shape.yx, bool), geobox)


def open_cells(
    before: Sequence[Scene], tile: Tile, settings: CampaignSettings, folder: Path, *, surely: bool = False
) -> Wanted:
    """The cells with an open pixel (see `needed`)."""
    geobox = tile.geobox(settings.resolution)
    side = max(int(CELL // settings.resolution), 1)
    margin = margin_pixels(settings.margin, settings.resolution)
    rows, cols = (-(-length // side) for length in geobox.shape)
    found = np.zeros((rows, cols), bool)
    with ExitStack() as stack:
        masks = [
            stack.enter_context(opened(scene_folder(folder, scene.id) / "cloud.tif")) for scene in before
        ]
        for window in windows(geobox.shape.yx):
            views = np.zeros((window.height, window.width), np.int64)
            for mask in masks:
                if surely:
                    views += read_sureness(mask, window, margin) == CLEAR
                else:
                    views += mask.read(1, window=window) == 0
            open_ = views < settings.clear_dates
            lacking = np.nonzero(open_ if surely else open_ & ~lasting_shadow(masks, window))
            found[(window.row_off + lacking[0]) // side, (window.col_off + lacking[1]) // side] = True
    return Wanted(found, GeoBox((rows, cols), geobox.affine @ Affine.scale(side), geobox.crs))


def _by_blend(cells: NDArray[np.bool_], size: float) -> list[tuple[float, NDArray[np.bool_]]]:
    """The spots of open cells (cells that touch), those together for which the edge needs as much ground."""
    labels, count = label(cells, np.ones((3, 3)))
    if not count:
        return []
    limit = MOST_BLEND / size
    inside = distance_to_false(np.pad(cells, 1), limit)[1:-1, 1:-1]
    width = np.asarray(maximum(inside, labels, np.arange(1, count + 1))) * size - size / 2
    blends = np.minimum(BLEND + BLEND_STEP * np.ceil(width / BLEND_STEP), MOST_BLEND)
    found = []
    for blend in np.unique(blends):
        of_it = np.concatenate([[False], blends == blend])
        found.append((float(blend), of_it[labels]))
    return found
