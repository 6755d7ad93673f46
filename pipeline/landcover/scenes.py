"""Stage 4, one date: what the three networks make of a scene (paper, 2.4)."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.errors import ModelError
from pipeline.evidence import HOLE, histogram, margin_pixels, read_sureness, scene_folder
from pipeline.grid import Tile
from pipeline.landcover.classes import CLASSES, NAMES
from pipeline.landcover.combine import classify, combine, quantise, restore
from pipeline.networks import SHIPPED, TOGETHER, Chosen, predict_together
from pipeline.parallel import in_order
from pipeline.raster import decode, geobox_of, opened, raster_writer, windows
from pipeline.settings import CampaignSettings

if TYPE_CHECKING:
    from pipeline.networks.network import Network, Together

CAMPAIGNS_KEPT = 2
"""Of which the networks stay ready to work together."""


def class_probabilities(
    read: Callable[[Window], NDArray[np.floating]], shape: tuple[int, int], networks: Chosen = SHIPPED
) -> Iterator[tuple[Window, NDArray[np.float32], NDArray[np.bool_]]]:
    """Probabilities of the six classes of a raster of any size, window by window.

    Args:
        read: gives the reflectance of a window, float (4, h, w) of R, G, B, NIR, NaN = no data; safe in
            several threads at once.
        shape: rows and columns of the raster.
        networks: of the campaign.

    Yields:
        A window; its probabilities, float32 (6, h, w) in class order, which mean nothing where there is no
        data; and where there is, bool (h, w).

    Raises:
        ModelError: a network cannot be loaded, or the three work in different windows.
    """
    three = tuple(networks.load(name) for name in TOGETHER)
    if len({network.window for network in three}) > 1:
        raise ModelError(f"The networks {', '.join(TOGETHER)} were made for windows of different sizes.")
    for window, parts, valid in predict_together(_side_by_side(three), read, shape):
        yield window, combine(*parts), valid


@lru_cache(maxsize=CAMPAIGNS_KEPT)
def _side_by_side(networks: tuple["Network", ...]) -> "Together":
    """Networks ready to work through a raster together, the same object every time for the same ones."""
    from pipeline.networks.network import Together

    return Together(networks)


def classify_scene(
    scene: Scene, tile: Tile, settings: CampaignSettings, folder: Path, networks: Chosen = SHIPPED
) -> dict[str, Any]:
    """Write scenes/ID/classes.tif and the work file scenes/ID/probabilities.tif of one date.

    classes.tif has the likeliest class (0 = no data) and its confidence (0..100, 255 = no data); cloud and
    shadow are no data. probabilities.tif has the six classes as uint8, wherever the scene has data. What is
    there already is left as it is.

    Args:
        scene: whose reflectance.tif and cloud.tif are in the folder.
        tile: the tile.
        settings: of the campaign.
        folder: of the build.
        networks: of the campaign.

    Returns:
        "classes": name of each class to its share of the classified pixels.

    Raises:
        SourceError: the scene's files are missing.
        ModelError: a network cannot be used.
    """
    place = scene_folder(folder, scene.id)
    if not (place / "probabilities.tif").exists():
        _write_probabilities(place, tile.geobox(settings.resolution), networks)
    return _write_classes(place, margin_pixels(settings.margin, settings.resolution))


def _write_probabilities(place: Path, geobox: GeoBox, networks: Chosen) -> None:
    turn = Lock()
    with (
        opened(place / "reflectance.tif") as pixels,
        raster_writer(place / "probabilities.tif", geobox, 6, "uint8", descriptions=NAMES) as out,
    ):

        def read(window: Window) -> NDArray[np.float32]:
            with turn:
                found = pixels.read(window=window)
            return decode(found)

        for window, probabilities, valid in class_probabilities(read, geobox.shape.yx, networks):
            out.write(quantise(probabilities, valid), window=window)


def _write_classes(place: Path, margin: float) -> dict[str, Any]:
    counts = np.zeros(len(CLASSES) + 1, np.int64)
    with opened(place / "probabilities.tif") as stored, opened(place / "cloud.tif") as mask:
        geobox = geobox_of(stored)
        with raster_writer(
            place / "classes.tif", geobox, 2, "uint8", cog=True, descriptions=("class", "confidence")
        ) as out:
            turn = Lock()

            def classified(window: Window) -> NDArray[np.uint8]:
                with turn:
                    found, level = stored.read(window=window), read_sureness(mask, window, margin)
                probabilities, valid = restore(found)
                return np.stack(classify(probabilities, valid & (level != HOLE)))

            for window, classes in in_order(classified, windows(geobox.shape.yx)):
                out.write(classes, window=window)
                counts += histogram(classes[0])[: len(counts)]
    return {"classes": class_shares(counts)}


def class_shares(counts: NDArray[np.int64]) -> dict[str, float]:
    """Name of each class to its share among the classified pixels, from pixel counts by code."""
    total = max(int(counts[1:].sum()), 1)
    return {item.name: float(counts[item.code] / total) for item in CLASSES}
