"""`script/bench review-desk`: how soon the next tile is on the reviewer's screen, with tiles of real size."""

import argparse
import json
import os
import shutil
import statistics
import time
import urllib.request
from pathlib import Path
from typing import Any

from script.lib import packages, ports, processes, server
from script.lib.bench import machine
from script.lib.places import LOCAL, PYTHON, only_one
from script.lib.processes import Children
from script.lib.say import Trouble, say, step
from script.lib.services import Services

FOLDER = LOCAL / "bench-review-desk"
HOST = "127.0.0.1"
WORKERS, THREADS = 2, 4
SECONDS_TO_START = 90
LIMIT = 300


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench review-desk", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--moves", type=int, default=24, help="keys pressed, 20 or more to publish")
    parser.add_argument("--resolution", type=int, default=10, choices=(10, 20, 60), metavar="M")
    parser.add_argument("--keep", action="store_true", help="leave campaign and rasters for another run")
    chosen = parser.parse_args(arguments)
    browser = packages.chromium()
    if browser is None:
        raise Trouble("No Chromium is installed: `script/test` installs Debian's.")
    services = Services("bench-services")
    alone = "A benchmark is running in this checkout already: wait until it has ended."
    with only_one("bench-review-desk", alone):
        services.start()
        environment = dict(os.environ) | services.environment() | {"STORAGE_URL": str(FOLDER / "storage")}
        environment |= {"LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1", "SECOND_OPINION_SHARE": "0"}
        children = Children(FOLDER)
        try:
            with processes.interruptible():
                found = measure(children, environment, chosen, str(browser))
        finally:
            children.stop()
            services.stop()
    if not chosen.keep:
        shutil.rmtree(FOLDER)
        shutil.rmtree(services.folder)
    say(f"From key to picture: median {found['p50_ms']:.0f} ms, worst {found['worst_ms']:.0f} ms.")
    say(f"Loaded ahead: median {found['ahead_p50_ms']:.0f} ms, worst {found['ahead_worst_ms']:.0f} ms.")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(
    children: Children, environment: dict[str, str], chosen: argparse.Namespace, browser: str
) -> dict[str, Any]:
    """Make the queue, serve it, and go through it in a browser."""
    about = machine.about(["review-desk", "--moves", str(chosen.moves)], WORKERS)
    with step(f"Making a queue of tiles at {chosen.resolution} m"):
        line = [PYTHON, "-m", "script.lib.bench.review_desk_campaign", FOLDER]
        line += [str(chosen.resolution), str(chosen.moves + 2)]
        children.start("campaign", line, environment)
        place = json.loads(children.finish("campaign").splitlines()[-1])
    port = ports.free_port()
    children.start("server", server.command(HOST, port, WORKERS, THREADS), environment)
    wait_for(children, port)
    with step(f"Going through {chosen.moves} tiles"):
        line = [PYTHON, "-m", "script.lib.bench.review_desk_moves", browser, f"http://{HOST}:{port}"]
        line += [str(place["build"]), str(chosen.moves), place["name"], place["password"]]
        children.start("moves", line, environment)
        moves = json.loads(children.finish("moves").splitlines()[-1])
    shown, ahead = ([move[name] for move in moves] for name in ("ms", "ahead_ms"))
    return about | {
        "resolution": chosen.resolution,
        "pixels": place["pixels"],
        "limit_ms": LIMIT,
        "p50_ms": statistics.median(shown),
        "worst_ms": max(shown),
        "ahead_p50_ms": statistics.median(ahead),
        "ahead_worst_ms": max(ahead),
        "load_after": round(os.getloadavg()[0], 2),
        "moves": moves,
    }


def wait_for(children: Children, port: int) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        children.check()
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=10) as reply:
                if reply.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise Trouble(f"No server answers on port {port}: see {children.log('server')}.")
