"""Points of real scenes whose landcover was told by eye: figures weighted by stratum, with intervals."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import SourceError
from pipeline.training.album import COLOURS, Album, Shot, encoded, true_colour
from pipeline.training.judge import LANDCOVER, Judge
from pipeline.training.metrics import figures, kappa
from pipeline.training.reliability import BINS, Reliability
from pipeline.training.tally import DRAWS, brief, interval
from pipeline.training.windows import read_scene

CLASSES = ("water", "grass", "tree", "built", "barren")
AROUND = 24
"""Pixels around a point that its picture shows."""


@dataclass(frozen=True)
class Point:
    """A point as it was labelled.

    Attributes:
        number: its name.
        scene: folder of the scene below the data.
        row, col: its pixel in the scene's own raster.
        stratum: the stratum that it was drawn from.
        share: of the stratum in the area.
        label: one of `CLASSES`.
        second: likewise by another labelling; empty where there is none.
    """

    number: str
    scene: str
    row: int
    col: int
    stratum: str
    share: float
    label: str
    second: str


def read_points(folder: Path) -> list[Point]:
    """Read `folder`/points.csv.

    Raises:
        SourceError: it is not there, or is not what it should be.
    """
    path = folder / "points.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            points = [
                Point(
                    row["number"],
                    row["scene"],
                    int(row["row"]),
                    int(row["col"]),
                    row["stratum"],
                    float(row["stratum_share"]),
                    row["label"],
                    row["second"],
                )
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"The labelled points in {path} cannot be read: {error}.") from error
    odd = [point for point in points if point.label not in CLASSES or point.second not in (*CLASSES, "")]
    if odd or not points:
        told = f"point {odd[0].number} is {odd[0].label!r}" if odd else "there are none"
        raise SourceError(f"The labels in {path} are not all of {', '.join(CLASSES)}: {told}.")
    return points


def on_points(judge: Judge, folder: Path, data: Path, album: Album | None = None) -> dict[str, Any]:
    """Return figures of the landcover on points labelled by eye.

    Each point stands for its stratum's share of the area, over the stratum's number of points; the
    intervals are of points drawn again within each stratum.

    Args:
        judge: "landcover".
        folder: of points.csv.
        data: folder of the scenes.
        album: takes pictures.

    Returns:
        What `metrics.figures` gives for weighted points; "points", "ece", "intervals", "places" (by scene),
        "labellers" (how many were labelled twice, and kappa), and "unweighted", of the points as they are
        counted.
    """
    points = read_points(folder)
    chances = np.stack(_chances(judge, points, data, album))
    truth = np.array([CLASSES.index(point.label) for point in points])
    weights = stratum_weights([point.stratum for point in points], [point.share for point in points])
    belief = Reliability()
    belief.add(chances.T, truth)
    if album is not None:
        album.reliability = belief
    guess = chances.argmax(axis=1)
    found = figures(_weighted(truth, guess, weights), CLASSES)
    return {
        "points": len(points),
        **found,
        "ece": round(_ece(chances, truth, weights), 4),
        "intervals": _intervals(points, truth, chances, weights),
        "places": _by_scene(points, truth, guess),
        "labellers": _labellers(points),
        "unweighted": brief(_weighted(truth, guess, np.ones(len(points))).astype(int), CLASSES),
    }


def five_classes(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return probabilities of `CLASSES` (5, ...) from those of six classes: built is both kinds together."""
    of = dict(zip(LANDCOVER, probabilities, strict=True))
    built = of["residential"] + of["industrial"]
    return np.stack([of["water"], of["grass"], of["tree"], built, of["barren"]])


def stratum_weights(strata: Sequence[str], shares: Sequence[float]) -> NDArray[np.float64]:
    """Return the weight of each point: its stratum's share over the stratum's points; all sum to 1."""
    counts = {stratum: strata.count(stratum) for stratum in set(strata)}
    weights = np.array([share / counts[stratum] for stratum, share in zip(strata, shares, strict=True)])
    return weights / weights.sum()


def _chances(
    judge: Judge, points: list[Point], data: Path, album: Album | None
) -> list[NDArray[np.floating]]:
    """Probabilities of the five classes at each point, in the points' order."""
    at: dict[str, NDArray[np.floating]] = {}
    for name in dict.fromkeys(point.scene for point in points):
        scene = read_scene(data, name)
        probabilities = five_classes(judge.probabilities(scene.reflectance))
        for point in points:
            if point.scene != name:
                continue
            at[point.number] = probabilities[:, point.row, point.col]
            if album is not None:
                _photograph(album, point, scene.reflectance, probabilities)
    return [at[point.number] for point in points]


