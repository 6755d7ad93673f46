"""Points of which the landcover is labelled: drawn, shown, gathered, compared."""

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from script.lib.label import agreement, pictures, strata
from script.lib.label.scenes import BANDS, Place, read
from script.lib.say import Trouble, say

CLASSES = ["water", "grass", "tree", "barren", "built"]
UNKNOWN = "unknown"
COLUMNS = ["number", "scene", "row", "col", "stratum", "stratum_share", "label", "second"]
REACH = 10
TIMES = 6
ROWS, ACROSS = 8, 3


def draw(asked: argparse.Namespace) -> None:
    """Write candidates.csv from plan.json: the points and their spares."""
    rows = strata.draw(_plan(asked.labels), asked.data, asked.labels)
    strata.write(asked.labels / "candidates.csv", rows, strata.COLUMNS)
    say(f"{sum(not row['spare'] for row in rows)} points and {sum(row['spare'] for row in rows)} spares.")


def chips(asked: argparse.Namespace) -> None:
    """Write sheets of the points that still want a label, of the first labelling or of --labelling."""
    wanted = _wanted(asked.labels, asked.labelling or "first")
    plan = {of_scene["scene"]: of_scene for of_scene in _plan(asked.labels)["scenes"]}
    asked.out.mkdir(parents=True, exist_ok=True)
    for sheet, start in enumerate(range(0, len(wanted), ROWS * ACROSS), start=1):
        shown = wanted[start : start + ROWS * ACROSS]
        framed = [_chip(row, plan[row["scene"]], asked.data) for row in shown]
        path = asked.out / f"chips-{sheet:02}.png"
        pictures.side_by_side(framed, ACROSS).save(path)
        say(f"{path}: {', '.join(row['number'] for row in shown)}")


def table(asked: argparse.Namespace) -> None:
    """Write points.csv from candidates.csv, first.csv and second.csv: unknown points give way to spares."""
    first, second = (_labels(asked.labels, which) for which in ("first", "second"))
    kept, unknown = [], Counter[str]()
    for row in _used(asked.labels, first):
        label = first.get(row["number"])
        if label is None:
            raise Trouble(f"Point {row['number']} has no label yet.")
        if label == UNKNOWN:
            unknown[row["stratum"]] += 1
        else:
            kept.append(row | {"label": label, "second": second.get(row["number"], "")})
    strata.write(asked.labels / "points.csv", kept, COLUMNS)
    say(f"{len(kept)} points, {sum(unknown.values())} unknown ({dict(sorted(unknown.items()))}).")
    say(json.dumps(Counter(row["label"] for row in kept)))


def compare(asked: argparse.Namespace) -> None:
    """Tell how far the second labels of points.csv agree with the first."""
    rows = [row for row in strata.rows_of(asked.labels / "points.csv") if row["second"]]
    both = [(row["label"], row["second"]) for row in rows if row["second"] != UNKNOWN]
    if not both:
        raise Trouble("No point is labelled twice.")
    first, second = (np.array([pair[which] for pair in both]) for which in (0, 1))
    figures = agreement.figures(agreement.table(first, second, CLASSES), CLASSES)
    say(json.dumps({"points": len(rows), "unknown_second": len(rows) - len(both)} | figures, indent=1))


def _plan(labels: Path) -> dict:
    path = labels / "plan.json"
    if not path.is_file():
        raise Trouble(f"There is no {path}.")
    return json.loads(path.read_text(encoding="utf-8"))


def _labels(labels: Path, which: str) -> dict[str, str]:
    """Labels by number; none where nothing is labelled yet."""
    path = labels / f"{which}.csv"
    if not path.is_file():
        return {}
    found = {row["number"]: row["label"] for row in strata.rows_of(path)}
    strange = set(found.values()) - {*CLASSES, UNKNOWN}
    if strange:
        raise Trouble(f"{path} has labels that are no class: {', '.join(sorted(strange))}.")
    return found


def _used(labels: Path, first: dict[str, str]) -> list[dict]:
    """The points asked for and a spare for each that is unknown: of its stratum, or else of its scene."""
    candidates = strata.rows_of(labels / "candidates.csv")
    asked = [row for row in candidates if row["spare"] == "False"]
    spares = [row for row in candidates if row["spare"] == "True"]
    used = list(asked)
    for same in ("stratum", "scene"):
        missing = Counter(row[same] for row in asked)
        missing.subtract(row[same] for row in used if first.get(row["number"]) != UNKNOWN)
        for row in [spare for spare in spares if spare not in used]:
            if missing[row[same]] > 0:
                used.append(row)
                missing[row[same]] -= first.get(row["number"]) != UNKNOWN
    return sorted(used, key=lambda row: int(row["number"]))


def _wanted(labels: Path, which: str) -> list[dict]:
    first = _labels(labels, "first")
    if which == "first":
        return [row for row in _used(labels, first) if row["number"] not in first]
    second = _labels(labels, "second")
    known = [row for row in _used(labels, first) if first.get(row["number"]) != UNKNOWN]
    # Points drawn for it that turned out unknown give way to the next ones by number.
    known.sort(key=lambda row: row["twice"] != "True")
    return [row for row in known[: _plan(labels)["twice"]] if row["number"] not in second]


def _chip(row: dict, of_scene: dict, data: Path) -> Image.Image:
    """One point: true colour, NIR-red-green and the true colour of another date, with its number."""
    place = Place(
        row["scene"], int(row["row"]) - REACH, int(row["col"]) - REACH, 2 * REACH + 1, 2 * REACH + 1
    )
    dark, nir = of_scene["stretch"]["dark"], of_scene["stretch"]["nir"]
    bands = read(data, place)
    views = [pictures.true_colour(bands, dark), pictures.false_colour(bands, dark, nir)]
    if of_scene["references"]:
        other = Place(of_scene["references"][0], place.row, place.col, place.rows, place.cols)
        views.append(pictures.true_colour(read(data, other), dark))
    size = (2 * REACH + 1) * TIMES
    framed = Image.new("RGB", (3 * size + 12, size + 16), "white")
    pen = ImageDraw.Draw(framed)
    values = ", ".join(f"{name} {bands[name][REACH, REACH] * 100:.1f}" for name in BANDS)
    pen.text((2, 2), f"{row['number']}   {values}", "black")
    for index, view in enumerate(views):
        left = index * (size + 2)
        framed.paste(pictures.enlarged(view, TIMES), (left, 14))
        x, y = left + REACH * TIMES, 14 + REACH * TIMES
        pen.rectangle([x - 2, y - 2, x + TIMES + 1, y + TIMES + 1], outline="cyan")
    return framed
