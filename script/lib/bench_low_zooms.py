"""`script/bench low-zooms`: what a map tile costs at zooms 0 to 8 and 12 in a campaign of 20,000 tiles."""

import argparse
import os
import shutil

from script.lib import processes
from script.lib.places import LOCAL, PYTHON, only_one
from script.lib.processes import Children
from script.lib.say import step
from script.lib.services import Services

FOLDER = LOCAL / "bench-low-zooms"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/bench low-zooms", description=__doc__)
    parser.add_argument("--tiles", type=int, default=20_000, help="tiles of the simulated campaign")
    parser.add_argument("--rounds", type=int, default=60, help="map tiles of each zoom that are asked for")
    parser.add_argument("--keep", action="store_true", help="leave campaign and rasters for another run")
    chosen = parser.parse_args(arguments)
    services = Services("bench-services")
    with only_one(
        "bench-low-zooms", "A benchmark is running in this checkout already: wait until it has ended."
    ):
        services.start()
        environment = dict(os.environ) | services.environment() | {"STORAGE_URL": str(FOLDER / "storage")}
        environment |= {"LOG_LEVEL": "WARNING", "OMP_NUM_THREADS": "1"}
        children = Children(FOLDER)
        try:
            with processes.interruptible(), step("Asking for map tiles of a simulated campaign"):
                line = [PYTHON, "-m", "script.lib.low_zooms", FOLDER, str(chosen.tiles), str(chosen.rounds)]
                children.start("low-zooms", line, environment)
                children.finish("low-zooms", show=True)
        finally:
            children.stop()
            services.stop()
    if not chosen.keep:
        shutil.rmtree(FOLDER)
        shutil.rmtree(services.folder)
    return 0
