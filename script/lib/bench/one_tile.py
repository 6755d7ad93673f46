"""A whole tile from catalog to landcover on the machine's cores: how long, and where the time goes."""

from script.lib.bench.inputs import TILE, require_gib, simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

STEPS = ("scene list", "imagery", "composite", "landcover", "revision")
MOST_SECONDS = 30 * 60
GIB = 1024
GIB_PER_MEGAPIXEL = 0.1


def measure(bench: Bench) -> Section:
    """Run the whole chain for one tile, once."""
    require_gib(bench.work, GIB_PER_MEGAPIXEL * bench.megapixels)
    inputs = simulated(bench.work, bench.resolution, bench.dates)
    with step("One tile from catalog to landcover"):
        folder = bench.copy_of(inputs.folder, "one-tile", ())
        done = bench.chain(folder, inputs, STEPS)
    return Section(
        title=f"One tile, {bench.side} x {bench.side} pixels, {bench.dates} candidate dates, to landcover",
        tables=(_summary(done), _steps(done)),
        figures={"run": done.to_json()},
        notes=(
            "One run, without starting Python; no GPU is used. The networks' seconds are part of the steps "
            "that they run in: `cloud` of imagery, `water`, `vegetation` and `buildings` of landcover.",
        ),
    )


def _summary(done: Run) -> Table:
    answer = done.answer
    row = (
        TILE,
        len(answer["scenes"]),
        len(answer["wanted"]),
        f"{done.seconds / 60:.1f} min",
        f"{done.cpu / 60:.1f} min",
        f"{done.peak_mib / GIB:.2f} GiB",
        "yes" if done.seconds <= MOST_SECONDS else "no",
    )
    columns = ("tile", "scenes of the list", "dates fused", "time", "processor time", "peak memory", "held")
    return Table("From catalog to landcover; at most 30 minutes are wanted:", columns, (row,))


def _steps(done: Run) -> Table:
    steps, networks = done.answer["steps"], done.answer["networks"]
    shares = [(name, seconds) for name, seconds in steps.items()]
    shares += [(f"of it the network `{name}`", seconds) for name, seconds in networks.items()]
    rows = tuple((name, f"{seconds:.1f} s", f"{seconds / done.seconds:.0%}") for name, seconds in shares)
    return Table("Where the time goes:", ("step", "time", "share"), rows)
