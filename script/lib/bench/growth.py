"""How stage 3 grows with the number of scenes that it lays and with the area."""

from pathlib import Path
from typing import Any

from script.lib.bench import runs
from script.lib.bench.inputs import RESOLUTIONS, TILE, Inputs, simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

DATES_RESOLUTION = 60
TIMES = (1, 2, 4, 8)
GIB = 1024


def measure(bench: Bench) -> Section:
    """Measure the growth with dates, at 60 m, and with the area, at the run's resolution."""
    inputs = simulated(bench.work, bench.resolution, bench.dates)
    dates, area = _with_dates(bench), _with_area(bench, inputs)
    return Section(
        title=f"How stage 3 grows, up to {bench.side} x {bench.side} pixels",
        tables=(
            _table("Stage 3 at 60 m with 1 to 8 times as many scenes, all of them laid:", "scenes", dates),
            _table(
                "Stage 3 of the same scenes, up to nine times as many pixels of the tile:", "megapixels", area
            ),
        ),
        figures={
            "dates": {str(size): [run.to_json() for run in found] for size, found in dates.items()},
            "area": {str(size): [run.to_json() for run in found] for size, found in area.items()},
        },
        notes=("Seconds are medians, without starting Python; the cloud masks are the simulation's own.",),
    )


def _with_dates(bench: Bench) -> dict[float, list[Run]]:
    counts = [bench.dates * times for times in TIMES]
    inputs = simulated(bench.work, DATES_RESOLUTION, counts[-1])
    settings = bench.settings(resolution=DATES_RESOLUTION)
    with step(f"Growth of stage 3 with up to {counts[-1]} scenes at {DATES_RESOLUTION} m"):
        build = prepared(bench, inputs, settings)
        tasks = {count: _stage_3(bench, build, settings, count) for count in counts}
        return runs.paired(tasks, bench.count)


def _with_area(bench: Bench, inputs: Inputs) -> dict[float, list[Run]]:
    tasks = {}
    with step("Growth of stage 3 with the area"):
        for resolution in _finer_last(bench.resolution):
            settings = bench.settings(resolution=resolution)
            build = prepared(bench, inputs, settings)
            tasks[round((109_800 / resolution) ** 2 / 1e6, 1)] = _stage_3(bench, build, settings, bench.dates)
        return runs.paired(tasks, bench.count)


def _finer_last(resolution: int) -> list[int]:
    """Pixel sizes of products from three times the run's to the run's: one to nine times as many pixels."""
    return [size for size in reversed(RESOLUTIONS) if resolution <= size <= 3 * resolution]


def prepared(bench: Bench, inputs: Inputs, settings: dict[str, Any]) -> Path:
    """A folder with all scenes on the grid and their true cloud masks, made unless it is there."""
    folder = bench.work / "builds" / f"{inputs.folder.name}-truth-{settings['resolution']}m"
    if not (folder / "whole").exists():
        bench.task("with-truth", tile=TILE, settings=settings, folder=folder, catalog=inputs.catalog,
                   truth=inputs.truth)  # fmt: skip
        (folder / "whole").touch()
    return folder


def _stage_3(bench: Bench, build: Path, settings: dict[str, Any], count: int) -> Any:
    def run() -> Run:
        place = bench.copy_of(build, "growth", ("reflectance.tif", "cloud.tif", "candidates.json"))
        return bench.task("lay", tile=TILE, settings=settings, folder=place, count=count)

    return run


def _table(caption: str, size: str, found: dict[float, list[Run]]) -> Table:
    first = min(found)
    base = runs.median_seconds(found[first])
    rows = tuple(
        (
            f"{amount:g}",
            f"{amount / first:.1f}",
            f"{runs.median_seconds(measured):.1f} s",
            f"{runs.median_seconds(measured) / base:.2f}",
            f"{runs.median_seconds(measured) / amount:.2f} s",
            f"{runs.peak_mib(measured) / GIB:.2f} GiB",
        )
        for amount, measured in sorted(found.items())
    )
    columns = (
        size,
        "times as many",
        "time",
        "times as long",
        f"time per {size.removesuffix('s')}",
        "peak memory",
    )
    return Table(caption, columns, rows)
