"""Stage 4, one date: what the three networks make of a scene (paper, 2.4)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.errors import ModelError
from pipeline.evidence import HOLE, margin_pixels, read_sureness, scene_folder
from pipeline.grid import Tile
from pipeline.landcover.classes import CLASSES, NAMES
from pipeline.landcover.combine import classify, combine, quantise, restore
from pipeline.networks import load, predict
from pipeline.raster import decode, filled, geobox_of, opened, raster_writer, windows
from pipeline.settings import CampaignSettings

EXPERTS = ("water", "vegetation", "buildings")


def class_probabilities(
    read: Callable[[Window], NDArray[np.floating]], shape: tuple[int, int]
) -> Iterator[tuple[Window, NDArray[np.float32]]]:
    """Probabilities of the six classes of a raster of any size, window by window.

    Args:
        read: gives the reflectance of a window, float (4, h, w) of R, G, B, NIR, NaN = no data.
        shape: rows and columns of the raster.

    Yields:
        A window and its probabilities, float32 (6, h, w) in class order; they mean nothing where there is no
        data.

    Raises:
        ModelError: a network cannot be loaded, or the three work in different windows.
    """
    runs = [predict(load(name), read, shape) for name in EXPERTS]
    for parts in zip(*runs, strict=True):
        if any(window != parts[0][0] for window, _ in parts):
            raise ModelError(f"The networks {', '.join(EXPERTS)} were made for windows of different sizes.")
        yield parts[0][0], combine(*(probabilities for _, probabilities in parts))


def classify_scene(scene: Scene, tile: Tile, settings: CampaignSettings, folder: Path) -> dict[str, Any]:
    """Write scenes/ID/classes.tif and the work file scenes/ID/probabilities.tif of one date.

    classes.tif has the likeliest class (0 = no data) and its confidence (0..100, 255 = no data); cloud and
    shadow are no data. probabilities.tif has the six classes as uint8, wherever the scene has data. What is
    there already is left as it is.

    Args:
        scene: whose reflectance.tif and cloud.tif are in the folder.
        tile: the tile.
        settings: of the campaign.
        folder: of the build.

    Returns:
        "classes": name of each class to its share of the classified pixels.

    Raises:
        SourceError: the scene's files are missing.
        ModelError: a network cannot be used.
    """
    place = scene_folder(folder, scene.id)
    geobox = tile.geobox(settings.resolution)
    if not (place / "probabilities.tif").exists():
        with (
            opened(place / "reflectance.tif") as pixels,
            raster_writer(place / "probabilities.tif", geobox, 6, "uint8", descriptions=NAMES) as out,
        ):

            def read(window: Window) -> NDArray[np.float32]:
                return decode(pixels.read(window=window))

            for window, probabilities in class_probabilities(read, geobox.shape.yx):
                out.write(quantise(probabilities, filled(pixels.read(window=window))), window=window)
    return _write_classes(place, margin_pixels(settings.margin, settings.resolution))


def _write_classes(place: Path, margin: float) -> dict[str, Any]:
    counts = np.zeros(len(CLASSES) + 1, np.int64)
    with opened(place / "probabilities.tif") as stored, opened(place / "cloud.tif") as mask:
        geobox = geobox_of(stored)
        with raster_writer(
            place / "classes.tif", geobox, 2, "uint8", cog=True, descriptions=("class", "confidence")
        ) as out:
            for window in windows(geobox.shape.yx):
                probabilities, valid = restore(stored.read(window=window))
                valid &= read_sureness(mask, window, margin) != HOLE
                codes, confidence = classify(probabilities, valid)
                out.write(np.stack([codes, confidence]), window=window)
                counts += np.bincount(codes.ravel(), minlength=len(counts))
    return {"classes": class_shares(counts)}


def class_shares(counts: NDArray[np.int64]) -> dict[str, float]:
    """Name of each class to its share among the classified pixels, from pixel counts by code."""
    total = max(int(counts[1:].sum()), 1)
    return {item.name: float(counts[item.code] / total) for item in CLASSES}
