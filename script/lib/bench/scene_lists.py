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
    "95 % (mild), 80 % (heavy) or 70 % (heaviest). Seconds of 60 and 500 candidates are those of one "
    "processor, merging the masks included, compiling and the second-best list not; of the region those of "
    "the clock.",
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
                "yes" if proven == len(lists) and max(seconds) < SUMMER_MOST else "no",
            )
        )
    return Table(
        f"60 candidates, every level proven; less than {SUMMER_MOST:.0f} s of one processor are wanted:",
        ("clouds", "scenes of the list", "median", "worst", "proven", "held"),
        tuple(rows),
    )


def _years(found: dict[str, list[Run]]) -> Table:
    rows = []
    for name, done in found.items():
        for one in done[0].answer["lists"]:
            scenes, bound, seconds = one["scenes"], one["bound"], one["seconds"]
            rows.append(
                (name, one["seed"], scenes, bound, f"{seconds:.1f} s", "yes" if scenes - bound <= 1 else "no")
            )
    return Table(
        f"500 candidates in {YEAR_LIMIT:.0f} s; at most one scene above the proven bound is wanted:",
        ("clouds", "seed", "scenes of the list", "proven bound", "seconds", "held"),
        tuple(rows),
    )


def _regions(found: dict[str, list[Run]]) -> Table:
    rows = []
    for name, done in found.items():
        levels = done[0].answer["levels"]
        told = (f"{level['value']} ({_bound(level['bound'])})" for level in levels.values())
        seconds = statistics.median(run.seconds for run in done)
        rows.append(
            (name, done[0].answer["pairs"], *told, f"{seconds:.0f} s", f"{done[0].answer['cpu']:.0f} s")
        )
    return Table(
        f"{REGION_SIDE**2} tiles of 60 candidates that are to agree on datatakes, with proven bounds; "
        f"at most {REGION_LIMIT:.0f} s are wanted:",
        (
            "clouds",
            "pairs of neighbours",
            "scenes",
            "pairs without a common datatake",
            "days",
            "clock",
            "processor",
        ),
        tuple(rows),
    )


def _bound(bound: int | None) -> str:
    return "no bound" if bound is None else f"at least {bound}"


def _span(values: Any) -> str:
    found = sorted(values)
    return str(found[0]) if found[0] == found[-1] else f"{found[0]} to {found[-1]}"
