"""What lies beside the rasters of a delivery: attribution, scenes, checksums, and figures of its area."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.delivery.rasters import pixel_area
from pipeline.delivery.source import SceneNumbers
from pipeline.landcover.classes import CLASSES
from pipeline.raster import geobox_of, opened, windows
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
        delivered; overlaps of files per tile count in each.
    """
    found: dict[str, Any] = {}
    if mosaics:
        found["shown_km2"] = round(sum(_pixels(path, 1)[1:].sum() * _km2(path) for path in mosaics), 3)
    if landcovers:
        counts = np.sum([_pixels(path, len(CLASSES) + 1) * _km2(path) for path in landcovers], axis=0)
        found["classes"] = {item.name: round(float(counts[item.code]), 3) for item in CLASSES}
    return found


def _km2(path: Path) -> float:
    with opened(path) as dataset:
        return pixel_area(geobox_of(dataset)) / 1e6


def _pixels(path: Path, most: int) -> np.ndarray:
    """Pixels by value of the first band, 0 .. `most`, larger ones counted as `most`."""
    counts = np.zeros(most + 1, np.int64)
    with opened(path) as dataset:
        for window in windows(dataset.shape):
            values = np.minimum(dataset.read(1, window=window), most)
            counts += np.bincount(values.ravel(), minlength=most + 1)
    return counts
