"""Windows in which cloud and shadow are labelled: drawn, shown, masked, compared."""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from script.lib.label import agreement, pictures, shapes, windows
from script.lib.label.scenes import Place, measures
from script.lib.say import Trouble, say

FIRST, SECOND = "first", "second"
TIMES = 4


def draw(asked: argparse.Namespace) -> None:
    """Write windows.json from plan.json."""
    drawn = windows.draw(_json(asked.labels / "plan.json"), asked.data)
    listed = [
        {name: window[name] for name in ("id", "scene", "row", "col", "kind")}
        | {"file": f"{FIRST}/{window['id']}.png", "second": _second(window)}
        for window in drawn
    ]
    _write(asked.labels / "windows.json", listed)
    say(f"{len(listed)} windows, {sum(window['second'] is not None for window in listed)} of them twice.")


def sheets(asked: argparse.Namespace) -> None:
    """Write a picture of each window asked for, or of all, with the outlines of one labelling where asked."""
    plan = _json(asked.labels / "plan.json")
    asked.out.mkdir(parents=True, exist_ok=True)
    for window in _asked_for(asked):
        found = _measures(plan, window, asked.data)
        labels = None
        if asked.labelling:
            labels = shapes.mask(_shapes(asked.labels, asked.labelling, window), found)
        path = asked.out / f"{window['id']}.png"
        _sheet(window, found, _of(plan, window)["stretch"], labels).save(path)
        say(str(path))


def masks(asked: argparse.Namespace) -> None:
    """Draw the masks of one labelling, or of both, from their polygons."""
    plan = _json(asked.labels / "plan.json")
    made: dict[str, list[np.ndarray]] = {FIRST: [], SECOND: []}
    for window in _asked_for(asked):
        found = _measures(plan, window, asked.data)
        for labelling, file in ((FIRST, window["file"]), (SECOND, window["second"])):
            if file is None or not _polygons(asked.labels, labelling, window).is_file():
                continue
            drawn = shapes.mask(_shapes(asked.labels, labelling, window), found)
            made[labelling].append(drawn)
            path = asked.labels / file
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(drawn).save(path, optimize=True)
            say(f"{file}: {_shares(drawn)}")
    for labelling, drawn in made.items():
        if drawn:
            say(f"{len(drawn)} windows, {labelling} labelling: {_shares(np.stack(drawn))}")


def compare(asked: argparse.Namespace) -> None:
    """Tell how far the second labelling agrees with the first, over the pixels known to both."""
    pairs = [
        (_mask(asked.labels / window["file"]), _mask(asked.labels / window["second"]))
        for window in _asked_for(asked)
        if window["second"]
    ]
    if not pairs:
        raise Trouble("No window is labelled twice.")
    first, second = (np.concatenate([pair[which].ravel() for pair in pairs]) for which in (0, 1))
    known = (first != shapes.UNKNOWN) & (second != shapes.UNKNOWN)
    codes = [code for code in shapes.CLASSES.values() if code != shapes.UNKNOWN]
    table = agreement.table(first[known], second[known], codes)
    names = [name for name, code in shapes.CLASSES.items() if code in codes]
    figures = agreement.figures(table, names)
    unknown = {"unknown_first": float((first == shapes.UNKNOWN).mean())}
    unknown["unknown_second"] = float((second == shapes.UNKNOWN).mean())
    say(json.dumps({"windows": len(pairs), "pixels": int(known.sum())} | unknown | figures, indent=1))


def _sheet(window: dict, found: dict, stretch: dict, labels: np.ndarray | None) -> Image.Image:
    dark, nir = stretch["dark"], stretch["nir"]
    true, false = pictures.true_colour(found, dark), pictures.false_colour(found, dark, nir)
    bright = pictures.true_colour(found, stretch["bright"])
    views = [("true colour", true, True), ("NIR, red, green", false, labels is None)]
    views += [("for bright ground", bright, False)] if labels is None else [("NIR, red, green", false, True)]
    if "red_usual" in found:
        views.append(("other dates", pictures.true_colour(found, dark, "_usual"), False))
    else:
        views.append(("for bright ground", bright, False))
    framed = [
        pictures.with_scale(
            pictures.enlarged(picture, TIMES, labels if outlined else None), TIMES, f"{window['id']}: {title}"
        )
        for title, picture, outlined in views
    ]
    return pictures.side_by_side(framed, 2)


def _shares(drawn: np.ndarray) -> str:
    return ", ".join(f"{name} {(drawn == code).mean():.3f}" for name, code in shapes.CLASSES.items())


def _second(window: dict) -> str | None:
    return f"{SECOND}/{window['id']}.png" if window["twice"] else None


def _asked_for(asked: argparse.Namespace) -> list[dict]:
    listed = _json(asked.labels / "windows.json")
    return [window for window in listed if not asked.id or window["id"] in asked.id]


def _of(plan: dict, window: dict) -> dict:
    return next(scene for scene in plan["scenes"] if scene["scene"] == window["scene"])


def _measures(plan: dict, window: dict, data: Path) -> dict[str, np.ndarray]:
    place = Place(window["scene"], window["row"], window["col"], plan["size"], plan["size"])
    return measures(data, place, _of(plan, window)["references"])


def _polygons(labels: Path, labelling: str, window: dict) -> Path:
    return labels / "polygons" / labelling / f"{window['id']}.json"


def _shapes(labels: Path, labelling: str, window: dict) -> list[dict]:
    path = _polygons(labels, labelling, window)
    return _json(path) if path.is_file() else []


def _mask(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture)


def _json(path: Path):
    if not path.is_file():
        raise Trouble(f"There is no {path}.")
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
