"""A whole simulated season: several tiles, several dates, one catalog, and the truth beside it."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.grid import SIZE, Tile
from pipeline.simulate import stac
from pipeline.simulate.plan import plan
from pipeline.simulate.tile_season import Job, make_tile
from pipeline.simulate.world import World

FORMATS = ("safe", "stac")
START, END = dt.date(2023, 6, 1), dt.date(2023, 8, 31)


def simulate(
    out: Path,
    tiles: Sequence[str],
    dates: int,
    resolution: float,
    seed: int,
    format: str,
    start: dt.date = START,
    end: dt.date = END,
    level: str = "L2A",
    progress: Callable[[str, str], None] | None = None,
    workers: int | None = None,
) -> Path:
    """Write simulated scenes of some tiles, and `truth/` beside them.

    Truth, per tile, in `out/truth/TILE/`: `clear_DATE.tif` (stored reflectance of the ground on that date),
    `cloud_DATE.tif` (0, 1, 2, 255), `haze_DATE.tif` (float32 level), `classes.tif` and `truth.json`.

    Args:
        out: folder to write to.
        tiles: tile names; the first one's zone is the world's.
        dates: passes over the tiles; a tile outside a pass's swath has fewer scenes.
        resolution: pixel size in metres, which divides the tile.
        seed: the same seed gives the same bytes.
        format: `safe` (folders with JPEG 2000) or `stac` (static catalog with COG).
        start: first day.
        end: last day.
        level: L2A or L1C.
        progress: called with a tile's name and what was done, when a tile is done.
        workers: processes; one for each core where None, none beside this one where 1.

    Returns:
        What `open_catalog` takes: `out/catalog.json`, or `out` for SAFE.

    Raises:
        UsageError: an argument cannot be used.
    """
    names = sorted({Tile.parse(name).name for name in tiles})
    _check(names, resolution, format, level)
    reference = Tile.parse(tiles[0]).name
    acquisitions = tuple(plan(World(seed, reference), dates, start, end, level))
    out = Path(out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    jobs = [Job(seed, reference, name, resolution, acquisitions, format, out) for name in names]
    ids = _run(jobs, progress, workers or min(os.cpu_count() or 1, len(jobs)))
    if format == "safe":
        return out
    return stac.write_catalog(out, level, [identity for name in names for identity in ids[name]])


def _check(names: list[str], resolution: float, format: str, level: str) -> None:
    if not names:
        raise UsageError("At least one tile is needed.", "tile")
    if format not in FORMATS:
        raise UsageError(f"The format is safe or stac, not {format!r}.", "format")
    if level not in ("L1C", "L2A"):
        raise UsageError(f"A product level is L1C or L2A, not {level!r}.", "level")
    if resolution < 10 or SIZE % resolution:
        raise UsageError(
            f"A resolution of {resolution} m does not divide a tile of {SIZE} m into pixels.", "resolution"
        )


def _run(jobs: list[Job], progress: Callable[[str, str], None] | None, workers: int) -> dict[str, list[str]]:
    tell = progress or (lambda tile, step: None)
    made: dict[str, list[str]] = {}
    if workers <= 1:
        for job in jobs:
            made[job.tile] = make_tile(job)
            tell(job.tile, f"{len(made[job.tile])} scenes written")
        return made
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        futures = {pool.submit(make_tile, job): job for job in jobs}
        for future in as_completed(futures):
            tile = futures[future].tile
            made[tile] = future.result()
            tell(tile, f"{len(made[tile])} scenes written")
    return made
