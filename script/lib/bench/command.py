"""`script/bench`: what is measured, and where it is written."""

import argparse
import importlib
import os
from pathlib import Path

from script.lib import setup
from script.lib.bench import gpu, machine, report
from script.lib.bench.inputs import DATES, FULL_RESOLUTION, RESOLUTIONS, SEEDS
from script.lib.bench.measure import Bench
from script.lib.places import LOCAL
from script.lib.say import say

SUBCOMMANDS = {
    "stages": "script.lib.bench.stages",
    "stages-jp2": "script.lib.bench.stages_jp2",
    "growth": "script.lib.bench.growth",
    "neighbours": "script.lib.bench.neighbours",
    "peers": "script.lib.bench.peers",
    "one-tile": "script.lib.bench.one_tile",
    "packing": "script.lib.bench.packing",
    "networks": "script.lib.bench.networks",
    "balance": "script.lib.bench.balance",
    "scene-lists": "script.lib.bench.scene_lists",
    "fetched": "script.lib.bench.fetched",
}
# What can be measured on a GPU.
ON_GPU = ("networks", "one-tile")
# What has options of its own and writes nothing to docs/benchmarks.md.
APART = {
    "low-zooms": "script.lib.bench_low_zooms",
    "map-tiles": "script.lib.bench_map_tiles",
    "review-desk": "script.lib.bench_review_desk",
    "deliveries": "script.lib.bench_deliveries",
    "crowd": "script.lib.bench_crowd",
    "world": "script.lib.bench_world",
}


def parser() -> argparse.ArgumentParser:
    apart = f"Besides, with options of its own: {', '.join(APART)}."
    whole = argparse.ArgumentParser(prog="script/bench", description=__doc__, epilog=apart)
    sub = whole.add_subparsers(dest="name", required=True, metavar="WHAT")
    for name, module in SUBCOMMANDS.items():
        text = (importlib.import_module(module).__doc__ or "").splitlines()[0]
        own = sub.add_parser(name, help=text, description=text)
        own.add_argument("--resolution", type=int, default=FULL_RESOLUTION, choices=RESOLUTIONS, metavar="M")
        own.add_argument("--runs", type=int, default=5, metavar="N", help="paired runs, 5 or more to publish")
        own.add_argument("--dates", type=int, default=DATES, metavar="N", help="candidate dates")
        own.add_argument("--threads", type=int, default=2, metavar="N", help="of the numeric libraries")
        own.add_argument("--json", type=Path, default=report.DOCUMENT, metavar="FILE", help="what to write")
        own.add_argument(
            "--seeds", type=int, nargs="+", default=SEEDS, metavar="N", help="of the stacks, for `fetched`"
        )
        if name in ON_GPU:
            own.add_argument("--device", default="cpu", choices=gpu.DEVICES, help="cuda: on a GPU")
        own.add_argument(
            "--work", type=Path, default=LOCAL / "bench", metavar="DIR", help="scenes and builds"
        )
    return whole


def key_of(name: str, resolution: int, device: str = "cpu") -> str:
    """The section that a measurement takes the place of: each resolution and device has its own."""
    on_device = name if device == "cpu" else f"{name}-{device}"
    return on_device if resolution == FULL_RESOLUTION else f"{on_device}-{resolution}m"


def main(arguments: list[str]) -> int:
    """Measure, and put what was found in the place of the last section of the name and resolution."""
    if arguments and arguments[0] in APART:
        return int(importlib.import_module(APART[arguments[0]]).main(arguments[1:]))
    asked = parser().parse_args(arguments)
    setup.ensure()
    sizes = ("resolution", "dates", "runs", "threads")
    words = [word for name in sizes for word in (f"--{name}", str(getattr(asked, name)))]
    if tuple(asked.seeds) != SEEDS:
        words += ["--seeds", *map(str, asked.seeds)]
    device = getattr(asked, "device", "cpu")
    if device != "cpu":
        words += ["--device", device]
    about = machine.about([asked.name, *words], asked.threads)
    sizes_of = asked.work.resolve(), asked.resolution, asked.runs, asked.threads, asked.dates
    bench = Bench(*sizes_of, tuple(asked.seeds), device)
    section = importlib.import_module(SUBCOMMANDS[asked.name]).measure(bench)
    report.keep(
        key_of(asked.name, asked.resolution, device),
        section,
        about | {"load_after": os.getloadavg()[0]},
        asked.json.resolve(),
    )
    say(f"Written to {asked.json} and {asked.json.with_suffix('.md')}.")
    return 0
