"""The small picture of a scene that stage 1 looks at: 343 x 343 pixels of 320 m, red, green, blue."""

import logging
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from pipeline.catalog.checksums import matches
from pipeline.catalog.gdal import open_source, reading
from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import Http
from pipeline.catalog.partial import Wanted, bring_blocks, by_blocks
from pipeline.catalog.reading import read_scene
from pipeline.catalog.sampling import near_swath_edge
from pipeline.catalog.scene import Scene
from pipeline.catalog.tiff import NotByBlocks
from pipeline.errors import SourceError, TransientSourceError
from pipeline.grid import PREVIEW_PIXELS, PREVIEW_RESOLUTION, Tile
from pipeline.raster import decode

log = logging.getLogger(__name__)

BRIGHTEST = 0.3558
TRIM = 2
PICTURE_TRIES = 3


def read_preview(scene: Scene, http: Http | None = None) -> np.ndarray:
    """The preview of a scene.

    From the product's own picture (PVI) where it has one of exactly 343 x 343: its 8 bits are those of the
    true-colour image, 1..255 = reflectance up to 0.3558, 0 = no data (Level-2A User Guide). Else by a
    decimated read of the bands.

    Args:
        scene: with local paths or http(s) addresses.
        http: the session to use.

    Returns:
        float32 (3, 343, 343), reflectance clipped to 0..0.3558, NaN = no data.

    Raises:
        SourceError, TransientSourceError: neither can be read.
    """
    session = http or Http()
    pictures = (_preview_of_part(part, session) for part in scene.parts or (scene,))
    preview = next(pictures)
    for other in pictures:
        preview = np.where(np.isnan(preview), other, preview)
    return preview


def _preview_of_part(scene: Scene, http: Http) -> np.ndarray:
    picture = _picture(scene, http) if scene.preview else None
    if picture is None:
        return np.clip(decode(_of_bands(scene, http))[:3], 0, BRIGHTEST)
    empty = (picture == 0).any(axis=0)
    empty |= near_swath_edge(empty, TRIM)
    reflectance = picture.astype(np.float32) / 255 * np.float32(BRIGHTEST)
    return np.where(empty, np.float32(np.nan), reflectance)


def _of_bands(scene: Scene, http: Http) -> np.ndarray:
    """Stored reflectance uint16 (4, 343, 343); of remote COGs blocks of an overview come, others whole."""
    target = Tile.parse(scene.tile).preview_geobox()
    if by_blocks(scene):
        everywhere = Wanted(np.ones(target.shape.yx, bool), target)
        with TemporaryDirectory(prefix="earthquilt-preview-") as folder:
            try:
                local = bring_blocks(scene, everywhere, target, Path(folder), http).scene
                return read_scene(local, target)
            except NotByBlocks:
                pass
    return read_scene(scene, target, http=http)


def _picture(scene: Scene, http: Http) -> np.ndarray | None:
    """uint8 (3, 343, 343) of the product's own picture; None where it cannot be read or is not such a one."""
    for attempt in range(PICTURE_TRIES):
        with TemporaryDirectory(prefix="earthquilt-preview-") as folder:
            try:
                found = _opened_picture(scene, http, Path(folder))
                break
            except TransientSourceError:
                raise
            except SourceError as error:
                if attempt + 1 == PICTURE_TRIES or not is_remote(str(scene.preview)):
                    log.warning("%s Its bands are read instead.", error)
                    return None
        http.sleep(http.pause * 2**attempt)
    if found is None:
        return None
    picture, crs, transform = found
    _check_place(scene, crs, transform)
    return picture


def _opened_picture(scene: Scene, http: Http, folder: Path) -> tuple[np.ndarray, CRS | None, Affine] | None:
    path = str(scene.preview)
    if is_remote(path):
        near = folder / f"preview{PurePosixPath(urlsplit(path).path).suffix}"
        _bring(scene, near, http)
        path = str(near)
    with reading(scene, "preview"), open_source(scene, "preview", path) as dataset:
        fits = dataset.shape == (PREVIEW_PIXELS, PREVIEW_PIXELS) and dataset.count >= 3
        if not fits or set(dataset.dtypes[:3]) != {"uint8"}:
            return None
        return dataset.read([1, 2, 3]), dataset.crs, dataset.transform


def _bring(scene: Scene, target: Path, http: Http) -> None:
    """Fetch the picture of a scene, once more where its bytes are not those that the item states."""
    for attempt in range(PICTURE_TRIES):
        target.write_bytes(http.document(http.signed(str(scene.preview))))
        if not scene.preview_checksum or matches(target, scene.preview_checksum):
            return
        http.sleep(http.pause * 2**attempt)
    raise TransientSourceError(
        f"The preview of scene {scene.id} came {PICTURE_TRIES} times with other bytes than its item states."
    )


def _check_place(scene: Scene, crs: CRS | None, transform: Affine) -> None:
    tile = Tile.parse(scene.tile)
    if crs is None:
        return
    right, down = transform.c - tile.left, transform.f - tile.top
    if crs.to_epsg() != tile.epsg or max(abs(right), abs(down)) > PREVIEW_RESOLUTION:
        raise SourceError(f"The preview of scene {scene.id} lies outside its tile {scene.tile}.")
