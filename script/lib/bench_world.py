"""`script/bench world`: what scheduling costs for a campaign of all land, with stages of simulated length."""

import argparse
import json
import os
import shutil
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from script.lib import ports, processes, server
from script.lib.bench import machine
from script.lib.bench.world_figures import figures, slowest
from script.lib.bench_review_desk import wait_for
from script.lib.places import LOCAL, PYTHON, only_one
from script.lib.processes import Children
from script.lib.say import say, step
from script.lib.services import Services

FOLDER = LOCAL / "bench-world"
HOST = "127.0.0.1"
WEB_PROCESSES, WEB_THREADS = 1, 4
ASK_SECONDS = 0.5
SAMPLE_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
MOST_CPU_MS, LEAST_BUSY, MOST_P95_MS = 50.0, 0.95, 200.0
# Sweeps on the compressed clock; a machine of its own runs far fewer workers than this one.
SPEEDS = {"SWEEP_SECONDS": "5", "MAP_MEMORY_SECONDS": "0"}


def main(arguments: list[str]) -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="script/bench world", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="file for all figures")
    parser.add_argument("--tiles", type=int, default=20_000, help="tiles of the campaign")
    parser.add_argument(
        "--workers", type=int, nargs="+", default=[1, 10, 100], help="one run with each number"
    )
    parser.add_argument(
        "--tile-seconds", type=float, default=4.0, help="all steps of a tile, on the fast clock"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run but the last")
    parser.add_argument("--last-seconds", type=float, default=1000.0, help="of the last run, at most")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that hold the workers")
    chosen = parser.parse_args(arguments)
    words = ["world", "--tiles", str(chosen.tiles), "--tile-seconds", f"{chosen.tile_seconds:g}"]
    about = machine.about([*words, "--workers", *map(str, chosen.workers)], 1)
    services = Services("bench-world-services")
    with only_one("bench-world", "A benchmark is running in this checkout already: wait until it ends."):
        services.start()
        environment = dict(os.environ) | services.environment() | SPEEDS
        environment |= {"STORAGE_URL": str(FOLDER / "storage"), "LOG_LEVEL": "ERROR", "OMP_NUM_THREADS": "1"}
        environment["SECRET_KEY"] = "of-a-benchmark"
        try:
            with processes.interruptible():
                runs = [run(chosen, services, environment, workers) for workers in chosen.workers]
        finally:
            services.stop()
    shutil.rmtree(FOLDER)
    shutil.rmtree(services.folder)
    found = {"runs": runs, "held": held(runs), "about": about | {"load_after": round(os.getloadavg()[0], 2)}}
    say(json.dumps(found, indent=1))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def run(
    chosen: argparse.Namespace, services: Services, environment: Mapping[str, str], workers: int
) -> dict[str, Any]:
    """The figures of one number of workers on a campaign of its own."""
    folder = FOLDER / str(workers)
    shutil.rmtree(folder, ignore_errors=True)
    children = Children(folder)
    try:
        with step(f"A campaign of {chosen.tiles} tiles"):
            line = [PYTHON, "-m", "script.lib.bench.world_campaign", str(chosen.tiles), "world"]
            children.start("campaign", line, environment)
            place = json.loads(children.finish("campaign").splitlines()[-1])
        port = ports.free_port()
        children.start("server", server.command(HOST, port, WEB_PROCESSES, WEB_THREADS), environment)
        wait_for(children, port)
        seconds = chosen.last_seconds if workers == chosen.workers[-1] else chosen.seconds
        count = min(chosen.processes, workers)
        with step(f"{workers} workers in {count} processes, {seconds:.0f} s at most"):
            watch = Watch(services, port, place)
            watch.start()
            for number in range(count):
                threads = workers // count + (number < workers % count)
                line = [PYTHON, "-m", "script.lib.bench.world_workers", folder, str(number), str(threads)]
                line += ["world", str(chosen.tile_seconds), str(seconds)]
                children.start(f"workers-{number}", line, environment)
            for number in range(count):
                children.finish(f"workers-{number}")
            watch.end()
        samples = [lines_of(folder / f"samples-{number}.jsonl") for number in range(count)]
        found = figures(samples, watch.samples, workers, chosen.tile_seconds)
    finally:
        children.stop()
    answers = {name: slowest(found_) for name, found_ in watch.milliseconds.items()}
    return found | {"answers": answers, "errors": watch.errors[:5], "campaign": place}


def lines_of(path: Path) -> list[dict[str, float]]:
    """The samples of a process; the last line may be cut short."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


class Watch:
    """Asks the web application all the while, and notes the processor time of database and Redis."""

    def __init__(self, services: Services, port: int, place: Mapping[str, Any]) -> None:
        postgres, redis = services.parts()
        self.pids = {"postgres": int(postgres.pid_lines()[0]), "redis": redis.pid()}
        tiles = "/api/campaigns/world/tiles/"
        self.addresses = {
            "map page": "/",
            "campaign": "/api/campaigns/world/",
            "tile": f"{tiles}{place['tile']}/",
            "tiles in view": f"{tiles}?bbox={place['box']}",
        }
        self.port, self.ended = port, threading.Event()
        self.milliseconds: dict[str, list[float]] = {name: [] for name in self.addresses}
        self.samples: dict[str, list[dict[str, float]]] = {name: [] for name in self.pids}
        self.errors: list[str] = []
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self._ask, self._sample)]

    def start(self) -> None:
        """Begin."""
        for thread in self.threads:
            thread.start()

    def end(self) -> None:
        """Stop, and wait for the last answer."""
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _ask(self) -> None:
        while not self.ended.wait(ASK_SECONDS):
            for name, address in self.addresses.items():
                began = time.perf_counter()
                try:
                    with urllib.request.urlopen(f"http://{HOST}:{self.port}{address}", timeout=60) as reply:
                        reply.read()
                except OSError as error:
                    self.errors.append(f"{address}: {error}")
                    continue
                self.milliseconds[name].append(1000 * (time.perf_counter() - began))

    def _sample(self) -> None:
        while True:
            for name, pid in self.pids.items():
                self.samples[name].append({"time": time.time(), "cpu": cpu_of(pid)})
            if self.ended.wait(SAMPLE_SECONDS):
                return


def cpu_of(pid: int) -> float:
    """Processor time of a process and its children, those that have ended included, seconds."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [pid, *map(int, path.read_text().split())]
    return sum(_ticks(one, one == pid) for one in pids) / TICKS


def _ticks(pid: int, with_ended: bool) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    # utime, stime, and those of children that were waited for.
    return sum(int(fields[place]) for place in (11, 12, *((13, 14) if with_ended else ())))


def held(runs: list[dict[str, Any]]) -> dict[str, bool]:
    """Which of the promises were held in all runs."""
    statements = [one["statements_per_tile"] for one in runs]
    answers = [answer for one in runs for answer in one["answers"].values() if answer["requests"]]
    return {
        "at most 50 ms of one core per tile": all(
            one["cpu_ms_per_tile_together"] <= MOST_CPU_MS for one in runs
        ),
        "workers at least 95 % busy": all(one["busy_share"] >= LEAST_BUSY for one in runs),
        "queue never starved": all(one["least_queued"] >= 2 * one["workers"] for one in runs),
        "statements per tile constant (10 %)": max(statements) <= 1.1 * min(statements),
        "p95 of page and API under 200 ms": all(one["p95_ms"] < MOST_P95_MS for one in answers),
    }
