"""GDAL's settings for reading scenes, in one place, and its errors as ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import rasterio
from rasterio.errors import RasterioError

from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import plain
from pipeline.catalog.jpeg2000 import require_whole
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError

SETTINGS = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    # It would follow names and redirects that nobody checks: files are brought by `Http` first.
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "VSI_CACHE": True,
    "VSI_CACHE_SIZE": 16 * 2**20,
}
DRIVERS = {".jp2": "JP2OpenJPEG", ".tif": "GTiff", ".tiff": "GTiff", ".png": "PNG"}
MOST_PIXELS = 21_960


@contextmanager
def reading(scene: Scene, what: str) -> Iterator[None]:
    """Our settings while the block reads; what GDAL throws is told with the scene's id and what was read.

    Raises:
        SourceError: the file is missing, broken, or no raster.
    """
    try:
        with rasterio.Env(**SETTINGS):
            yield
    except RasterioError as error:
        raise SourceError(f"The {what} of scene {scene.id} cannot be read: {_chain(error)}.") from error


def open_source(scene: Scene, what: str, href: str, **options: int) -> rasterio.DatasetReader:
    """Open a file of a scene: JPEG 2000, GeoTIFF or PNG only, on this disk, of a size that a scene can have.

    Raises:
        SourceError: it is none, or was not brought before.
    """
    suffix = PurePosixPath(urlsplit(href).path if is_remote(href) else href).suffix.lower()
    if suffix not in DRIVERS:
        raise SourceError(f"The {what} of scene {scene.id} is no {', '.join(DRIVERS)} file: {plain(href)}.")
    if is_remote(href) or href.startswith("/vsi"):
        raise SourceError(
            f"The {what} of scene {scene.id} is to be brought before it is read: {plain(href)}."
        )
    if suffix == ".jp2" and Path(href).exists():
        require_whole(Path(href), f"{what} of scene {scene.id}")
    dataset = rasterio.open(href, driver=DRIVERS[suffix], **options)
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
