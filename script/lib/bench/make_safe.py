"""SAFE products of the same pixels as simulated COGs, which is quicker than simulating them again."""

import time
from pathlib import Path
from typing import Any

import rasterio

from pipeline.grid import Tile
from pipeline.raster import BANDS, geobox_of, opened, windows
from pipeline.simulate import safe
from pipeline.simulate.files import work_file
from pipeline.simulate.plan import Acquisition, plan
from pipeline.simulate.scene import make_pass
from pipeline.simulate.season import END, START
from pipeline.simulate.tile_season import Counts
from pipeline.simulate.world import World
from pipeline.storage import read_json

FILES = {"red": "B04.tif", "green": "B03.tif", "blue": "B02.tif", "nir": "B08.tif"}


def make_safe(source: str, target: str, tile: str, dates: int) -> dict[str, Any]:
    """Write the SAFE products of a season that `simulate` has written as STAC.

    Args:
        source: folder of the STAC catalog and its truth.
        target: folder of the products.
        tile: whose scenes they are.
        dates: that were simulated.
    """
    began = time.perf_counter()
    truth = Path(source) / "truth" / tile
    about = read_json(truth / "truth.json")
    world = World(about["seed"], tile)
    written = {scene["date"]: scene["id"] for scene in about["scenes"]}
    for acquisition in plan(world, dates, START, END):
        if name := written.get(acquisition.date.isoformat()):
            _one(
                world,
                Tile.parse(tile),
                about["resolution"],
                acquisition,
                Path(source) / name,
                truth,
                Path(target),
            )
    return {"seconds": time.perf_counter() - began}


def _one(
    world: World, tile: Tile, resolution: float, a: Acquisition, cogs: Path, truth: Path, target: Path
) -> None:
    now = make_pass(world, a.date, cloud_cover=a.cloud_cover, hazy=a.hazy, orbit=a.orbit, level=a.level)
    counts = _counts(truth / f"cloud_{a.date:%Y%m%d}.tif")
    works = {band: target / f"{band}.work.tif" for band in BANDS}
    target.mkdir(parents=True, exist_ok=True)
    for band, work in works.items():
        _plain(cogs / FILES[band], work)
    safe.write(world, tile, resolution, a, works, counts, now.weather.sun, target)
    for work in works.values():
        work.unlink()


def _counts(mask: Path) -> Counts:
    counts = Counts()
    with opened(mask) as codes:
        for window in windows(codes.shape):
            counts.add(codes.read(1, window=window))
    return counts


def _plain(cog: Path, work: Path) -> None:
    """The pixels without the no-data value, which JPEG 2000 cannot hold."""
    with opened(cog) as source, work_file(work, geobox_of(source), source.dtypes[0]) as out:
        for row in range(0, source.height, 512):
            rows = rasterio.windows.Window(0, row, source.width, min(512, source.height - row))
            out.write(source.read(1, window=rows), 1, window=rows)
