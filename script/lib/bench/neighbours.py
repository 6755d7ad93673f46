"""A mosaic that has neighbours: corrected to agree with them and blended over all overlaps."""

from pathlib import Path

from script.lib.bench import growth, runs
from script.lib.bench.inputs import TILE, require_gib, simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

BESIDE = ("33TXL", "33TWM")
OTHERS = ("33TVK", "33TWK", "33TXK", "33TVL", "33TVM", "33TXM")
GIB = 1024
MOST_MIB = 2 * GIB
GIB_PER_MEGAPIXEL = 0.12
KEPT = ("reflectance.tif", "cloud.tif", "candidates.json")


def measure(bench: Bench) -> Section:
    """Measure the mosaic of one tile alone, with two and with eight neighbours."""
    require_gib(bench.work, GIB_PER_MEGAPIXEL * bench.megapixels)
    builds = prepared(bench)
    around = {"none": (), "two": BESIDE, "eight": BESIDE + OTHERS}
    with step(f"The mosaic of {TILE}, alone and with its neighbours"):
        tasks = {
            name: lambda others=others: _mosaic(bench, {tile: builds[tile] for tile in (TILE, *others)})
            for name, others in around.items()
        }
        found = runs.paired(tasks, bench.count)
    return Section(
        title=f"A mosaic with neighbours, {bench.side} x {bench.side} pixels",
        tables=(_table(found),),
        figures=runs.in_json(found),
        notes=(
            "Seconds are medians, without starting Python; peak memory is that of the whole process tree. "
            "The neighbours show the ground of the tile's own composite, mirrored at its edges, each with "
            "gains and offsets of its own (3 % and 0.0015), so that overlaps show the same ground and are "
            "corrected. `stages`, `growth` and `one-tile` measure tiles without neighbours.",
        ),
    )


def prepared(bench: Bench) -> dict[str, Path]:
    """Folders, by tile name, of finished composites of the tile and its neighbours; made where missing."""
    inputs = simulated(bench.work, bench.resolution, bench.dates)
    folder = bench.work / "builds" / f"{inputs.folder.name}-neighbours"
    builds = {name: folder / name for name in (TILE, *BESIDE, *OTHERS)}
    if not (folder / "whole").exists():
        own = bench.copy_of(growth.prepared(bench, inputs, bench.settings()), "neighbours-own", KEPT)
        with step(f"The composite of {TILE}"):
            bench.task("lay", tile=TILE, settings=bench.settings(), folder=own, count=bench.dates)
        with step("Its ground under the neighbours"):
            bench.task("mirrored", source=own, builds=builds, settings=bench.settings())
        (folder / "whole").touch()
    return builds


def _mosaic(bench: Bench, builds: dict[str, Path]) -> Run:
    """Only the mosaic, into a folder of its own."""
    out = bench.copy_of(builds[TILE], "neighbours", ())
    return bench.task("mosaic", tile=TILE, builds=builds, settings=bench.settings(), out=out)


def _table(found: dict[str, list[Run]]) -> Table:
    rows = tuple(
        (
            name,
            f"{runs.median_seconds(done):.1f} s",
            f"{sum(run.cpu for run in done) / len(done):.0f} s",
            f"{runs.peak_mib(done) / GIB:.2f} GiB",
            "yes" if runs.peak_mib(done) <= MOST_MIB else "no",
        )
        for name, done in found.items()
    )
    caption = f"The mosaic of {TILE} from finished composites; at most 2 GiB are wanted:"
    return Table(caption, ("neighbours", "time", "processor time", "peak memory", "held"), rows)
