"""Map tiles as bytes: files and a place in, an encoded picture out. Knows neither database nor web."""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image

from webapp.tileserver.layers import Layer
from webapp.tileserver.png import png
from webapp.tileserver.reader import MapTile, read_tile

VERSION = 2
SIZE = 256
Format = Literal["png", "webp", "jpg"]
CONTENT_TYPES: dict[str, str] = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg"}
JPEG_BACKGROUND = 255


def render_tile(paths: Sequence[str], layer: Layer, tile: MapTile, fmt: Format, scale: int = 1) -> bytes:
    """Make one map tile.

    Args:
        paths: files of the tiles that may touch it, in order of preference; may be empty.
        layer: what to show.
        tile: the map tile, in range for its zoom.
        fmt: "png", "webp" or "jpg" (which has no transparency: empty is white).
        scale: 1 for 256 x 256 pixels, 2 for 512 x 512.

    Returns:
        The encoded picture, transparent where there is no data.

    Raises:
        rasterio.errors.RasterioIOError: a file cannot be read.
    """
    values = read_tile(paths, layer, tile, SIZE * scale) if paths else None
    return picture_of(values, layer, fmt, scale)


def picture_of(values: np.ma.MaskedArray | None, layer: Layer, fmt: Format, scale: int) -> bytes:
    """Colour and encode the values of a map tile; None and all empty give the picture of nothing."""
    if values is None or np.all(values.mask):
        return empty_tile(fmt, scale)
    return encode(colour(values, layer), fmt, lossless=layer.categorical)


@lru_cache(maxsize=8)
def empty_tile(fmt: Format, scale: int = 1) -> bytes:
    """Make the picture of nothing: transparent, or white as jpg."""
    side = SIZE * scale
    return encode(np.zeros((side, side, 4), np.uint8), fmt, lossless=True)


def colour(values: np.ma.MaskedArray, layer: Layer) -> np.ndarray:
    """Turn values into RGB where all have data, else RGBA.

    Args:
        values: (bands, h, w) uint8, masked where empty; three bands, or one with the layer's palette.
        layer: whose palette applies.

    Returns:
        (h, w, 3) uint8, or (h, w, 4), all zero where empty.
    """
    if not np.any(values.mask):
        if layer.palette is None:
            return _interleaved(values.data)
        picture = layer.palette[values.data[0]]
        return picture if (picture[..., 3] != 255).any() else np.ascontiguousarray(picture[..., :3])
    valid = ~np.ma.getmaskarray(values)[0]
    if layer.palette is not None:
        picture = layer.palette[values.data[0]]
        return picture * valid[..., np.newaxis]
    return _interleaved([*(band * valid for band in values.data), valid * np.uint8(255)])


def _interleaved(bands: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Turn (bands, h, w) into (h, w, bands), band by band, which is faster than by a view of other order."""
    picture = np.empty((*bands[0].shape, len(bands)), np.uint8)
    for number, band in enumerate(bands):
        picture[..., number] = band
    return picture


def encode(picture: np.ndarray, fmt: Format, *, lossless: bool) -> bytes:
    """Encode (h, w, 3 or 4) uint8; ``lossless`` keeps category colours exact where the format can."""
    if fmt == "png":
        return png(picture)
    options: dict[str, Any]
    if fmt == "jpg":
        options = {"format": "JPEG", "quality": 85}
        if lossless:
            options |= {"quality": 95, "subsampling": 0}
    else:
        options = {"format": "WEBP", "method": 0, "lossless": lossless, "quality": 60 if lossless else 80}
    out = io.BytesIO()
    Image.fromarray(_flatten(picture) if fmt == "jpg" else picture).save(out, **options)
    return out.getvalue()


def _flatten(picture: np.ndarray) -> np.ndarray:
    """Lay the picture on the background that stands for transparency."""
    if picture.shape[-1] == 3:
        return picture
    return np.where(picture[..., 3:] == 0, np.uint8(JPEG_BACKGROUND), picture[..., :3])
