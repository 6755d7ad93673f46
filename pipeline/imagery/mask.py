"""The full-resolution cloud mask of a scene, and its 8-bit view for people (paper, 2.2)."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from pipeline.being_read import being_read
from pipeline.catalog.scene import Scene
from pipeline.drawn import Area, touched
from pipeline.evidence import (
    CLEAR,
    CLOUD,
    DOUBTFUL,
    NO_DATA,
    SHADOW,
    histogram,
    margin_pixels,
    scene_folder,
    sureness,
)
from pipeline.grid import Tile
from pipeline.image import Image, open_image
from pipeline.imagery.spots import Believed, Sun, sun_of
from pipeline.networks import SHIPPED, Chosen, predict
from pipeline.parallel import in_order
from pipeline.raster import (
    EMPTY,
    filled,
    geobox_of,
    opened,
    padded,
    picture_writer,
    raster_writer,
    windows,
)
from pipeline.settings import CampaignSettings
from pipeline.sketch import KEPT, READ, CellGrid, sketch_writer
from pipeline.storage import read_json, require_permit, write_json
from pipeline.tone import Tone, load_tone

NETWORK = "cloud"


def mask(
    scene: Scene,
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    *,
    whole: bool = False,
    networks: Chosen = SHIPPED,
    drawn: Sequence[Area] = (),
) -> dict[str, Any]:
    """Write cloud.tif, image.tif and sketch.npy of scenes/ID from its reflectance.tif.

    cloud.tif is 0 clear, 1 cloud, 2 cloud shadow, 255 no data; image.tif is the scene under the campaign's
    tone curve; sketch.npy is the scene in cells (see `Sketch`); mask.json keeps the shares. Files that are
    there already are left as they are.

    Args:
        scene: whose reflectance.tif is in the folder.
        tile: the tile.
        settings: of the campaign.
        folder: of the build.
        whole: whether the scene comes whole in any case: then spots of cloud and shadow that are not believed
            are clear (`spots`). That looks at whole spots and at clouds some way off, so the mask of another
            scene is the network's alone and does not depend on which blocks came.
        networks: of the campaign.
        drawn: areas that a reviewer masked in this scene: cloud, whatever the network says.

    Returns:
        Shares of the tile: "valid", "clear", "doubtful" (clear, but within the margin), "cloud", "shadow".

    Raises:
        SourceError: the scene has not been fetched.
        ModelError: the network cannot be used.
    """
    place = scene_folder(folder, scene.id)
    is_made = all((place / name).exists() for name in ("cloud.tif", "image.tif", KEPT))
    with nullcontext() if is_made else being_read(folder, scene.id):
        return _mask(scene, place, settings, whole, networks, drawn)


def _mask(
    scene: Scene,
    place: Path,
    settings: CampaignSettings,
    whole: bool,
    networks: Chosen,
    drawn: Sequence[Area],
) -> dict[str, Any]:
    """Write what is missing of a scene's mask and views; gives the shares."""
    if not (place / "cloud.tif").exists():
        require_permit()
        (place / KEPT).unlink(missing_ok=True)
        target = place / (".seen.tif" if drawn else "cloud.tif")
        if whole:
            write_believed_mask(place / "reflectance.tif", target, sun_of(scene), networks)
        else:
            write_mask(place / "reflectance.tif", target, networks)
        if drawn:
            add_drawn(target, place / "cloud.tif", drawn)
            require_permit()
            target.unlink()
    with ThreadPoolExecutor(1) as beside:
        shares = beside.submit(_kept_shares, place, margin_pixels(settings.margin, settings.resolution))
        if not all((place / name).exists() for name in ("image.tif", KEPT)):
            _write_views(place, load_tone(settings.tone))
        return shares.result()


def write_mask(reflectance: Path, target: Path, networks: Chosen = SHIPPED) -> None:
    """Run the cloud network over a raster of stored reflectance and write the mask."""
    with open_image(reflectance) as image:
        write_mask_of(image, target, networks)


def write_mask_of(image: Image, target: Path, networks: Chosen = SHIPPED) -> None:
    """Run the cloud network over an open image and write the mask."""
    with _writer(target, image.geobox) as out:
        for window, classes, _ in _classified(image, networks):
            out.write(classes, 1, window=window)


