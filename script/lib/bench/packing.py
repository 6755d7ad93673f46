"""Ways to pack rasters: processor seconds of writing and reading, and size."""

import statistics
from typing import Any

from script.lib.bench.growth import prepared
from script.lib.bench.inputs import simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.say import step


def measure(bench: Bench) -> Section:
    """Pack one scene in each way, again and again."""
    inputs = simulated(bench.work, bench.resolution, bench.dates)
    build = prepared(bench, inputs, bench.settings())
    source = sorted(build.glob("scenes/*/reflectance.tif"))[0]
    scratch = bench.copy_of(build, "packing", ())
    with step("Packing one scene in each way"):
        rounds = [
            bench.task("pack", source=source, scratch=scratch).answer["ways"] for _ in range(bench.count)
        ]
    return Section(
        title=f"Ways to pack a raster of {bench.side} x {bench.side} pixels, four bands",
        tables=(_table(rounds),),
        figures={"rounds": rounds},
        notes=(
            "Medians; one simulated scene, as stored reflectance (uint16) and under the tone curve (uint8).",
        ),
    )


def _table(rounds: list[dict[str, dict[str, Any]]]) -> Table:
    def median(way: str, figure: str) -> float:
        return statistics.median(found[way][figure] for found in rounds)

    rows = tuple(
        (
            way,
            *(f"{median(way, figure):.2f} s" for figure in ("write", "read")),
            f"{median(way, 'mib'):.0f} MiB",
        )
        for way in rounds[0]
    )
    caption = f"Processor seconds, medians of {len(rounds)} rounds:"
    return Table(caption, ("way", "write", "read", "size"), rows)
