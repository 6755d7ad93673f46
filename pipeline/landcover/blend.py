"""Stage 4b: the landcover of a tile, its probabilities blended with the neighbours' (paper, 2.4)."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from pipeline.blending import blend_window
from pipeline.contributor import Prepare, contributors
from pipeline.drawn import Drawn, agreed_codes
from pipeline.evidence import histogram
from pipeline.grid import Tile
from pipeline.inputs import contributor_names, input_hashes
from pipeline.landcover.classes import CLASSES, COLORMAP, NO_CONFIDENCE, NO_DATA
from pipeline.landcover.combine import classify
from pipeline.landcover.scenes import class_shares
from pipeline.ramps import Ramps
from pipeline.raster import raster_writer, window_geobox, windows
from pipeline.settings import CampaignSettings

PRODUCT = "probabilities.tif"
SURE = np.uint8(100)


def blend(tile: Tile, builds: Mapping[str, Path], settings: CampaignSettings, folder: Path) -> dict[str, Any]:
    """Write landcover.tif and confidence.tif of a revision.

    The probabilities of the tile and its neighbours are blended by the weights of the mosaic before the class
    is taken, so that neighbours of one zone agree bit for bit on their overlap. What a reviewer corrected on
    any of them has that class on all, unless two were told different classes of a place.

    Args:
        tile: whose landcover it is.
        builds: folders of finished builds by tile name, the tile's own among them.
        settings: of the campaign.
        folder: of the revision.

    Returns:
        "classes" (name to share of the classified pixels), "confidence" (mean, 0..100), "holes" (share) and
        "inputs" (hashes).

    Raises:
        SourceError: a build's probabilities.tif is missing.
    """
    geobox = tile.geobox(settings.resolution)
    folders = {name: Path(builds[name]) for name in contributor_names(tile, builds)}
    paths = {name: place / PRODUCT for name, place in folders.items()}
    corrected = [Drawn.read(place).classes for place in folders.values()]
    counts, confident = np.zeros(len(CLASSES) + 1, np.int64), 0
    with (
        contributors(paths, dict.fromkeys(paths, SHARES), Ramps()) as sources,
        landcover_writer(Path(folder) / "landcover.tif", geobox) as landcover,
        confidence_writer(Path(folder) / "confidence.tif", geobox) as certainty,
    ):
        for window in windows(geobox.shape.yx):
            blended = blend_window(window_geobox(geobox, window), sources, len(CLASSES))
            codes, confidence = classify(blended.values, blended.valid)
            told = agreed_codes(corrected, geobox, window) * blended.valid
            codes, confidence = np.where(told, told, codes), np.where(told, SURE, confidence)
            landcover.write(codes, 1, window=window)
            certainty.write(confidence, 1, window=window)
            counts += histogram(codes)[: len(counts)]
            confident += int(confidence[blended.valid].sum(dtype=np.int64))
    return {
        "classes": class_shares(counts),
        "confidence": confident / max(int(counts[1:].sum()), 1),
        "holes": float(counts[0] / counts.sum()),
        "inputs": input_hashes(folders, [PRODUCT]),
    }


def landcover_writer(path: Path, geobox: GeoBox) -> AbstractContextManager[DatasetWriter]:
    """Open a COG of class codes with the colour table inside; overviews by the commonest class."""
    return raster_writer(
        path,
        geobox,
        1,
        "uint8",
        nodata=NO_DATA,
        cog=True,
        overviews=Resampling.mode,
        colormap=COLORMAP,
        descriptions=("class",),
    )


def confidence_writer(path: Path, geobox: GeoBox) -> AbstractContextManager[DatasetWriter]:
    """Open a COG of confidences 0..100, 255 = no data."""
    return raster_writer(
        path, geobox, 1, "uint8", nodata=NO_CONFIDENCE, cog=True, descriptions=("confidence",)
    )


def _classified(stored: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (stored != 0).any(axis=0)


def _shares(stored: NDArray[np.uint8], _: Window) -> NDArray[np.float64]:
    """Probabilities float64 (6, h, w) summing to 1 where there is data."""
    shares = stored.astype(np.float64)
    return shares / np.maximum(shares.sum(axis=0), 1.0)


SHARES = Prepare(_classified, _shares, limits=(0.0, 1.0))
