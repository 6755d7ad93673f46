"""Work files of one scene, written by blocks of rows, and the finished files made from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter, MemoryFile
from rasterio.shutil import copy as copy_raster
from rasterio.warp import reproject

from pipeline.grid import Tile
from pipeline.simulate.plan import QUANTIFICATION, Acquisition
from pipeline.storage import whole_file

# Reflectance that the preview shows as 255.
PREVIEW_WHITE = 0.3558


@contextmanager
def work_file(
    path: Path, geobox: GeoBox, dtype: str, count: int = 1, nodata: int | None = None
) -> Iterator[DatasetWriter]:
    """Open a plain GeoTIFF that takes whole rows quickly."""
    rows, columns = geobox.shape
    options: dict[str, Any] = {"height": rows, "width": columns, "count": count, "dtype": dtype}
    options |= {"crs": str(geobox.crs), "transform": geobox.affine, "nodata": nodata}
    options |= {"photometric": "minisblack", "BIGTIFF": "IF_SAFER"}
    with rasterio.open(path, "w", driver="GTiff", **options) as out:
        yield out


def digital_numbers(reflectance: np.ndarray, acquisition: Acquisition) -> np.ndarray:
    """Reflectance (NaN = no data) to the product's DN, uint16, 0 = no data, else 1 to 65535."""
    numbers = np.rint(reflectance * np.float32(QUANTIFICATION)) - acquisition.add_offset
    return np.where(np.isfinite(numbers), np.clip(np.nan_to_num(numbers), 1, 65_535), 0).astype(np.uint16)


def to_cog(work: Path, target: Path) -> None:
    """Make the cloud-optimised GeoTIFF `target` of a work file."""
    settings = {"compress": "deflate", "level": 1, "predictor": "yes", "blocksize": 512}
    with whole_file(target) as beside:
        copy_raster(work, beside, driver="COG", overview_resampling="average", BIGTIFF="IF_SAFER", **settings)


def to_geotiff(work: Path, target: Path) -> None:
    """Make the tiled, compressed GeoTIFF `target` of a work file."""
    settings = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "zlevel": 1}
    with rasterio.open(work) as source:
        predictor = 2 if source.dtypes[0] == "uint16" else 1
    with whole_file(target) as beside:
        copy_raster(work, beside, driver="GTiff", predictor=predictor, BIGTIFF="IF_SAFER", **settings)


def to_jp2(work: Path, target: Path) -> None:
    """Make the lossless JPEG 2000 file `target` of a work file."""
    with whole_file(target) as beside:
        copy_raster(work, beside, driver="JP2OpenJPEG", REVERSIBLE="YES", QUALITY="100")


def preview(bands: dict[str, Path], tile: Tile, acquisition: Acquisition) -> np.ndarray:
    """The picture of a scene: uint8 (3, 343, 343), 0 = no data, up to 255 = reflectance 0.3558."""
    box = tile.preview_geobox()
    picture = np.zeros((3, *box.shape), np.uint8)
    for index, band in enumerate(("red", "green", "blue")):
        numbers = np.zeros(box.shape, np.float32)
        with rasterio.open(bands[band]) as source:
            reproject(
                rasterio.band(source, 1),
                numbers,
                src_nodata=0,
                dst_nodata=0,
                dst_transform=box.affine,
                dst_crs=str(box.crs),
                resampling=Resampling.average,
            )
        share = (numbers + acquisition.add_offset) / QUANTIFICATION / PREVIEW_WHITE
        picture[index] = np.where(numbers > 0, np.clip(np.rint(share * 255), 1, 255), 0)
    return picture


def write_preview(picture: np.ndarray, tile: Tile, target: Path, driver: str) -> None:
    """Write a preview as `JP2OpenJPEG` or `COG`, with its place."""
    box = tile.preview_geobox()
    options = {"QUALITY": "100", "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {"compress": "deflate"}
    rows, columns = box.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=rows,
            width=columns,
            count=3,
            dtype="uint8",
            crs=str(box.crs),
            transform=box.affine,
        ) as made:
            made.write(picture)
        with whole_file(target) as beside:
            copy_raster(memory.name, beside, driver=driver, **options)
