"""GDAL's settings for reading scenes, in one place, and its errors as ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import rasterio
from rasterio.errors import RasterioError

from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import Http, plain
from pipeline.catalog.jpeg2000 import require_whole
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError, TransientSourceError

SETTINGS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 1,
    "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_TIMEOUT": 60,
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    # A 503 would else be remembered as "does not exist" for as long as the process lives.
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",
    "VSI_CACHE": True,
    "VSI_CACHE_SIZE": 16 * 2**20,
}
DRIVERS = {".jp2": "JP2OpenJPEG", ".tif": "GTiff", ".tiff": "GTiff", ".png": "PNG"}
MOST_PIXELS = 21_960
FINAL = re.compile(r"HTTP response code: (?:40[0-7]|41\d)")


@contextmanager
def reading(scene: Scene, what: str) -> Iterator[None]:
    """Our settings while the block reads; what GDAL throws is told with the scene's id and what was read.

    Raises:
        TransientSourceError: it lies at an http(s) address and the server did not say that it refuses: GDAL
            does not tell a server that fails from a file that is broken.
        SourceError: the file is missing, broken, or no raster.
    """
    try:
        with rasterio.Env(**SETTINGS):
            yield
    except RasterioError as error:
        text = _chain(error)
        remote = any(is_remote(asset.href) for asset in scene.assets.values()) or is_remote(
            scene.preview or ""
        )
        kind = TransientSourceError if remote and not FINAL.search(text) else SourceError
        raise kind(f"The {what} of scene {scene.id} cannot be read: {text}.") from error


def open_source(scene: Scene, what: str, href: str, **options: int) -> rasterio.DatasetReader:
    """Open a file of a scene: JPEG 2000, GeoTIFF or PNG only, of a size that a scene can have."""
    suffix = PurePosixPath(urlsplit(href).path if is_remote(href) else href).suffix.lower()
    if suffix not in DRIVERS:
        raise SourceError(f"The {what} of scene {scene.id} is no {', '.join(DRIVERS)} file: {plain(href)}.")
    address = f"/vsicurl/{Http().signed(href)}" if is_remote(href) else href
    if suffix == ".jp2" and not is_remote(href) and Path(href).exists():
        require_whole(Path(href), f"{what} of scene {scene.id}")
    dataset = rasterio.open(address, driver=DRIVERS[suffix], **options)
    if max(dataset.shape) > MOST_PIXELS:
        size = "{} x {}".format(*dataset.shape)
        dataset.close()
        raise SourceError(
            f"The {what} of scene {scene.id} has {size} pixels; at most {MOST_PIXELS} a side are read."
        )
    return dataset


def _chain(error: BaseException) -> str:
    """The texts of an error and its causes, addresses without their tokens."""
    texts: list[str] = []
    current: BaseException | None = error
    while current is not None and len(texts) < 4:
        text = re.sub(r"https?://\S+", lambda match: plain(match[0]), " ".join(str(current).split())).rstrip(
            "."
        )
        if text and text not in texts:
            texts.append(text)
        current = current.__cause__
    return "; ".join(texts)[:400]
