"""Measure the networks that ship and write the tables of docs/models.md.

Each figure comes from one `python -m pipeline evaluate`, and is kept in docs/models.json. What cannot be
measured here, for want of data or of a package, keeps its last figures, with their date.
"""

import argparse
import datetime as dt
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.networks.registry import WEIGHTS
from pipeline.training.judge import versions_of
from script.lib.models import page
from script.lib.models.rows import EUROSAT, ROWS, Row
from script.lib.places import ROOT
from script.lib.say import Trouble, say


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/models", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="of these networks, or landcover"
    )
    parser.add_argument("--tables", action="store_true", help="measure nothing, write the tables alone")
    parser.add_argument("--data", type=Path, default=shared_data(), help="real scenes and EuroSAT")
    parser.add_argument("--json", type=Path, default=page.KEPT, help=f"figures (default {page.KEPT.name})")
    parser.add_argument("--page", type=Path, default=page.DOCUMENT, help=f"default {page.DOCUMENT.name}")
    asked = parser.parse_args(arguments)
    left = [] if asked.tables else measure(chosen(asked.only), asked.data, asked.json)
    page.write(asked.page, page.read(asked.json), page.BLOCKS)
    for line in left:
        say(line)
    return 0


def shared_data() -> Path:
    """The folder of real scenes beside the checkout, or where EARTHQUILT_SHARED_DATA says."""
    return Path(os.environ.get("EARTHQUILT_SHARED_DATA", ROOT.parent / "shared" / "data"))


def chosen(names: Sequence[str]) -> list[Row]:
    """The evaluations of some networks, or all.

    Raises:
        Trouble: nothing is measured of a name.
    """
    known = {row.words[0] for row in ROWS}
    for name in names:
        if name not in known:
            raise Trouble(f"Nothing is measured of {name!r}: one of {', '.join(sorted(known))} is wanted.", 2)
    return [row for row in ROWS if not names or row.words[0] in names]


def measure(rows: Sequence[Row], data: Path, kept: Path) -> list[str]:
    """Run evaluations and keep their figures as they come; tells of those that could not run, and why."""
    left = []
    for row in rows:
        if reason := lacking(row, data):
            left.append(f"Not measured, the last figures stay: {row.command} ({reason}).")
            continue
        began = time.monotonic()
        figures = evaluated(row, data)
        page.keep(kept, row.command, page.slim(figures), versions(row), dt.date.today().isoformat())
        say(f"{time.monotonic() - began:5.0f} s  {row.command}: {row.told(figures | page.slim(figures))}")
    return left


def lacking(row: Row, data: Path) -> str:
    """What an evaluation needs and is not here; empty where all is."""
    folders = [name for name in row.needs if not (data / name).is_dir()]
    if folders:
        return f"{data} has no {folders[0]}"
    if row.package and importlib.util.find_spec(row.package) is None:
        return f"{row.package} is not installed"
    return ""


def evaluated(row: Row, data: Path) -> dict[str, Any]:
    """The figures of one evaluation, run as a person would.

    Raises:
        Trouble: it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "figures.json"
        words = [str(data / EUROSAT) if word == "DIR" else word for word in row.words]
        words += ["--data", str(data), "--json", str(found)]
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "evaluate", *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise Trouble(f"evaluate {row.command} failed: {done.stderr.strip().splitlines()[-1:]}")
        return json.loads(found.read_text(encoding="utf-8"))


def versions(row: Row) -> dict[str, str]:
    """Name to version of the networks that an evaluation ran."""
    found = versions_of(row.words[0], WEIGHTS)
    if "--dates" in row.words:
        found |= versions_of("cloud", WEIGHTS) | versions_of("haze", WEIGHTS)
    return found
