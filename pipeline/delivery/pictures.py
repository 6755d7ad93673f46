"""A delivered raster as a PNG with its world file (.pgw) and its projection (.prj)."""

from pathlib import Path

import numpy as np
from pyproj import CRS
from pyproj.enums import WktVersion
from rasterio.enums import ColorInterp
from rasterio.shutil import copy as copy_raster

from pipeline.errors import UsageError
from pipeline.raster import geobox_of, opened, raster_writer, windows
from pipeline.storage import whole_file, write_bytes

LONGEST = 60_000


def write_picture(raster: Path, path: Path) -> list[Path]:
    """Write a raster as a PNG: the mosaic as R, G, B and opacity, what has classes with its palette.

    Returns:
        The three files.

    Raises:
        UsageError: the picture would be longer than programs read.
    """
    with opened(raster) as dataset:
        geobox, count = geobox_of(dataset), dataset.count
        if max(geobox.shape) > LONGEST:
            raise UsageError(
                f"A PNG of {geobox.shape[1]} x {geobox.shape[0]} pixels is too large: "
                "ask for one file per tile, or for COG.",
                "format",
            )
        work = raster
        if count > 1:
            work = path.with_suffix(".work.tif")
            with raster_writer(work, geobox, 4, "uint8") as out:
                out.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
                for window in windows(dataset.shape):
                    bands = dataset.read(window=window)
                    bands[3] = np.where((bands == 0).any(axis=0), 0, 255)
                    out.write(bands, window=window)
        with whole_file(path) as beside:
            copy_raster(work, beside, driver="PNG", strict=False)
            beside.with_name(f"{beside.name}.aux.xml").unlink(missing_ok=True)
    if work != raster:
        work.unlink()
    crs = CRS.from_user_input(str(geobox.crs))
    world, projection = path.with_suffix(".pgw"), path.with_suffix(".prj")
    a, b, c, d, e, f = geobox.affine[:6]
    middle = (c + (a + b) / 2, f + (d + e) / 2)
    write_bytes(world, "".join(f"{number!r}\n" for number in (a, d, b, e, *middle)).encode())
    write_bytes(projection, crs.to_wkt(WktVersion.WKT1_ESRI).encode())
    return [path, world, projection]