def write_believed_mask(reflectance: Path, target: Path, sun: Sun | None, networks: Chosen = SHIPPED) -> None:
    """As `write_mask`, but spots that are not believed are clear (`spots`).

    Args:
        reflectance: of a whole scene.
        target: where the mask goes.
        sun: azimuth and elevation, degrees, where they are known.
        networks: of the campaign.
    """
    first = target.with_name(f".{target.name}")
    with open_image(reflectance) as image, raster_writer(first, image.geobox, 2, "uint8") as out:
        for window, classes, probability in _classified(image, networks):
            out.write(np.stack([classes, probability]), window=window)
    believed = Believed(first, sun)
    with opened(first) as found, _writer(target, geobox_of(found)) as out:
        for window in windows(found.shape):
            out.write(believed.only(found.read(1, window=window), window), 1, window=window)
    require_permit()
    first.unlink()


def add_drawn(seen: Path, target: Path, drawn: Sequence[Area]) -> None:
    """Write a mask again with what was drawn as cloud, wherever the scene has data."""
    with opened(seen) as found, _writer(target, geobox_of(found)) as out:
        inside = touched(drawn, geobox_of(found))
        for window in windows(found.shape):
            cloud = found.read(1, window=window)
            cloud[inside[window.toslices()] & (cloud != NO_DATA)] = CLOUD
            out.write(cloud, 1, window=window)


def _classified(
    image: Image, networks: Chosen
) -> Iterator[tuple[Window, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Windows of an image with the class of each pixel and its probability, 0..255."""
    network = networks.load(NETWORK)
    for window, probabilities, valid in predict(network, image.read, image.geobox.shape.yx):
        yield window, *decided(probabilities, valid)


@njit(nogil=True, cache=True)
def decided(
    probabilities: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The likeliest class of each pixel, 255 where it is not valid, and its probability, 0..255 for 0..1.

    Args:
        probabilities: (classes, h, w).
        valid: bool (h, w).
    """
    classes, sure = np.empty(valid.shape, np.uint8), np.empty(valid.shape, np.uint8)
    for row in range(valid.shape[0]):
        for col in range(valid.shape[1]):
            best = 0
            for other in range(1, len(probabilities)):
                if probabilities[other, row, col] > probabilities[best, row, col]:
                    best = other
            classes[row, col] = best if valid[row, col] else NO_DATA
            sure[row, col] = np.uint8(np.rint(np.float32(255) * probabilities[best, row, col]))
    return classes, sure


def _writer(target: Path, geobox: GeoBox) -> AbstractContextManager[DatasetWriter]:
    return raster_writer(
        target,
        geobox,
        1,
        "uint8",
        nodata=NO_DATA,
        cog=True,
        overviews=Resampling.mode,
        descriptions=("cloud",),
    )


def _write_views(place: Path, tone: Tone) -> None:
    """Write image.tif and sketch.npy, both from one reading of the scene's pixels."""
    with opened(place / "reflectance.tif") as pixels, opened(place / "cloud.tif") as mask:
        geobox = geobox_of(pixels)
        cells, turn = CellGrid.of(geobox), Lock()

        def seen(window: Window) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
            with turn:
                stored, cloud = pixels.read(window=window), mask.read(1, window=window)
            full = filled(stored)
            picture = tone.apply(stored if full.all() else np.where(full, stored, np.uint16(EMPTY)))
            return picture, cells.pooled(stored, cloud)

        with (
            sketch_writer(place / KEPT, cells) as sketch,
            picture_writer(place / "image.tif", geobox, tone.tags()) as out,
        ):
            for window, (picture, pooled) in in_order(seen, windows(geobox.shape.yx, READ)):
                out.write(picture, window=window)
                sketch[(slice(None), *cells.of_pixels(window).toslices())] = pooled


def _kept_shares(place: Path, margin: float) -> dict[str, Any]:
    """The shares of a scene, counted once and kept beside its mask."""
    path = place / "mask.json"
    if not path.exists():
        write_json(path, _shares(place / "cloud.tif", margin))
    return read_json(path)


def _shares(path: Path, margin: float) -> dict[str, Any]:
    levels, codes = np.zeros(3, np.int64), np.zeros(256, np.int64)
    with opened(path) as stored:
        shape, turn = stored.shape, Lock()

        def counted(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            grown, inner = padded(window, int(np.ceil(margin)) + 1, shape)
            with turn:
                cloud = stored.read(1, window=grown)
            sure = sureness(cloud, margin)[inner]
            return histogram(sure)[:3], histogram(cloud[inner])

        for _, (sure, found) in in_order(counted, windows(shape)):
            levels += sure
            codes += found
    total = int(codes.sum())
    return {
        "valid": float(1 - codes[NO_DATA] / total),
        "clear": float(levels[CLEAR] / total),
        "doubtful": float(levels[DOUBTFUL] / total),
        "cloud": float(codes[CLOUD] / total),
        "shadow": float(codes[SHADOW] / total),
    }
