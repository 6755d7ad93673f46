"""What twenty labelled windows of a new place are worth: a network before and after it went on from them.

The place is the tile of a simulator seed that nothing was trained on, seen through gains that hardly a crop
of the training had, as another soil or sensor has. The labelled windows lie in the west of the tile, those it
is measured on in the east; the simulator's own places show what is lost elsewhere.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.grid import Tile
from pipeline.networks.registry import WEIGHTS
from pipeline.raster import Raster, encode, write_raster
from pipeline.storage import write_json
from pipeline.training.cases import Case, of_seeds, simulated_labels
from pipeline.training.command import CACHE, DATA
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.drawing import Drawn, any_date, draw, square, world_of
from pipeline.training.evaluate import judged_by, measure
from pipeline.training.judge import judge_of
from script.lib.say import Trouble

NETWORKS = ("water", "vegetation", "buildings")
SIDE = 128
ELSEWHERE = range(8060, 8064)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/new-place", description=__doc__)
    parser.add_argument("name", choices=NETWORKS, help="the network")
    parser.add_argument("--out", type=Path, required=True, help="folder for labels and weights")
    parser.add_argument("--seed", type=int, default=8050, help="of the place, 8000 to 8999 (default 8050)")
    parser.add_argument("--windows", type=int, default=20, help="labelled windows of 128 x 128 (default 20)")
    parser.add_argument("--resolution", type=float, default=10, help="metres (default 10)")
    parser.add_argument("--gains", default="1.3,1.1,0.85,0.85", help="of R, G, B and NIR")
    parser.add_argument("--data", type=Path, default=DATA, help="as of `train`")
    parser.add_argument("--cache", type=Path, default=CACHE, help="as of `train`")
    parser.add_argument("--steps", type=int, help="as of `train`")
    args = parser.parse_args(arguments)
    if args.seed not in range(8000, 9000):
        raise Trouble(f"Seed {args.seed} is trained on or kept for tests: only 8000 to 8999 serve here.")
    gains = np.array([float(gain) for gain in args.gains.split(",")], np.float32)
    for number, drawn in enumerate(windows_of(args, args.windows, gains, east=False)):
        write_labels(args.out / "labels" / f"{number:02}", args, drawn)
    seconds = trained(args)
    tested = list(cases_of(args, gains))
    found = {"seconds": round(seconds)}
    for state, weights in (("before", WEIGHTS), ("after", args.out)):
        judge = judge_of(args.name, weights)
        here = measure(judge, judged_by(judge, tested))
        there = measure(judge, judged_by(judge, of_seeds(args.name, ELSEWHERE, args.resolution)))
        found[state] = {
            "place": {key: here[key] for key in ("mean_iou", "f1")},
            "interval": here["intervals"]["mean_iou"],
            "elsewhere": there["mean_iou"],
        }
    print(json.dumps(found, indent=2))
    return 0


def windows_of(args: argparse.Namespace, count: int, gains: np.ndarray, east: bool) -> Iterator[Drawn]:
    """Windows of one half of the tile, each of another date and with known ground."""
    world = world_of(args.seed)
    tile, rng = Tile.parse(world.reference_tile), np.random.default_rng((args.seed, east))
    for _ in range(count):
        col = rng.uniform(0.55, 0.98) if east else rng.uniform(0.02, 0.45)
        geobox = square(tile, args.resolution, SIDE, rng.random(), col)
        drawn = draw(world, geobox, any_date(rng), cloud_cover=5.0, hazy=False)
        yield Drawn(drawn.reflectance * gains[:, None, None], drawn.classes, drawn.cloud, drawn.hazy)


def write_labels(folder: Path, args: argparse.Namespace, drawn: Drawn) -> None:
    """A folder of labels as `python -m pipeline labels` writes them; all lie in the tile's middle."""
    world = world_of(args.seed)
    geobox = square(Tile.parse(world.reference_tile), args.resolution, SIDE, 0.5, 0.5)
    known = (drawn.classes != 0) & (drawn.cloud == 0)
    labels = np.where(known, drawn.classes, IGNORE).astype(np.uint8)
    write_raster(folder / "reflectance.tif", Raster(encode(drawn.reflectance), geobox))
    write_raster(folder / "labels.tif", Raster(labels[None], geobox), nodata=IGNORE)
    told = {"format": 1, "place": f"west of seed {args.seed}", "split": "train", "licences": []}
    write_json(folder / "labels.json", told)


def trained(args: argparse.Namespace) -> float:
    """Train as a person would; returns the seconds, the drawing of simulated crops among them."""
    began = time.monotonic()
    words = ["train", args.name, "--from", args.name, "--out", args.out]
    words += ["--data", args.data, "--data", f"labelled={args.out / 'labels'}", "--cache", args.cache]
    words += ["--steps", args.steps] if args.steps else []
    subprocess.run([sys.executable, "-m", "pipeline", *map(str, words)], check=True)
    return time.monotonic() - began


def cases_of(args: argparse.Namespace, gains: np.ndarray) -> Iterator[Case]:
    """Forty windows of the other half of the tile."""
    for number, drawn in enumerate(windows_of(args, 40, gains, east=True)):
        yield Case(f"window {number}", "east", drawn.reflectance, simulated_labels(args.name, drawn))
