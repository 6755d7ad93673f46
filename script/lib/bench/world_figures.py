"""What the samples of `script/bench world` tell: figures of the time in which there was work for all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Samples = Sequence[Mapping[str, float]]

COUNTED = ("busy", "statements", "builds", "revisions", "jobs", "cpu")
# The first moments in which workers start, and the last in which there is not work for all, are left out.
START_SHARE = 0.1
QUEUE_PER_WORKER = 2


def window(main: Samples, workers: int) -> tuple[float, float]:
    """First and last moment of the time in which there was work for all.

    Args:
        main: those samples that count what is left.
        workers: how many there are.
    """
    counted = [one for one in main if "due" in one]
    first, last = counted[0]["time"], counted[-1]["time"]
    enough = [one["time"] for one in counted if one["due"] > QUEUE_PER_WORKER * workers] or [last]
    end = enough[-1]
    return first + START_SHARE * (end - first), end


def between(samples: Samples, name: str, start: float, end: float) -> float:
    """How much a counter grew between two moments."""
    times = [one["time"] for one in samples]
    values = [one[name] for one in samples]
    early, late = np.interp([start, end], times, values)
    return float(late - early)


def figures(
    processes: Sequence[Samples], services: Mapping[str, Samples], workers: int, tile_seconds: float
) -> dict[str, Any]:
    """The figures of one run.

    Args:
        processes: the samples of each process of workers, the first with what is left.
        services: processor time of the database and of Redis, by name.
        workers: how many there were.
        tile_seconds: mean length of all steps of a tile on the compressed clock.
    """
    start, end = window(processes[0], workers)
    grown = {name: sum(between(one, name, start, end) for one in processes) for name in COUNTED}
    cpu = {"workers": grown["cpu"]} | {
        name: between(one, "cpu", start, end) for name, one in services.items()
    }
    tiles = max(grown["builds"], 1.0)
    queued = [one["queued"] for one in processes[0] if "queued" in one and start <= one["time"] <= end]
    idle = workers * (end - start) - grown["busy"]
    return {
        "workers": workers,
        "seconds": round(end - start, 1),
        "tiles": round(grown["builds"]),
        "revisions": round(grown["revisions"]),
        "jobs_per_tile": round(grown["jobs"] / tiles, 2) if grown["jobs"] else None,
        "busy_share": round(grown["busy"] / (workers * (end - start)), 4),
        "idle_seconds_per_tile": round(idle / tiles, 4),
        "tile_seconds": tile_seconds,
        "statements_per_tile": round(grown["statements"] / tiles, 1),
        "cpu_ms_per_tile": {name: round(1000 * value / tiles, 1) for name, value in cpu.items()},
        "cpu_ms_per_tile_together": round(1000 * sum(cpu.values()) / tiles, 1),
        "left": next((one["left"] for one in reversed(processes[0]) if "left" in one), None),
        "least_queued": min(queued, default=0),
        "median_queued": float(np.median(queued)) if queued else 0.0,
    }


def slowest(milliseconds: Sequence[float]) -> dict[str, float]:
    """How long answers took: how many, median and the slowest twentieth, ms."""
    if not milliseconds:
        return {"requests": 0}
    p50, p95 = np.percentile(np.asarray(milliseconds), [50, 95])
    return {"requests": len(milliseconds), "p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1)}
