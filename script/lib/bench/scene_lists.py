"""Scene lists: 60 and 500 candidates of a tile, and the lists of 100 tiles that are to agree."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from script.lib.bench import runs
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.bench.scene_list_instances import REGION_SIDE, SUMMERS, YEARS
from script.lib.say import say, step

# Seeds from here on; those from 9000 on are kept for tests.
SEED = 7000
SUMMER_LIMIT, SUMMER_MOST = 30.0, 2.0
YEAR_LIMIT = 15.0
REGION_LIMIT = 120.0
REGIONS = ("mild",)
NOTES = (
    "Previews of 343 x 343 pixels, share 0.999; the clear share of a candidate is drawn evenly from 20 % to "
    "95 % (mild), 80 % (heavy) or 70 % (heaviest). Seconds of 60 candidates are those of one processor, of "
    "500 candidates and of the region those of the clock; merging the masks included, compiling not. The "
    "second-best list is looked for afterwards and comes besides: for a tenth of the time limit (15 s in a "
    "build) where the best one is proven, else near to it.",
)


def measure(bench: Bench) -> Section:
    """Measure lists of 60 candidates, regions, and lists of 500 candidates, `runs` seeds of each."""
    bench = replace(bench, threads=1)
    seeds = range(SEED, SEED + bench.count)
    with step("60 candidates"):
        summers = {name: _lists(bench, name, seeds, SUMMER_LIMIT) for name in SUMMERS}
    with step(f"{REGION_SIDE} x {REGION_SIDE} tiles together"):
        regions = {name: [_region(bench, name)] for name in REGIONS}
    with step("500 candidates"):
        years = {name: _lists(bench, name, seeds, YEAR_LIMIT) for name in YEARS}
    found = {**summers, **years, **{f"region, {name}": done for name, done in regions.items()}}
    tables = (_summers(summers), _years(years), _regions(regions))
    return Section("Scene lists", tables, runs.in_json(found), NOTES)


def _lists(bench: Bench, family: str, seeds: Sequence[int], limit: float) -> list[Run]:
    done = bench.task("scene-list", family=family, seeds=list(seeds), limit=limit)
    for one in done.answer["lists"]:
        say(f"    {family}: {one}")
    return [done]


def _region(bench: Bench, family: str) -> Run:
    done = bench.task("scene-lists", family=family, seed=SEED, side=REGION_SIDE, limit=REGION_LIMIT)
    say(f"    {family}: {done.seconds:.1f} s, {done.answer}")
    return done


def _summers(found: dict[str, list[Run]]) -> Table:
    rows = []
    for name, done in found.items():
        lists = done[0].answer["lists"]
        seconds = [one["seconds"] for one in lists]
        proven = sum(one["proven"] for one in lists)
        rows.append(
            (
                name,
                _span(one["scenes"] for one in lists),
                f"{statistics.median(seconds):.2f} s",
                f"{max(seconds):.2f} s",
                f"{proven} of {len(lists)}",
                _seconds_for_second(lists),
                f"{sum(one['second_proven'] for one in lists)} of {len(lists)}",
                "yes" if proven == len(lists) and max(seconds) < SUMMER_MOST else "no",
            )
        )
    return Table(
        f"60 candidates, every level proven; less than {SUMMER_MOST:.0f} s of one processor are wanted:",
        (
            "clouds",
            "scenes of the list",
            "median",
            "worst",
            "proven",
            "second-best list besides",
            "proven",
            "held",
        ),
        tuple(rows),
    )


def _years(found: dict[str, list[Run]]) -> Table:
    rows = []
    for name, done in found.items():
        for one in done[0].answer["lists"]:
            scenes, bound, wall = one["scenes"], one["bound"], one["wall"]
            held = "yes" if scenes - bound <= 1 and wall <= YEAR_LIMIT else "no"
            besides = _seconds_for_second([one])
            rows.append((name, one["seed"], scenes, bound, f"{wall:.2f} s", besides, held))
    return Table(
        f"500 candidates in at most {YEAR_LIMIT:.0f} s; at most one scene above the proven bound is wanted:",
        ("clouds", "seed", "scenes of the list", "proven bound", "clock", "second-best list besides", "held"),
        tuple(rows),
    )


def _regions(found: dict[str, list[Run]]) -> Table:
    rows = []
    for name, done in found.items():
        levels = done[0].answer["levels"]
        told = (f"{level['value']} ({_bound(level['bound'])})" for level in levels.values())
        seconds = statistics.median(run.seconds for run in done)
        gap_told = all(level["bound"] is not None for level in levels.values())
        times = (f"{seconds:.0f} s", f"{done[0].answer['cpu']:.0f} s")
        held = "yes" if gap_told and seconds <= REGION_LIMIT else "no"
        rows.append((name, done[0].answer["pairs"], *told, *times, held))
    return Table(
        f"{REGION_SIDE**2} tiles of 60 candidates that are to agree on datatakes, with proven bounds; "
        f"at most {REGION_LIMIT:.0f} s, and a bound of each level, are wanted:",
        (
            "clouds",
            "pairs of neighbours",
            "scenes",
            "pairs without a common datatake",
            "days",
            "clock",
            "processor",
            "held",
        ),
        tuple(rows),
    )


def _seconds_for_second(lists: Sequence[dict[str, Any]]) -> str:
    """The most that the second-best list took."""
    return f"{max(one['second_seconds'] for one in lists):.2f} s"


def _bound(bound: int | None) -> str:
    return "no bound" if bound is None else f"at least {bound}"


def _span(values: Any) -> str:
    found = sorted(values)
    return str(found[0]) if found[0] == found[-1] else f"{found[0]} to {found[-1]}"
