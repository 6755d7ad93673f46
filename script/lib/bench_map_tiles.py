"""`script/bench map-tiles`: map tiles a second beside TiTiler, and one client beside bare rio-tiler."""

import argparse
import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from script.lib import own_environment, ports, processes, server
from script.lib.bench import machine, map_tiles_report
from script.lib.bench.map_tiles_report import FORMATS, Pair
from script.lib.packages import last_line
from script.lib.places import LOCAL, PYTHON, ROOT, only_one
from script.lib.processes import Children
from script.lib.say import Trouble, say, step
from script.lib.services import Services

FOLDER = LOCAL / "bench-map-tiles"
VENV = LOCAL / "titiler-venv"
REQUIREMENTS = ROOT / "requirements-titiler.txt"
WORKERS, THREADS, CLIENTS = 2, 4, 8
SECONDS_TO_START = 90
LOOKS = 24
REST = 1.0
HOST = "127.0.0.1"
# What TiTiler's own documentation advises for speed, and one thread of the numeric libraries for both.
TITILER = {
    "GDAL_CACHEMAX": "200",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
}


@dataclass(frozen=True)
class Place:
    """What `map_tiles_campaign` has made: the map tiles asked for and the files behind them."""

    tiles: list[list[int]]
    campaign: str
    product: str
    copy: str

    def own(self, fmt: str) -> list[str]:
        """Our addresses."""
        return [f"/tiles/{self.campaign}/1/rgb/{z}/{x}/{y}.{fmt}" for z, x, y in self.tiles]

    def theirs(self, fmt: str, file: str) -> list[str]:
        """TiTiler's addresses of the same map tiles."""
        end = f"url={file}&bidx=1&bidx=2&bidx=3"
        return [f"/cog/tiles/WebMercatorQuad/{z}/{x}/{y}.{fmt}?{end}" for z, x, y in self.tiles]