def _photograph(
    album: Album,
    point: Point,
    reflectance: NDArray[np.float32],
    probabilities: NDArray[np.floating],
) -> None:
    rows, cols = (slice(max(0, middle - AROUND), middle + AROUND + 1) for middle in (point.row, point.col))
    here = point.row - rows.start, point.col - cols.start
    colour = true_colour(reflectance[:, rows, cols]).copy()
    table = np.array([list(bytes.fromhex(COLOURS[name][1:])) for name in CLASSES], np.uint8)
    classes = table[probabilities[:, rows, cols].argmax(axis=0)]
    chances = probabilities[:, point.row, point.col]
    words = ", ".join(f"{name} {chance:.2f}" for name, chance in zip(CLASSES, chances, strict=True))
    album.shots.append(
        Shot(
            float(chances[CLASSES.index(point.label)]),
            f"Point {point.number}: {point.label}",
            f"{point.scene}: {words}",
            (("scene", encoded(_ringed(colour, here))), ("network", encoded(_ringed(classes, here)))),
        )
    )


def _ringed(pixels: NDArray[np.uint8], at: tuple[int, int]) -> NDArray[np.uint8]:
    """A picture with a square around a pixel."""
    out = pixels.copy()
    rows, cols = (np.clip(np.arange(middle - 2, middle + 3), 0, 2 * AROUND) for middle in at)
    rows, cols = (line[line < size] for line, size in zip((rows, cols), pixels.shape[:2], strict=True))
    for row in rows:
        for col in cols:
            if max(abs(row - at[0]), abs(col - at[1])) == 2:
                out[row, col] = (255, 0, 80)
    return out


def _weighted(
    truth: NDArray[np.integer], guess: NDArray[np.integer], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    counts = np.zeros((len(CLASSES),) * 2)
    np.add.at(counts, (truth, guess), weights)
    return counts


def _ece(chances: NDArray[np.floating], truth: NDArray[np.integer], weights: NDArray[np.float64]) -> float:
    """The weighted expected calibration error, in the bins of `Reliability`."""
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = np.bincount(place, weights * (sure - right), minlength=BINS)
    return float(np.abs(gaps).sum() / weights.sum())


def _intervals(
    points: list[Point],
    truth: NDArray[np.integer],
    chances: NDArray[np.floating],
    weights: NDArray[np.float64],
) -> dict[str, Any]:
    """Intervals by drawing the points of each stratum again."""
    strata: dict[str, list[int]] = {}
    for number, point in enumerate(points):
        strata.setdefault(point.stratum, []).append(number)
    rng, guess = np.random.default_rng(0), chances.argmax(axis=1)
    drawn: list[dict[str, Any]] = []
    for _ in range(DRAWS):
        chosen = np.concatenate([rng.choice(members, len(members)) for members in strata.values()])
        counts = _weighted(truth[chosen], guess[chosen], weights[chosen])
        drawn.append(
            figures(counts, CLASSES) | {"ece": _ece(chances[chosen], truth[chosen], weights[chosen])}
        )
    single = {key: _spread([of[key] for of in drawn]) for key in ("overall_accuracy", "mean_iou", "ece")}
    each = {
        key: {name: _spread([of[key][name] for of in drawn]) for name in CLASSES} for key in ("f1", "iou")
    }
    return {"points": len(points), **single, **each}


def _spread(values: list[float | None]) -> list[float] | None:
    return interval(np.array([np.nan if value is None else value for value in values]))


def _by_scene(points: list[Point], truth: NDArray[np.integer], guess: NDArray[np.integer]) -> dict[str, Any]:
    found = {}
    for name in dict.fromkeys(point.scene for point in points):
        here = np.array([point.scene == name for point in points])
        inside = [point for point in points if point.scene == name]
        weights = stratum_weights([point.stratum for point in inside], [point.share for point in inside])
        found[name] = {**brief(_weighted(truth[here], guess[here], weights), CLASSES), "pixels": len(inside)}
    return found


def _labellers(points: list[Point]) -> dict[str, Any]:
    twice = [point for point in points if point.second]
    agreed = kappa([point.label for point in twice], [point.second for point in twice])
    return {"points": len(twice), "kappa": None if agreed is None else round(agreed, 4)}
