"""`script/label`: labels of scenes by hand, from the drawing of places to the agreement of two labellings."""

import argparse
from collections.abc import Callable
from pathlib import Path

from script.lib.label import clouds, points
from script.lib.places import ROOT

DATA = ROOT.parent / "shared" / "data"
COMMANDS: dict[str, Callable[[argparse.Namespace], None]] = {
    "windows": clouds.draw,
    "sheets": clouds.sheets,
    "masks": clouds.masks,
    "agreement": clouds.compare,
    "points": points.draw,
    "chips": points.chips,
    "table": points.table,
    "kappa": points.compare,
}


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(prog="script/label", description=__doc__)
    sub = whole.add_subparsers(dest="name", required=True, metavar="WHAT")
    for name, function in COMMANDS.items():
        text = (function.__doc__ or "").splitlines()[0]
        own = sub.add_parser(name, help=text, description=text)
        own.add_argument("labels", type=Path, metavar="DIR", help="where plan.json and the labels lie")
        own.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="folder of the scenes")
        own.add_argument("--id", nargs="+", metavar="ID", help="only these (default: all)")
        own.add_argument("--out", type=Path, default=Path("sheets"), metavar="DIR", help="of the pictures")
        which = [clouds.FIRST, clouds.SECOND]
        own.add_argument("--labelling", choices=which, help="to be outlined on sheets, to be shown in chips")
    return whole


def main(arguments: list[str]) -> int:
    asked = parser().parse_args(arguments)
    COMMANDS[asked.name](asked)
    return 0
