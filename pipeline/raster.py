"""Rasters with their grid: stored reflectance, windows, whole-file GeoTIFF and COG writing."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, Interleaving, Resampling
from rasterio.errors import RasterioError
from rasterio.shutil import copy as copy_raster
from rasterio.windows import Window

from pipeline.errors import SourceError, StorageError, StorageFull
from pipeline.storage import FULL, nearly_full, whole_file

BANDS = ("red", "green", "blue", "nir")
QUANTIFICATION = 10_000
EMPTY = 0
WINDOW = 512
# Without these, GDAL takes a twentieth of the machine's memory in every process, and packs on one core.
GDAL_DEFAULTS = {"GDAL_CACHEMAX": "384", "GDAL_NUM_THREADS": "ALL_CPUS"}

for _name, _value in GDAL_DEFAULTS.items():
    os.environ.setdefault(_name, _value)


@dataclass(frozen=True)
class Raster:
    """An array (bands, rows, cols) with its grid."""

    data: np.ndarray
    geobox: GeoBox


def encode(reflectance: np.ndarray, valid: np.ndarray | None = None) -> np.ndarray:
    """Reflectance to stored reflectance: reflectance x 10000 + 1, 0 = empty.

    Args:
        reflectance: float (bands, h, w), 1.0 = all light; NaN = empty.
        valid: bool (h, w); what is False is empty. Where None, NaN in any band is empty.

    Returns:
        uint16 of the same shape; reflectance at or below 0 becomes 1, never 0.
    """
    if valid is None:
        valid = np.isfinite(reflectance).all(axis=0)
    scaled = reflectance * QUANTIFICATION
    np.rint(scaled, out=scaled)
    # Of a number and NaN, fmax takes the number.
    np.fmax(scaled, 0, out=scaled)
    np.minimum(scaled, 65_534, out=scaled)
    stored = scaled.astype(np.uint16)
    stored += np.uint16(1)
    return stored if valid.all() else np.where(valid, stored, np.uint16(EMPTY))


def decode(stored: np.ndarray) -> np.ndarray:
    """Stored reflectance to float32 reflectance, NaN where any band is empty."""
    reflectance = stored.astype(np.float32)
    reflectance -= 1
    reflectance /= QUANTIFICATION
    np.copyto(reflectance, np.float32(np.nan), where=~filled(stored))
    return reflectance


def filled(stored: np.ndarray) -> np.ndarray:
    """Bool (h, w): True where no band is empty."""
    return (stored != EMPTY).all(axis=0)


def windows(shape: tuple[int, int], size: int = WINDOW) -> Iterator[Window]:
    """The windows of a raster, row by row, lying on multiples of `size` pixels."""
    rows, cols = shape
    for top in range(0, rows, size):
        for left in range(0, cols, size):
            yield Window(left, top, min(size, cols - left), min(size, rows - top))


def padded(window: Window, margin: int, shape: tuple[int, int]) -> tuple[Window, tuple[slice, slice]]:
    """A window grown by `margin` pixels inside the raster, and where the first lies in it."""
    top, left = max(window.row_off - margin, 0), max(window.col_off - margin, 0)
    bottom = min(window.row_off + window.height + margin, shape[0])
    right = min(window.col_off + window.width + margin, shape[1])
    inner = (
        slice(window.row_off - top, window.row_off - top + window.height),
        slice(window.col_off - left, window.col_off - left + window.width),
    )
    return Window(left, top, right - left, bottom - top), inner


def window_geobox(geobox: GeoBox, window: Window) -> GeoBox:
    """The grid of a window of `geobox`."""
    affine = geobox.affine @ Affine.translation(window.col_off, window.row_off)
    return GeoBox((window.height, window.width), affine, geobox.crs)


def geobox_of(dataset: rasterio.DatasetReader) -> GeoBox:
    """The grid of an open raster."""
    return GeoBox((dataset.height, dataset.width), dataset.transform, dataset.crs.to_wkt())


@contextmanager
def opened(path: Path | str) -> Iterator[rasterio.DatasetReader]:
    """Open a raster for reading.

    Raises:
        SourceError: it is missing, broken, or no raster.
    """
    try:
        with rasterio.open(path) as dataset:
            yield dataset
    except RasterioError as error:
        raise SourceError(f"{path} cannot be read as a raster: {error}.") from error


def read_raster(path: Path | str) -> Raster:
    """Read a whole raster."""
    with opened(path) as dataset:
        return Raster(dataset.read(), geobox_of(dataset))


def profile(geobox: GeoBox, count: int, dtype: str, nodata: float | None) -> dict[str, Any]:
    """Creation options of a tiled, compressed GeoTIFF on `geobox`."""
    rows, cols = geobox.shape
    return {
        "driver": "GTiff",
        "height": rows,
        "width": cols,
        "count": count,
        "dtype": dtype,
        "crs": str(geobox.crs),
        "transform": geobox.affine,
        "nodata": nodata,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "zstd",
        "zstd_level": 1,
        "predictor": 2,
        "interleave": "pixel" if count > 1 else "band",
        "photometric": "minisblack",
        "BIGTIFF": "IF_SAFER",
    }


@contextmanager
def raster_writer(
    path: Path,
    geobox: GeoBox,
    count: int,
    dtype: str,
    *,
    nodata: float | None = None,
    cog: bool = False,
    overviews: Resampling = Resampling.average,
    descriptions: Sequence[str] = (),
    colormap: Mapping[int, tuple[int, int, int, int]] | None = None,
    picture: bool = False,
    tags: Mapping[str, str] | None = None,
    reflectance: bool = False,
) -> Iterator[rasterio.io.DatasetWriter]:
    """Open a GeoTIFF to be written window by window; it appears under `path` only when whole.

    Args:
        path: where the file will be.
        geobox: its grid.
        count: bands.
        dtype: numpy name of the pixel type.
        nodata: the value that means none.
        cog: make it a cloud-optimised GeoTIFF with overviews.
        overviews: how overviews of a COG are resampled.
        descriptions: band names.
        colormap: palette of a one-band uint8 raster, RGBA by value.
        picture: bands 1 to 3 are R, G, B and further ones undefined (else a fourth is taken for alpha).
        tags: metadata of the file.
        reflectance: the bands are stored reflectance; scale and offset say so to whoever reads them.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
    """
    with whole_file(path) as beside:
        first = beside.with_name(f"{beside.stem}.work.tif") if cog else beside
        try:
            with rasterio.open(first, "w", **profile(geobox, count, dtype, nodata)) as dataset:
                if picture:
                    kinds = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
                    dataset.colorinterp = kinds + (ColorInterp.undefined,) * (count - 3)
                elif count > 1:
                    dataset.colorinterp = (ColorInterp.gray,) + (ColorInterp.undefined,) * (count - 1)
                if descriptions:
                    dataset.descriptions = tuple(descriptions)
                if colormap:
                    dataset.write_colormap(1, dict(colormap))
                if tags:
                    dataset.update_tags(**tags)
                if reflectance:
                    dataset.scales = (1 / QUANTIFICATION,) * count
                    dataset.offsets = (-1 / QUANTIFICATION,) * count
                yield dataset
            _require_whole(first, path)
            if cog:
                _copy_as_cog(first, beside, overviews)
                _require_whole(beside, path)
        except (RasterioError, CPLE_BaseError) as error:
            raise _write_error(error, path) from error
        finally:
            if cog:
                first.unlink(missing_ok=True)


def picture_writer(
    path: Path, geobox: GeoBox, tags: Mapping[str, str]
) -> AbstractContextManager[rasterio.io.DatasetWriter]:
    """As `raster_writer`, for R, G, B, NIR in 8 bits as people see them: a COG, 0 = no data.

    Args:
        path: where the file will be.
        geobox: its grid.
        tags: of the tone curve.
    """
    return raster_writer(
        path, geobox, 4, "uint8", nodata=0, cog=True, picture=True, descriptions=BANDS, tags=tags
    )


def reflectance_writer(path: Path, geobox: GeoBox) -> AbstractContextManager[rasterio.io.DatasetWriter]:
    """As `raster_writer`, for R, G, B, NIR as stored reflectance, `EMPTY` = no data.

    Args:
        path: where the file will be.
        geobox: its grid.
    """
    return raster_writer(
        path, geobox, len(BANDS), "uint16", nodata=EMPTY, descriptions=BANDS, reflectance=True
    )


def write_raster(path: Path, raster: Raster, **options: Any) -> None:
    """Write a whole raster (bands, rows, cols); options as `raster_writer`."""
    with raster_writer(
        path, raster.geobox, raster.data.shape[0], raster.data.dtype.name, **options
    ) as dataset:
        dataset.write(raster.data)


def _copy_as_cog(source: Path, target: Path, overviews: Resampling) -> None:
    copy_raster(
        source,
        target,
        driver="COG",
        compress="deflate",
        level=1,
        predictor="yes",
        blocksize=512,
        overview_resampling=overviews.name,
        BIGTIFF="IF_SAFER",
    )


def _require_whole(written: Path, path: Path) -> None:
    """Hold a file that was just closed against its own directory: GDAL tells no full disk when it closes.

    Raises:
        StorageFull: it cannot be opened, or blocks are missing or end behind the end of the file.
    """
    length = written.stat().st_size
    with _reopened(written, path) as dataset:
        for band in range(1, dataset.count + 1 if dataset.interleaving == Interleaving.band else 2):
            for (row, col), _ in dataset.block_windows(band):
                place, size = (
                    dataset.get_tag_item(f"BLOCK_{what}_{col}_{row}", "TIFF", bidx=band)
                    for what in ("OFFSET", "SIZE")
                )
                if place is None or size is None or int(place) + int(size) > length:
                    raise StorageFull(f"The disk is full: {path} could not be written whole.")


def _reopened(written: Path, path: Path) -> rasterio.DatasetReader:
    """A file that was just closed, opened; what is no raster now lost its directory to a full disk."""
    try:
        return rasterio.open(written)
    except RasterioError as error:
        raise StorageFull(f"The disk is full: {path} could not be written whole.") from error


def _write_error(error: Exception, path: Path) -> StorageError:
    """The sentence for what GDAL threw, which names a full disk on standard error at most."""
    cause = error.__cause__ or error.__context__
    words = f"{error} {cause}"
    told = any(os.strerror(code) in words for code in FULL) or getattr(cause, "errno", None) in FULL
    if told or nearly_full(path.parent):
        return StorageFull(f"The disk is full: {path} could not be written; free some space and run again.")
    return StorageError(f"{path} could not be written: {str(error).rstrip('.')}.")
