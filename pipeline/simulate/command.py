"""`python -m pipeline simulate`: scenes with clouds, shadows, haze, swath edges, and their truth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from pipeline.settings import parse_date
from pipeline.simulate.season import END, FORMATS, START, simulate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `simulate`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--tile", action="append", required=True, metavar="T", help="a tile, such as 33TWL")
    parser.add_argument("--dates", type=int, default=6, metavar="N", help="passes over the tiles")
    parser.add_argument("--resolution", type=int, default=10, metavar="M", help="metres, 10 or more")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="same seed, same bytes")
    parser.add_argument("--format", choices=FORMATS, default="stac", help="SAFE folders or STAC with COG")
    parser.add_argument("--level", choices=("L1C", "L2A"), default="L2A")
    parser.add_argument("--start", default=START.isoformat(), metavar="D", help="first day, YYYY-MM-DD")
    parser.add_argument("--end", default=END.isoformat(), metavar="D", help="last day, YYYY-MM-DD")
    parser.add_argument("--workers", type=int, metavar="N", help="processes, else one for each core")


def run(args: argparse.Namespace) -> None:
    """Write the scenes; the catalog's path goes to standard output."""
    bar = tqdm(total=len(set(args.tile)), unit="tile") if sys.stderr.isatty() else None

    def tell(tile: str, step: str) -> None:
        if bar is None:
            print(f"{tile}: {step}", file=sys.stderr, flush=True)
        else:
            bar.set_description(f"{tile}: {step}")
            bar.update()

    catalog = simulate(
        args.out,
        args.tile,
        args.dates,
        args.resolution,
        args.seed,
        args.format,
        start=parse_date(args.start, "start"),
        end=parse_date(args.end, "end"),
        level=args.level,
        progress=tell,
        workers=args.workers,
    )
    print(catalog)