class Race:
    """Starts servers, one at a time, and asks them."""

    def __init__(self, place: Place, children: Children, environment: Mapping[str, str]):
        self.place, self.children, self.environment = place, children, environment
        self.port = ports.free_port()

    def own(self, fmt: str, clients: int = CLIENTS) -> list[dict[str, Any]]:
        """Ask our server cold and warm."""
        shutil.rmtree(FOLDER / "storage" / ".cache", ignore_errors=True)
        line = server.command(HOST, self.port, WORKERS, THREADS)
        return self._ask(line, self.environment, self.place.own(fmt), clients)

    def theirs(self, fmt: str, file: str) -> list[dict[str, Any]]:
        """Ask TiTiler cold and warm."""
        line = [VENV / "bin" / "uvicorn", "titiler.application.main:app", "--host", HOST,
                "--port", self.port, "--workers", WORKERS, "--log-level", "warning"]  # fmt: skip
        environment = dict(self.environment) | TITILER
        return self._ask([str(word) for word in line], environment, self.place.theirs(fmt, file), CLIENTS)

    def _ask(
        self, line: Sequence[str], environment: Mapping[str, str], paths: list[str], clients: int
    ) -> list[dict[str, Any]]:
        drop_from_memory([self.place.product, self.place.copy])
        self.children.start("asked", line, environment)
        try:
            self._wait()
            return [self._load(paths, clients) for _ in ("cold", "warm")]
        finally:
            self.children.stop()

    def _wait(self) -> None:
        """Wait until all workers answer: a health check from many connections, then a rest."""
        deadline, answered = time.monotonic() + SECONDS_TO_START, 0
        while answered < LOOKS:
            self.children.check()
            if time.monotonic() > deadline:
                raise Trouble(f"No server answers on port {self.port}: see {self.children.log('asked')}.")
            try:
                with urllib.request.urlopen(f"http://{HOST}:{self.port}/healthz", timeout=10) as reply:
                    answered += reply.status == 200
            except OSError:
                time.sleep(0.2)
        time.sleep(REST)

    def _load(self, paths: list[str], clients: int) -> dict[str, Any]:
        asked = json.dumps({"host": HOST, "port": self.port, "paths": paths, "clients": clients})
        done = subprocess.run(
            [PYTHON, "-m", "script.lib.bench.loader"],
            input=asked, capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        if done.returncode:
            raise Trouble(f"Asking for map tiles failed: {last_line(done.stderr)}")
        return json.loads(done.stdout)


def main(arguments: list[str]) -> int:
    """Measure in pairs and write what was found."""
    parser = argparse.ArgumentParser(prog="script/bench map-tiles", description=__doc__)
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs, 5 or more to publish")
    parser.add_argument("--keep", action="store_true", help="leave scenes and products for another run")
    chosen = parser.parse_args(arguments)
    ensure_titiler()
    about = machine.about(["map-tiles", "--pairs", str(chosen.pairs)], THREADS)
    services = Services("bench-services")
    with only_one("bench-map-tiles", "A benchmark is running in this checkout already: wait until it ends."):
        services.start()
        environment = dict(os.environ) | services.environment() | {"STORAGE_URL": str(FOLDER / "storage")}
        environment |= {"LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1", "SECRET_KEY": "of-a-benchmark"}
        children = Children(FOLDER / "logs")
        try:
            with processes.interruptible():
                found = measure(children, environment, chosen.pairs)
        finally:
            children.stop()
            services.stop()
    found["about"] = about | {
        "load_after": round(os.getloadavg()[0], 2),
        "titiler": machine.versions(VENV / "bin" / "python"),
    }
    print(map_tiles_report.markdown(found))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    if not chosen.keep:
        shutil.rmtree(FOLDER)
        shutil.rmtree(services.folder)
    return 0


def measure(children: Children, environment: Mapping[str, str], pairs: int) -> dict[str, Any]:
    """Run all by turns; who begins changes from pair to pair."""
    with step("Making a campaign of one tile at 10 m"):
        line = [PYTHON, "-m", "script.lib.bench.map_tiles_campaign", FOLDER]
        children.start("campaign", line, environment)
        place = Place(**json.loads(children.finish("campaign").splitlines()[-1]))
    race, found = Race(place, children, environment), []
    for number in range(pairs):
        for fmt in FORMATS:
            with step(f"Pair {number + 1} of {pairs}, {fmt}"):
                runs = {
                    "own": lambda fmt=fmt: race.own(fmt),
                    "theirs": lambda fmt=fmt: race.theirs(fmt, place.product),
                    "theirs_same": lambda fmt=fmt: race.theirs(fmt, place.copy),
                }
                order = list(runs) if number % 2 == 0 else list(reversed(runs))
                found.append(Pair(fmt, os.getloadavg()[0], {name: runs[name]() for name in order}))
    alone = []
    for number in range(pairs):
        with step(f"One client beside bare rio-tiler, {number + 1} of {pairs}"):
            bare_first = number % 2 == 1
            bare = bare_rio_tiler(place, environment) if bare_first else None
            own = race.own("webp", clients=1)[0]["milliseconds"]
            alone.append({"own": own, "bare": bare or bare_rio_tiler(place, environment)})
    return map_tiles_report.summary(found, alone)


def bare_rio_tiler(place: Place, environment: Mapping[str, str]) -> list[float]:
    """Milliseconds of each map tile, read and encoded by rio-tiler in one process with the file open."""
    drop_from_memory([place.copy])
    asked, line = json.dumps(place.tiles), [PYTHON, "-m", "script.lib.bench.bare_rio_tiler", place.copy]
    done = subprocess.run(
        line, input=asked, capture_output=True, text=True, check=False, cwd=ROOT, env=dict(environment)
    )  # fmt: skip
    if done.returncode:
        raise Trouble(f"rio-tiler failed: {last_line(done.stderr)}")
    return json.loads(done.stdout)


def drop_from_memory(files: Sequence[str]) -> None:
    """Have the system forget what it holds of some files."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def ensure_titiler() -> None:
    """Make TiTiler's environment, unless it is there."""
    if own_environment.ensure(REQUIREMENTS, VENV):
        say(f"TiTiler is in {VENV}.")
