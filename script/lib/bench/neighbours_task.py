"""The tasks that `neighbours` measures."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline import mosaic
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.raster import (
    BANDS,
    Raster,
    decode,
    encode,
    filled,
    read_raster,
    window_geobox,
    windows,
    write_raster,
)
from pipeline.settings import CampaignSettings

GAIN_SPREAD, OFFSET_SPREAD = 0.03, 0.0015
FILES = ("composite.tif", "provenance.tif")


def mirrored(source: str, builds: dict[str, str], settings: dict[str, Any]) -> dict[str, Any]:
    """Write composites of tiles of one zone that show a composite's ground, mirrored at its edges.

    Args:
        source: folder of the composite.
        builds: folders of the tiles by name; the first is the composite's own tile and keeps its radiometry.
        settings: of the campaign.
    """
    began, rng = time.perf_counter(), np.random.default_rng(0)
    resolution = CampaignSettings.from_json(settings).resolution
    composite, provenance = (read_raster(Path(source) / name) for name in FILES)
    for number, (name, folder) in enumerate(builds.items()):
        grid = Tile.parse(name).geobox(resolution)
        rows, cols = _lines(composite.geobox, grid)
        gain, offset = rng.normal(1, GAIN_SPREAD, 4), rng.normal(0, OFFSET_SPREAD, 4)
        pixels = composite.data[:, rows][:, :, cols]
        if number:
            pixels = _changed(pixels, gain, offset)
        Path(folder).mkdir(parents=True, exist_ok=True)
        options = {"nodata": 0, "descriptions": BANDS, "reflectance": True}
        write_raster(Path(folder) / FILES[0], Raster(pixels, grid), **options)
        write_raster(Path(folder) / FILES[1], Raster(provenance.data[:, rows][:, :, cols], grid), cog=True)
        _save_means(pixels, grid, Path(folder) / "balance.npz")
    return {"seconds": time.perf_counter() - began}


def mosaic_of(tile: str, builds: dict[str, str], settings: dict[str, Any], out: str) -> dict[str, Any]:
    """Only the mosaic of a tile with its neighbours, from finished composites."""
    asked, began = CampaignSettings.from_json(settings), time.perf_counter()
    found = mosaic.blend(Tile.parse(tile), builds, asked, Path(out))
    return {"seconds": time.perf_counter() - began, "contributors": sorted(found["inputs"])}


def _lines(own: GeoBox, other: GeoBox) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a grid that another one of the same size shows, mirrored beyond its edges."""
    size = own.shape[0]
    right = round((other.affine.c - own.affine.c) / own.affine.a)
    down = round((own.affine.f - other.affine.f) / own.affine.a)
    lines = (np.abs(np.arange(size) + shift) % (2 * size - 2) for shift in (down, right))
    rows, cols = (np.minimum(line, 2 * size - 2 - line) for line in lines)
    return rows, cols


def _changed(
    pixels: NDArray[np.uint16], gain: NDArray[np.float64], offset: NDArray[np.float64]
) -> NDArray[np.uint16]:
    """Stored reflectance through a gain and an offset of each band, in place, band by band."""
    empty = ~filled(pixels)
    for band in range(len(pixels)):
        pixels[band] = encode((decode(pixels[band : band + 1]) * gain[band] + offset[band]).clip(0.0001))[0]
    pixels[:, empty] = 0
    return pixels


def _save_means(pixels: NDArray[np.uint16], grid: GeoBox, path: Path) -> None:
    """Write what neighbours compare."""
    sums = CellSums(grid)
    for window in windows(grid.shape.yx):
        part = pixels[(slice(None), *window.toslices())]
        sums.add(decode(part), filled(part), window_geobox(grid, window))
    sums.cells().save(path)
