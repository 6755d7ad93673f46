"""`script/bench crowd`: many map clients at once while workers are busy, and whether a flood slows others."""

import argparse
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from script.lib import front, ports, processes, server
from script.lib.bench import machine
from script.lib.bench.inputs import FULL_RESOLUTION, simulated
from script.lib.packages import last_line
from script.lib.places import LOCAL, PYTHON, ROOT, only_one
from script.lib.processes import Children
from script.lib.say import Trouble, say, step
from script.lib.services import Services

FOLDER = LOCAL / "bench-crowd"
HOST = "127.0.0.1"
PROCESSES, THREADS = 2, 4
SECONDS_TO_START = 90
BUSY_RESOLUTION = 60
SAMPLE_SECONDS = 5.0
MOST_P99 = 2000.0
MOST_GROWTH = 1.10
FINE = (200, 404)
# Ten clients that rest so long stay below what one key may ask of nginx.
KEY_REST = 2.0


class Memory(threading.Thread):
    """Adds up the memory of a process and its children every few seconds, in MiB."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.samples, self.ended = pid, [], threading.Event()

    def run(self) -> None:
        while not self.ended.wait(SAMPLE_SECONDS):
            self.samples.append(sum(_own(pid) for pid in [self.pid, *_children(self.pid)]))


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def _own(pid: int) -> float:
    """Memory of a process that no other shares, and its part of what others do (proportional set size)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


class Crowd:
    """A server with a campaign, busy workers beside it, and clients."""

    def __init__(self, chosen: argparse.Namespace, environment: Mapping[str, str]):
        self.chosen, self.environment = chosen, environment
        self.web_port = self.port = ports.free_port()
        self.children, self.busy = Children(FOLDER / "logs"), Children(FOLDER / "busy-logs")
        self.place: dict[str, Any] = {}
        self.keys: list[str] = []

    def prepare(self) -> None:
        with step(f"Making a campaign of one tile at {self.chosen.resolution} m"):
            line = [PYTHON, "-m", "script.lib.bench.map_tiles_campaign", FOLDER, str(self.chosen.resolution)]
            self.children.start("campaign", line, self.environment)
            self.place = json.loads(self.children.finish("campaign").splitlines()[-1])
        self.children.start("keys", [PYTHON, "-m", "script.lib.bench.crowd_keys"], self.environment)
        self.keys = json.loads(self.children.finish("keys").splitlines()[-1])
        with step(f"Scenes for {self.chosen.workers} busy workers"):
            simulated(FOLDER, BUSY_RESOLUTION, 3, 8102)

    def start(self) -> int:
        """Start the server and the busy workers; gives the server's process."""
        line = server.command(HOST, self.web_port, PROCESSES, THREADS)
        self.children.start("server", line, self.environment)
        if self.chosen.front:
            self.port = ports.free_port()
            # All these clients have one address.
            changes = {"rate=200r/s": "rate=100000r/s", "rate=500r/s": "rate=100000r/s"}
            conf = front.written(FOLDER / "front", self.port, self.web_port, changes)
            self.children.start("front", front.command(conf), self.environment)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            self.children.check()
            if time.monotonic() > deadline:
                raise Trouble(f"No server answers on port {self.port}: see {self.children.log('server')}.")
            time.sleep(0.2)
        catalog = simulated(FOLDER, BUSY_RESOLUTION, 3, 8102).catalog
        for number in range(self.chosen.workers):
            line = [PYTHON, "-m", "script.lib.bench.crowd_busy", catalog, FOLDER / "busy" / str(number)]
            self.busy.start(f"busy-{number}", line, dict(self.environment) | {"OMP_NUM_THREADS": "1"})
        time.sleep(self.chosen.settle)
        return self.children.running["server"].pid

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/healthz", timeout=10) as reply:
                return reply.status == 200
        except OSError:
            return False

    def clients(self, number: int, seconds: float, rest: float, key: str = "") -> subprocess.Popen[str]:
        """Send clients on their way."""
        asked = {
            "host": HOST, "port": self.port, "tiles": self.place["tiles"], "clients": number,
            "seconds": seconds, "rest": rest, "headers": f"X-API-Key: {key}\r\n" if key else "",
            "address": f"/tiles/{self.place['campaign']}/1/rgb/{{z}}/{{x}}/{{y}}.webp",
        }  # fmt: skip
        line = [PYTHON, "-m", "script.lib.bench.crowd_loader"]
        child = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert child.stdin
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        child.stdin = None
        return child

    def stop(self) -> None:
        self.busy.stop()
        self.children.stop()


