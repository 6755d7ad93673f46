"""`python -m pipeline check-seams`: how the tiles of a finished run meet."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.assessment.tiles import ZOOMS, assess_tiles


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `check-seams`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of finished tiles")
    parser.add_argument(
        "--zoom", type=int, action="append", metavar="Z", help=f"of the map, else {ZOOMS[0]} to {ZOOMS[-1]}"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")


def run(args: argparse.Namespace) -> None:
    """Measure the seams between the tiles of a folder and print the figures.

    Raises:
        UsageError: the folder holds no two finished tiles.
    """
    report = assess_tiles(args.out, args.zoom or ZOOMS)
    print("\n".join(_lines(report)))
    if args.json:
        args.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _lines(report: dict[str, Any]) -> Iterator[str]:
    yield _line("full resolution", report["full"])
    yield from _differences("full resolution", report["across"])
    for zoom, figures in report["zooms"].items():
        yield _line(f"zoom {zoom}, turns", figures["turns"])
        yield _line(f"zoom {zoom}, versions", figures["versions"])
        yield from _differences(f"zoom {zoom}", figures["across"])


def _line(place: str, figures: dict[str, Any]) -> str:
    if not figures["edge_pairs"]:
        return f"{place}: no seam"
    score, blur = (
        f"{figures[name]:.3f} ({figures[name + '_95'][0]:.3f} to {figures[name + '_95'][1]:.3f})"
        for name in ("seam_score", "blur")
    )
    steps = ", ".join(f"{part} {figures['step_' + part]:.2f}" for part in ("median", "mean", "p90"))
    return f"{place}: seam score {score}, step {steps}, Laplacian {blur}, {figures['edge_pairs']} pairs"


def _differences(place: str, found: list[dict[str, Any]]) -> Iterator[str]:
    for pair in found:
        yield (
            f"{place}: {pair['of']} and {pair['from']}, {pair['ground']} ground: median {pair['median']}, "
            f"p99 {pair['p99']}, {pair['pixels']} pixels"
        )
