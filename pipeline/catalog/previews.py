"""The small picture of a scene that stage 1 looks at: 343 x 343 pixels of 320 m, red, green, blue."""

import logging

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from pipeline.catalog.gdal import open_source, reading
from pipeline.catalog.reading import read_scene
from pipeline.catalog.sampling import near_swath_edge
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError, TransientSourceError
from pipeline.grid import PREVIEW_PIXELS, PREVIEW_RESOLUTION, Tile
from pipeline.raster import decode

log = logging.getLogger(__name__)

BRIGHTEST = 0.3558
TRIM = 2


def read_preview(scene: Scene) -> np.ndarray:
    """The preview of a scene.

    From the product's own picture (PVI) where it has one of exactly 343 x 343: its 8 bits are those of the
    true-colour image, 1..255 = reflectance up to 0.3558, 0 = no data (Level-2A User Guide). Else by a
    decimated read of the bands.

    Returns:
        float32 (3, 343, 343), reflectance clipped to 0..0.3558, NaN = no data.

    Raises:
        SourceError, TransientSourceError: neither can be read.
    """
    pictures = (_preview_of_part(part) for part in scene.parts or (scene,))
    preview = next(pictures)
    for other in pictures:
        preview = np.where(np.isnan(preview), other, preview)
    return preview


def _preview_of_part(scene: Scene) -> np.ndarray:
    picture = _picture(scene) if scene.preview else None
    if picture is None:
        stored = read_scene(scene, Tile.parse(scene.tile).preview_geobox())
        return np.clip(decode(stored)[:3], 0, BRIGHTEST)
    empty = (picture == 0).any(axis=0)
    empty |= near_swath_edge(empty, TRIM)
    reflectance = picture.astype(np.float32) / 255 * np.float32(BRIGHTEST)
    return np.where(empty, np.float32(np.nan), reflectance)


def _picture(scene: Scene) -> np.ndarray | None:
    """uint8 (3, 343, 343) of the product's own picture; None where it cannot be read or is not such a one."""
    try:
        with reading(scene, "preview"), open_source(scene, "preview", str(scene.preview)) as dataset:
            fits = dataset.shape == (PREVIEW_PIXELS, PREVIEW_PIXELS) and dataset.count >= 3
            if not fits or set(dataset.dtypes[:3]) != {"uint8"}:
                return None
            crs, transform, picture = dataset.crs, dataset.transform, dataset.read([1, 2, 3])
    except TransientSourceError:
        raise
    except SourceError as error:
        log.warning("%s Its bands are read instead.", error)
        return None
    _check_place(scene, crs, transform)
    return picture


def _check_place(scene: Scene, crs: CRS | None, transform: Affine) -> None:
    tile = Tile.parse(scene.tile)
    if crs is None:
        return
    right, down = transform.c - tile.left, transform.f - tile.top
    if crs.to_epsg() != tile.epsg or max(abs(right), abs(down)) > PREVIEW_RESOLUTION:
        raise SourceError(f"The preview of scene {scene.id} lies outside its tile {scene.tile}.")
