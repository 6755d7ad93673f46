"""`python -m pipeline fit-fusion`."""

import argparse
import json
from pathlib import Path

from pipeline.networks.registry import WEIGHTS
from pipeline.training.evaluate_command import parse_resolutions


def add_fusion_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `fit-fusion`."""
    from pipeline.landcover.pool import FITTED

    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="folder of weights (default: shipped)")
    parser.add_argument("--seeds", default="8000-8039", help="of the validation places (default 8000-8039)")
    parser.add_argument("--resolutions", default="60,10", help="metres (default 60,10)")
    parser.add_argument("--dates", type=int, default=3, help="of each place (default 3)")
    parser.add_argument("--out", type=Path, default=FITTED, metavar="FILE.json", help="default: what ships")
    parser.add_argument("--before", type=Path, default=FITTED, metavar="FILE.json", help="to compare with")


def run_fusion(args: argparse.Namespace) -> int:
    """Fit the weights of the fusion of dates on validation places, write and print them."""
    from pipeline.landcover.pool import read_fusion
    from pipeline.training.fusion import fit_fusion
    from pipeline.training.splits import validation_seeds

    found = fit_fusion(
        validation_seeds(args.seeds),
        parse_resolutions(args.resolutions),
        args.weights,
        args.dates,
        args.out,
        read_fusion(args.before),
        f"python -m pipeline fit-fusion --seeds {args.seeds} --resolutions {args.resolutions}"
        f" --dates {args.dates}",
    )
    print(json.dumps(found, indent=2))
    return 0
