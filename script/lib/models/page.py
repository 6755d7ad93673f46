"""The tables of docs/models.md, written between marks from docs/models.json; all else there stays by hand."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from script.lib.models.rows import TABLES, WINDOWS, Row, spread
from script.lib.places import ROOT
from script.lib.say import Trouble

DOCUMENT = ROOT / "docs" / "models.md"
KEPT = ROOT / "docs" / "models.json"
TABLES_ONLY = ("classes", "confusion", "cloud_cover", "reliability", "folders")
FEW_PLACES = 4
Found = dict[str, dict[str, Any]]


def slim(figures: Any) -> Any:
    """Figures without their long tables; the recall of each class stays, and places that are few."""
    if not isinstance(figures, dict):
        return figures
    kept = {key: slim(value) for key, value in figures.items() if key not in TABLES_ONLY}
    if isinstance(kept.get("places"), dict) and len(kept["places"]) > FEW_PLACES:
        del kept["places"]
    if "classes" in figures and "recall" not in figures:
        kept["recall"] = {name: of["recall"] for name, of in figures["classes"].items()}
    return kept


def read(path: Path) -> Found:
    """What was kept: by command, "date", "versions" and "figures"."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(path: Path, command: str, figures: Any, versions: dict[str, str], date: str) -> None:
    """Put what a command found in the place of what it found last."""
    found = read(path) | {command: {"date": date, "versions": versions, "figures": figures}}
    path.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n", encoding="utf-8")


def write(page: Path, found: Found, blocks: dict[str, Callable[[Found], list[str]]]) -> None:
    """Write blocks of the page anew.

    Raises:
        Trouble: the page lacks the marks of one.
    """
    text = page.read_text(encoding="utf-8")
    for name, lines in blocks.items():
        begin, end = f"<!-- figures: {name} -->", f"<!-- end of figures: {name} -->"
        marked = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        body = "\n".join([begin, *lines(found), end])
        text, count = marked.subn(lambda _, body=body: body, text)
        if count != 1:
            raise Trouble(
                f"{page} has the marks of {name!r} {count} times; {begin} and {end} must stand once."
            )
    page.write_text(text, encoding="utf-8")


def rows_of(rows: tuple[Row, ...]) -> Callable[[Found], list[str]]:
    """The table of some evaluations."""

    def lines(found: Found) -> list[str]:
        known = [(row, found[row.command]) for row in rows if row.command in found]
        cells = [f"| `{row.command}` | {row.told(kept['figures'])} |" for row, kept in known]
        return [
            "| command (`python -m pipeline evaluate ...`) | figure |",
            "| --- | --- |",
            *cells,
            *when([kept for _, kept in known]),
        ]

    return lines


def windows(found: Found) -> list[str]:
    """The table of cloud masks on the windows labelled by hand."""
    if WINDOWS.command not in found:
        return []
    kept = found[WINDOWS.command]
    figures = kept["figures"]
    masks = {
        f"`cloud` {kept['versions']['cloud']}": figures,
        "the scenes' own classification (SCL)": figures["scl"],
        "ukis-csmask 1.0.0, four bands, L2A": figures["beside"],
    }
    lines = [
        f"| {figures['pixels']:,} pixels of the windows | cloud F1 | shadow F1 | overall accuracy |",
        "| --- | --- | --- | --- |",
    ]
    for name, of in masks.items():
        between = of["intervals"]
        cells = [spread(of["f1"][label], between["f1"][label]) for label in ("cloud", "shadow")]
        cells.append(spread(of["overall_accuracy"], between["overall_accuracy"]))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return [*lines, *when([kept])]


def when(kept: list[dict[str, Any]]) -> list[str]:
    """A sentence on when, and with which networks, what is shown was measured."""
    told: dict[str, dict[str, str]] = {}
    for item in kept:
        told.setdefault(item["date"], {}).update(item["versions"])
    if not told:
        return []
    words = [
        f"{date}, with {', '.join(f'{name} {version}' for name, version in sorted(versions.items()))}"
        for date, versions in sorted(told.items())
    ]
    return ["", f"Measured {'; '.join(words)}."]


BLOCKS: dict[str, Callable[[Found], list[str]]] = {
    **{name: rows_of(rows) for name, rows in TABLES.items()},
    "windows": windows,
}
