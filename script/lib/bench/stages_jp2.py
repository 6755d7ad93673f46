"""Stages 1 to 3 of one tile as `stages`, from SAFE products of JPEG 2000."""

from script.lib.bench.measure import Bench
from script.lib.bench.report import Section
from script.lib.bench.stages import of_sources


def measure(bench: Bench) -> Section:
    """Measure the scenes as SAFE products."""
    return of_sources(bench, bench.scenes()[1])
