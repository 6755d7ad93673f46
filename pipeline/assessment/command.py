"""`python -m pipeline assess`: how good finished composites are."""

import argparse
import json
from pathlib import Path

from pipeline.assessment.assess import assess, summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `assess`."""
    parser.add_argument("build", type=Path, help="folder of a finished tile, DIR/TILE of `run`")
    parser.add_argument("--truth", type=Path, help="the tile's truth, DIR/truth/TILE of `simulate`")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="RMSE on every N-th window")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")


def run(args: argparse.Namespace) -> None:
    """Measure a composite and print its figures."""
    report = assess(args.build, args.truth, args.every)
    print("\n".join(summary(report)))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
