"""Stage 4b: the landcover of a tile, its probabilities blended with the neighbours' (paper, 2.4)."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling

from pipeline.blending import Ramps, blend_window, contributor_names, contributors
from pipeline.grid import Tile
from pipeline.landcover.classes import CLASSES, COLORMAP, NO_CONFIDENCE, NO_DATA
from pipeline.landcover.combine import classify
from pipeline.landcover.scenes import class_shares
from pipeline.raster import raster_writer, window_geobox, windows
from pipeline.settings import CampaignSettings


def blend(tile: Tile, builds: Mapping[str, Path], settings: CampaignSettings, folder: Path) -> dict[str, Any]:
    """Write landcover.tif and confidence.tif of a revision.

    The probabilities of the tile and its neighbours are blended by the weights of the mosaic before the class
    is taken, so that neighbours of one zone agree bit for bit on their overlap.

    Args:
        tile: whose landcover it is.
        builds: folders of finished builds by tile name, the tile's own among them.
        settings: of the campaign.
        folder: of the revision.

    Returns:
        "classes" (name to share of the classified pixels), "confidence" (mean, 0..100), "holes" (share).

    Raises:
        SourceError: a build's probabilities.tif is missing.
    """
    geobox = tile.geobox(settings.resolution)
    names = contributor_names(tile, builds)
    paths = {name: Path(builds[name]) / "probabilities.tif" for name in names}
    counts, confident = np.zeros(len(CLASSES) + 1, np.int64), 0
    with ExitStack() as stack:
        sources = stack.enter_context(contributors(paths, dict.fromkeys(names, _shares), Ramps()))
        landcover = stack.enter_context(
            raster_writer(
                Path(folder) / "landcover.tif",
                geobox,
                1,
                "uint8",
                nodata=NO_DATA,
                cog=True,
                overviews=Resampling.mode,
                colormap=COLORMAP,
                descriptions=("class",),
            )
        )
        certainty = stack.enter_context(
            raster_writer(
                Path(folder) / "confidence.tif",
                geobox,
                1,
                "uint8",
                nodata=NO_CONFIDENCE,
                cog=True,
                descriptions=("confidence",),
            )
        )
        for window in windows(geobox.shape.yx):
            blended = blend_window(window_geobox(geobox, window), sources, len(CLASSES))
            codes, confidence = classify(blended.values, blended.valid)
            landcover.write(codes, 1, window=window)
            certainty.write(confidence, 1, window=window)
            counts += np.bincount(codes.ravel(), minlength=len(counts))
            confident += int(confidence[blended.valid].sum(dtype=np.int64))
    classified = int(counts[1:].sum())
    return {
        "classes": class_shares(counts),
        "confidence": confident / max(classified, 1),
        "holes": float(counts[0] / counts.sum()),
    }


def _shares(stored: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Probabilities float64 (6, h, w) summing to 1, and where there is data."""
    shares = stored.astype(np.float64)
    total = shares.sum(axis=0)
    return shares / np.maximum(total, 1.0), total > 0
