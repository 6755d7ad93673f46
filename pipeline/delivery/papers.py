"""What lies beside the rasters of a delivery: attribution, scenes, checksums, and figures of its area."""

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from pipeline.delivery.rasters import pixel_area
from pipeline.delivery.source import SceneNumbers
from pipeline.landcover.classes import CLASSES
from pipeline.raster import geobox_of, opened, window_geobox, windows
from pipeline.storage import write_bytes

PIECE = 2**20
SUMS = "SHA256SUMS"
TERMS = (
    "The Sentinel data are free, full and open: their terms are the Legal notice on the use of Copernicus\n"
    "Sentinel Data and Service Information (https://sentinels.copernicus.eu/documents/247904/690755/\n"
    "Sentinel_Data_Legal_Notice). Whoever shows or passes on these files names the source as above.\n"
)


def attribution(days: Sequence[date]) -> str:
    """The words that the licence of the Sentinel data asks for."""
    years = sorted({day.year for day in days})
    told = "" if not years else f" {years[0]}" if len(years) == 1 else f" {years[0]}-{years[-1]}"
    return f"contains modified Copernicus Sentinel data{told}"


def write_licence(path: Path, days: Sequence[date], terms: str = "") -> None:
    """Write attribution and terms; those of the operator after those of the data."""
    own = f"\n{terms.strip()}\n" if terms.strip() else ""
    write_bytes(path, f"{attribution(days)}\n\n{TERMS}{own}".encode())


def write_left_out(path: Path, left_out: Mapping[str, str]) -> None:
    """Write the tiles of the order that the delivery does not have, and why, as CSV."""
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows([("tile", "why"), *sorted(left_out.items())])
    write_bytes(path, table.getvalue().encode())


def write_scenes(path: Path, numbers: SceneNumbers) -> None:
    """Write the scenes by the numbers that the provenance has, as CSV."""
    rows = [
        ",".join((str(number), tile, scene, day.isoformat())) for number, tile, scene, day in numbers.rows
    ]
    write_bytes(path, ("\n".join(["number,tile,scene,day", *rows]) + "\n").encode())


def sha256_of(path: Path) -> str:
    """The checksum of a file, read piece by piece."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()


def write_sums(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """Write checksums as `sha256sum --check` reads them; gives them by name."""
    sums = {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(files)}
    write_bytes(folder / SUMS, "".join(f"{value}  {name}\n" for name, value in sums.items()).encode())
    return sums


def figures_of(mosaics: Sequence[Path], landcovers: Sequence[Path]) -> dict[str, Any]:
    """What the delivered rasters show.

    Returns:
        "shown_km2" (ground with a mosaic) and "classes" (km2 by name), each where such rasters are
        delivered; ground that several files show counts once.
    """
    found: dict[str, Any] = {}
    if mosaics:
        found["shown_km2"] = round(float(_km2(mosaics, 1)[1]), 3)
    if landcovers:
        areas = _km2(landcovers, len(CLASSES) + 1)
        found["classes"] = {item.name: round(float(areas[item.code]), 3) for item in CLASSES}
    return found


def _km2(paths: Sequence[Path], most: int) -> np.ndarray:
    """Ground by value of the first band, 0 .. `most`, larger ones counted as `most`; 0 is no data.

    A pixel whose middle an earlier file shows too is not counted again.
    """
    areas = np.zeros(most + 1)
    with ExitStack() as stack:
        datasets = [stack.enter_context(opened(path)) for path in paths]
        for number, dataset in enumerate(datasets):
            geobox = geobox_of(dataset)
            for window in windows(dataset.shape):
                here = window_geobox(geobox, window)
                values = np.minimum(dataset.read(1, window=window), most)
                for earlier in datasets[:number]:
                    if _meet(earlier, here):
                        values[_read_on(earlier, here) != 0] = 0
                counts = np.bincount(values.ravel(), minlength=most + 1)
                areas += counts * (pixel_area(here) / 1e6)
    return areas


def _meet(dataset: rasterio.DatasetReader, geobox: GeoBox) -> bool:
    """Whether a raster and a grid have ground in common, as rectangles."""
    west, south, east, north = transform_bounds(dataset.crs, str(geobox.crs), *dataset.bounds)
    left, bottom, right, top = geobox.boundingbox.bbox
    return bool(west < right and left < east and south < top and bottom < north)


def _read_on(dataset: rasterio.DatasetReader, geobox: GeoBox) -> np.ndarray:
    """The first band on another grid, by the nearest pixel; 0 outside."""
    rows, cols = geobox.shape
    grid = {"crs": str(geobox.crs), "transform": geobox.affine, "height": rows, "width": cols}
    with WarpedVRT(dataset, **grid, resampling=Resampling.nearest, src_nodata=0, nodata=0) as moved:
        return np.asarray(moved.read(1))