def told(child: subprocess.Popen[str]) -> dict[str, Any]:
    """What clients have seen: requests, statuses, errors, median and the slowest hundredth in ms."""
    out, error = child.communicate()
    if child.returncode:
        raise Trouble(f"The clients failed: {last_line(error)}")
    found = json.loads(out)
    slow = np.asarray(found["milliseconds"])
    return {
        "requests": len(slow),
        "statuses": found["statuses"],
        "errors": found["errors"][:10],
        "p50": float(np.percentile(slow, 50)),
        "p99": float(np.percentile(slow, 99)),
    }


def main(arguments: list[str]) -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="script/bench crowd", description=__doc__)
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=8, help="processes that build all the while")
    parser.add_argument("--resolution", type=int, default=FULL_RESOLUTION, metavar="M")
    parser.add_argument("--settle", type=float, default=15.0, help="seconds for the workers to get going")
    parser.add_argument("--front", action="store_true", help="with nginx in front, as in docker/compose.yaml")
    parser.add_argument("--keep", action="store_true", help="leave scenes and products for another run")
    chosen = parser.parse_args(arguments)
    if chosen.front and front.nginx() is None:
        raise Trouble("nginx is not installed here: install nginx-light, or leave --front out.", status=2)
    words = ["crowd", *(["--front"] if chosen.front else []), "--resolution", str(chosen.resolution)]
    about = machine.about(words, THREADS)
    services = Services("bench-crowd-services")
    with only_one("bench-crowd", "A benchmark is running in this checkout already: wait until it ends."):
        services.start()
        environment = dict(os.environ) | services.environment() | {"STORAGE_URL": str(FOLDER / "storage")}
        environment |= {"LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1", "SECRET_KEY": "of-a-benchmark"}
        crowd = Crowd(chosen, environment)
        try:
            with processes.interruptible():
                found = measure(crowd)
        finally:
            crowd.stop()
            services.stop()
    found["about"] = about | {"load_after": round(os.getloadavg()[0], 2)}
    say(json.dumps(found, indent=1))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    if not chosen.keep:
        shutil.rmtree(FOLDER)
        shutil.rmtree(services.folder)
    return 0


def measure(crowd: Crowd) -> dict[str, Any]:
    """The crowd alone, then a key's clients without and beside a flood by another key."""
    chosen = crowd.chosen
    crowd.prepare()
    memory = Memory(crowd.start())
    memory.start()
    with step(f"{chosen.clients} clients, {chosen.seconds:.0f} s"):
        alone = told(crowd.clients(chosen.clients, chosen.seconds, rest=1.0))
    memory.ended.set()
    memory.join()
    half = chosen.seconds / 2
    with step("Ten clients with a key"):
        calm = told(crowd.clients(10, half, KEY_REST, crowd.keys[1]))
    with step("The same beside a flood of another key"):
        flood = crowd.clients(50, half + 2, 0.0, crowd.keys[0])
        time.sleep(1.0)
        beside = told(crowd.clients(10, half, KEY_REST, crowd.keys[1]))
        flooding = told(flood)
    early = float(np.mean(memory.samples[1:4]))
    late = float(np.mean(memory.samples[-3:]))
    wrong = [status for status in alone["statuses"] if int(status) not in FINE]
    return {
        "crowd": alone | {"memory_mib": memory.samples, "memory_growth": late / early},
        "key": calm,
        "key_beside_flood": beside,
        "flood": flooding,
        "held": {
            "no error": not wrong and not alone["errors"],
            "p99 below 2 s": alone["p99"] < MOST_P99,
            "memory flat (10 %)": late / early < MOST_GROWTH,
            "no other is refused beside a flood": all(int(status) in FINE for status in beside["statuses"]),
            "p99 of others beside a flood below 2 s": beside["p99"] < MOST_P99,
        },
    }
