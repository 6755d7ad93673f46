"""`script/demo`: from nothing to a reviewed map in the browser."""

import argparse
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path

from script.lib import demo_plan, ports, processes, server, setup, worker
from script.lib.demo_plan import Plan
from script.lib.places import LOCAL, PYTHON, ROOT, only_one
from script.lib.processes import Children
from script.lib.say import Trouble, say, step
from script.lib.services import Services

FOLDER = LOCAL / "demo"
PEOPLE = FOLDER / "people.json"
WORKERS = 2
QUEUES = "gpu,cpu,download"
SECONDS_TO_ANSWER = 60


class Demo:
    """One run of the demo on running services."""

    def __init__(self, plan: Plan, port: int, environment: dict[str, str], children: Children):
        self.plan = plan
        self.address = f"http://127.0.0.1:{port}"
        self.port = port
        self.environment = environment
        self.children = children

    def manage(self, name: str, *arguments: str) -> list[str | Path]:
        return [PYTHON, ROOT / "manage.py", name, *arguments]

    def command(self, name: str, *arguments: str) -> str:
        return self.children.run(name, self.manage(name, *arguments), self.environment)

    def make_ready(self) -> None:
        """Scenes, database, people, server, workers: what takes long is begun first."""
        if self.plan.wants_scenes():
            self.children.start("simulate", [PYTHON, "-m", *self.plan.simulation()], self.environment)
        with step("Bringing the database up to date"):
            self.command("migrate", "--no-input")
        self.make_people()
        with step("Starting the web application"):
            line = server.command("127.0.0.1", self.port, processes=2, threads=4)
            self.children.start("server", line, self.environment)
            self.wait_for_answer()
        if not self.plan.state().get("published"):
            self.tell_address()
        if "simulate" in self.children.running:
            with step("Simulating four tiles with six dates each"):
                self.children.finish("simulate", show=True)
                self.plan.scenes_are_there()

    def make_people(self) -> None:
        """Customer, reviewer and operator; their passwords are kept for this user alone."""
        if PEOPLE.exists():
            return
        with step("Making three people"):
            made = self.command("make_people", "--json", "--reset")
        descriptor = os.open(PEOPLE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(made)

    def wait_for_answer(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while not self.answers():
            self.children.check()
            if time.monotonic() > deadline:
                raise Trouble(f"The web application did not answer: see {self.children.log('server')}.")
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as reply:
                return reply.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def start_workers(self) -> None:
        threads = max(1, (os.cpu_count() or 1) // WORKERS)
        environment = worker.environment(self.environment, threads)
        for number in range(1, WORKERS + 1):
            self.children.start(f"worker-{number}", worker.command(QUEUES), environment)

    def make_map(self) -> None:
        """Place the order (once), follow it to its end, publish."""
        order = self.plan.state().get("order")
        if order is None:
            with step("Placing the order"):
                told = self.command("place_order", *self.plan.order("customer"))
                placed = dict(line.split(maxsplit=1) for line in told.splitlines())
                self.plan.keep(order=placed["order"], campaign=placed["campaign"])
        self.start_workers()
        if self.plan.state().get("published"):
            return
        with step("Making the mosaic and the landcover"):
            self.follow()
        with step("Publishing"):
            self.command("publish", "--if-new", "--campaign", self.plan.state()["campaign"])
            self.plan.keep(published=True)

    def follow(self) -> None:
        order = str(self.plan.state()["order"])
        quiet = self.environment | {"LOG_LEVEL": "WARNING"}
        self.children.start("progress", self.manage("progress", "--order", order, "--watch"), quiet)
        self.children.finish("progress", show=True)

    def look_at_map_tiles(self) -> None:
        campaign = self.plan.state()["campaign"]
        with step("Looking at a map tile of each layer"):
            line = [PYTHON, "-m", "script.lib.map_tiles", self.address, campaign]
            self.children.start("map tiles", line, self.environment)
            self.children.finish("map tiles", show=True)

    def tell_address(self) -> None:
        say(f"\nThe map is at {self.address}/ (it shows the progress too). Sign in as:")
        for name, password in json.loads(PEOPLE.read_text()).items():
            say(f"    {name:<9} {password}")
        say("")

    def serve(self) -> None:
        say("Serving until Ctrl-C.")
        while True:
            self.children.check()
            time.sleep(0.5)


def forget_if_new(database: str, folder: Path = FOLDER) -> None:
    """Begin again where the database is not the one that the folder tells of."""
    known = folder / "database"
    if known.exists() and known.read_text() != database:
        for path in (*folder.glob("order-*.json"), folder / "people.json"):
            path.unlink(missing_ok=True)
    known.write_text(database)


def run(plan: Plan, port: int, keep_serving: bool) -> None:
    """Run the demo, and stop what it started when it ends, however it ends."""
    services = Services()
    children = Children(FOLDER / "logs")
    started = False
    try:
        with step("Starting PostGIS and Redis"):
            started = services.start()
        forget_if_new(services.parts()[0].identity())
        processes.end_leftovers(children.log_folder)
        environment = dict(os.environ) | services.environment()
        demo = Demo(plan, port, environment | plan.allowed(environment), children)
        demo.make_ready()
        demo.make_map()
        demo.look_at_map_tiles()
        if keep_serving:
            demo.tell_address()
            demo.serve()
    finally:
        processes.shield()
        children.stop()
        if started:
            services.stop()


def chosen_port(keep_serving: bool) -> int:
    if "PORT" not in os.environ and not keep_serving:
        return ports.free_port()
    port = server.wanted_port()
    server.require_free(port)
    return port


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/demo",
        description="Make a map of simulated scenes, or of a catalog's, and serve it on 127.0.0.1:8000.",
        epilog="PORT=N serves on another port; SERVE=0 ends when the map is there and was looked at.",
    )
    parser.add_argument("--catalog", help="STAC API, static STAC catalog or folder of SAFE products")
    parser.add_argument("--aoi", type=Path, metavar="FILE", help="GeoJSON file of the area")
    parser.add_argument("--start", metavar="D", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", metavar="D", help="last day, YYYY-MM-DD")
    parser.add_argument("--max-cloud", default=None, metavar="P", help="most cloud cover, percent (90)")
    parser.add_argument("--resolution", default=None, metavar="M", help="metres (60)")
    chosen = parser.parse_args(arguments)
    wanted = ("catalog", "aoi", "start", "end")
    lacking = [f"--{name}" for name in wanted if getattr(chosen, name) is None]
    if lacking and vars(chosen) != vars(parser.parse_args([])):
        parser.error(f"a map of real scenes needs {', '.join(lacking)} too")
    return chosen


def main(arguments: list[str]) -> int:
    plan = demo_plan.plan(parse(arguments), FOLDER)
    keep_serving = os.environ.get("SERVE", "1") != "0"
    begun = time.monotonic()
    with processes.interruptible():
        setup.ensure()
        FOLDER.mkdir(mode=0o700, exist_ok=True)
        with only_one("demo", "script/demo is running in this checkout already: stop it there first."):
            try:
                run(plan, chosen_port(keep_serving), keep_serving)
            except KeyboardInterrupt:
                say("\nStopped; script/demo goes on from here.")
                return 0 if plan.state().get("published") else 130
    say(f"The map is there: {time.monotonic() - begun:.0f} s in all.")
    return 0
