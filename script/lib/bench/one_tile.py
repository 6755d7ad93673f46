"""A whole tile from catalog to landcover on the machine's cores: how long, and where the time goes."""

import statistics
from collections.abc import Sequence

from script.lib.bench import gpu, runs
from script.lib.bench.inputs import TILE, Inputs, require_gib, simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

STEPS = ("scene list", "imagery", "composite", "landcover", "revision")
MOST_SECONDS = 30 * 60
GIB = 1024
GIB_PER_MEGAPIXEL = 0.1


def measure(bench: Bench) -> Section:
    """Run the whole chain for one tile, `runs` times.

    Raises:
        Trouble: there is no GPU where one is to be measured.
    """
    card = gpu.card_of(bench) if bench.device == "cuda" else None
    require_gib(bench.work, GIB_PER_MEGAPIXEL * bench.megapixels)
    inputs = simulated(bench.work, bench.resolution, bench.dates)
    with step("One tile from catalog to landcover"):
        done = runs.paired({TILE: lambda: _chain(bench, inputs)}, bench.count)[TILE]
    return Section(
        title=f"One tile, {bench.side} x {bench.side} pixels, {bench.dates} candidate dates, to landcover"
        + (" on a GPU" if card else ""),
        tables=(_summary(done), _steps(done)),
        figures=runs.in_json({"runs": done}) | ({"gpu": card} if card else {}),
        notes=(
            f"Medians of {len(done)} runs, the most of their memory, without starting Python; "
            f"{gpu.told(card) if card else 'no GPU.'} "
            "The networks' seconds are part of the steps that they run in: `cloud` of imagery, `water`, "
            "`vegetation` and `buildings` of landcover.",
        ),
    )


def _chain(bench: Bench, inputs: Inputs) -> Run:
    return bench.chain(bench.copy_of(inputs.folder, "one-tile", ()), inputs, STEPS)


def _summary(done: Sequence[Run]) -> Table:
    answer, seconds = done[0].answer, runs.median_seconds(done)
    row = (
        TILE,
        len(answer["scenes"]),
        len(answer["wanted"]),
        f"{seconds / 60:.1f} min",
        f"{statistics.median(run.cpu for run in done) / 60:.1f} min",
        f"{runs.peak_mib(done) / GIB:.2f} GiB",
        "yes" if seconds <= MOST_SECONDS else "no",
    )
    columns = ("tile", "scenes of the list", "dates fused", "time", "processor time", "peak memory", "held")
    return Table("From catalog to landcover; at most 30 minutes are wanted:", columns, (row,))


def _steps(done: Sequence[Run]) -> Table:
    whole = runs.median_seconds(done)
    found = [(name, name, "steps") for name in done[0].answer["steps"]]
    found += [(f"of it the network `{name}`", name, "networks") for name in done[0].answer["networks"]]
    rows = []
    for shown, name, kind in found:
        seconds = statistics.median(run.answer[kind][name] for run in done)
        rows.append((shown, f"{seconds:.1f} s", f"{seconds / whole:.0%}"))
    return Table("Where the time goes:", ("step", "time", "share"), tuple(rows))
