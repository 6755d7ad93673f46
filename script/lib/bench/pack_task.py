"""The task that `packing` measures."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.shutil import copy as copy_raster

from pipeline.raster import Raster, profile, read_raster, windows
from pipeline.tone import load_tone

PLAIN = {
    "deflate 1": {"compress": "deflate", "zlevel": 1},
    "deflate 6": {"compress": "deflate", "zlevel": 6},
    "zstd 1": {"compress": "zstd", "zstd_level": 1},
    "lzw": {"compress": "lzw"},
}
COGS = {"deflate 6": ("deflate", 6), "deflate 1": ("deflate", 1), "zstd 1": ("zstd", 1)}


def pack(source: str, scratch: str) -> dict[str, Any]:
    """Write and read a raster of stored reflectance, and its 8-bit view, in each way."""
    whole, folder = read_raster(source), Path(scratch)
    view = Raster(load_tone("default").apply(whole.data), whole.geobox)
    ways: dict[str, dict[str, float]] = {}
    for kind, raster in (("uint16", whole), ("uint8", view)):
        for name, options in PLAIN.items():
            path = folder / f"{kind}-{name.replace(' ', '-')}.tif"
            ways[f"{kind}, {name}"] = _measured(partial(_write, path, raster, options), path)
    for name, (compress, level) in COGS.items():
        path = folder / "cog.tif"
        work = partial(_cog, folder / "uint8-zstd-1.tif", path, compress, level)
        ways[f"uint8 as COG, {name}"] = _measured(work, path)
    return {"seconds": 0.0, "ways": ways}


def _measured(write: Callable[[], None], path: Path) -> dict[str, float]:
    began = time.process_time()
    write()
    written = time.process_time()
    with rasterio.open(path) as done:
        for window in windows(done.shape):
            done.read(window=window)
    read = time.process_time()
    return {"write": written - began, "read": read - written, "mib": path.stat().st_size / 2**20}


def _write(path: Path, raster: Raster, options: dict[str, Any]) -> None:
    kept = profile(raster.geobox, len(raster.data), raster.data.dtype.name, 0)
    for name in ("compress", "zlevel", "zstd_level"):
        kept.pop(name, None)
    with rasterio.open(path, "w", **kept, **options) as out:
        for window in windows(raster.data.shape[1:]):
            out.write(np.ascontiguousarray(raster.data[(slice(None), *window.toslices())]), window=window)


def _cog(source: Path, target: Path, compress: str, level: int) -> None:
    copy_raster(
        source, target, driver="COG", compress=compress, level=level, predictor="yes", blocksize=512,
        overview_resampling="average", BIGTIFF="IF_SAFER",
    )  # fmt: skip
