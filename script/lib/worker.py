"""`script/worker`: one process that works on queued stages."""

import argparse
import os
from collections.abc import Mapping

from script.lib import services
from script.lib.places import PYTHON, ROOT

# Large windows are given back to the system and taken again otherwise, page by page; and with a heap for each
# thread, none would use what GDAL's threads have freed.
MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "8000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def command(queues: str, metrics_port: int | None = None, gpu: bool = False) -> list[str]:
    line = [str(PYTHON), str(ROOT / "manage.py"), "worker", "--queues", *queues.split(",")]
    line += ["--gpu"] if gpu else []
    return line if metrics_port is None else [*line, "--metrics-port", str(metrics_port)]


def environment(base: Mapping[str, str], threads: int, gpu: int | None = None) -> dict[str, str]:
    """The environment of a worker: threads of the numeric libraries, memory, the one GPU it may see."""
    values = MALLOC | dict(base)
    values |= {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GDAL_NUM_THREADS")}
    return values if gpu is None else values | {"CUDA_VISIBLE_DEVICES": str(gpu)}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/worker", description="Work on queued stages.")
    parser.add_argument("--queues", default="gpu,cpu,download", help="comma separated, the first comes first")
    parser.add_argument("--gpu", type=int, metavar="N", help="use this GPU alone; refuse without")
    parser.add_argument("--metrics-port", type=int, metavar="PORT", help="answer Prometheus at this port")
    parser.add_argument(
        "--threads", type=int, default=os.cpu_count() or 1,
        help="threads of the numeric libraries (as many as cores)",
    )  # fmt: skip
    chosen = parser.parse_args(arguments)
    os.chdir(ROOT)
    line = command(chosen.queues, chosen.metrics_port, gpu=chosen.gpu is not None)
    os.execve(line[0], line, environment(services.environment(), chosen.threads, chosen.gpu))
