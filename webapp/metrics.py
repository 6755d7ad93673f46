"""What a process counts and times for Prometheus; `webapp/health.py` adds what database and queue know.

Web processes share one folder of counts (`PROMETHEUS_MULTIPROC_DIR`, set by `webapp/gunicorn.py`), so that
whichever answers tells of all. A worker answers on a port of its own (`manage.py worker --metrics-port`).
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess
from prometheus_client.registry import REGISTRY

STAGE_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
MAP_TILE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

STAGES = Histogram(
    "earthquilt_stage_seconds",
    "Seconds of one try of a stage, by how it ended: done, again (another try), empty, failed, unexpected.",
    ["stage", "outcome"],
    buckets=STAGE_BUCKETS,
)
MAP_TILES = Histogram(
    "earthquilt_map_tile_seconds",
    "Seconds until the bytes of a map tile were there: kept in memory or folder, or made.",
    ["source"],
    buckets=MAP_TILE_BUCKETS,
)
SWEEPS = Counter(
    "earthquilt_sweeps", "Sweeps by how they ended: done, put off (database or queue away).", ["outcome"]
)


@dataclass
class Try:
    """One try of a stage; whoever knows how it ends says so."""

    outcome: str = "unexpected"


@contextmanager
def timed_stage(stage: str) -> Iterator[Try]:
    """Time one try of a stage."""
    began, seen = time.monotonic(), Try()
    try:
        yield seen
    finally:
        STAGES.labels(stage, seen.outcome).observe(time.monotonic() - began)


def registry() -> CollectorRegistry:
    """All that is counted: of every web process where they share a folder, else of this process."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    shared = CollectorRegistry()
    multiprocess.MultiProcessCollector(shared)
    return shared
