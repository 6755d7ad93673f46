"""The balance between tiles: time of 20,000 of them on one core, and how well 9 x 9 meet."""

from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

TILES = 20_000
MIDDLES = ("33NVA", "33UVR")
STEPS = 4


def measure(bench: Bench, tiles: int = TILES) -> Section:
    """Correct many tiles of one land once, and squares of 9 x 9 tiles near the equator and in Europe."""
    with step(f"Balancing {tiles} tiles"):
        many = bench.task("balance-many", tiles=tiles)
    with step("Balancing 9 x 9 tiles of random radiometry"):
        squares = {middle: bench.task("balance-square", middle=middle, steps=STEPS) for middle in MIDDLES}
    return Section(
        title=f"The balance of {tiles} tiles",
        tables=(_time(many), _meeting(squares)),
        figures={"many": many.to_json(), "squares": {name: run.to_json() for name, run in squares.items()}},
        notes=(
            "One process of one thread, a single run. The tiles fill a block without a sea, 35 S to 71 N, so "
            "that each has all its neighbours; the cells of each are read from a balance.npz of full size, "
            "and the ground that then takes their place is made up outside the time.",
        ),
    )


def _time(run: Run) -> Table:
    found = run.answer
    rows = (
        (
            found["tiles"],
            found["reads"],
            f"{found['processor_seconds'] / 60:.1f} min",
            f"{run.seconds / 60:.1f} min",
            f"{1000 * found['processor_seconds'] / found['tiles']:.1f} ms",
            f"{run.peak_mib / 1024:.2f} GiB",
        ),
    )
    columns = ("tiles", "files read", "processor", "wall clock", "processor per tile", "peak memory")
    return Table("Corrections of all tiles, reading included:", columns, rows)


def _meeting(squares: dict[str, Run]) -> Table:
    figures = ("before", "after", "from_whole")
    rows = tuple(
        (
            middle,
            run.answer["tiles"],
            run.answer["pairs"],
            *(f"{100 * run.answer[name]:.2f} %" for name in figures),
        )
        for middle, run in squares.items()
    )
    caption = (
        f"The tiles within {STEPS} steps of one, with random gains (3 %) and offsets (0.0015): worst median "
        "ratio of neighbours in any band, before and after, and the most that a correction of mean ground is "
        "off the solution of all tiles at once:"
    )
    return Table(caption, ("around", "tiles", "pairs", "before", "after", "from all at once"), rows)
