"""Points to label, spread over strata of colour."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.cluster.vq import kmeans2

from script.lib.label.scenes import Place, read, shape, usually
from script.lib.say import Trouble

COLUMNS = ["number", "scene", "row", "col", "stratum", "stratum_share", "spare", "twice"]
# Points are kept so far from the edges of the ground that is used, so that what lies around them can be seen.
MARGIN = 10
SAMPLE = 20_000


def strata(bands: dict[str, np.ndarray], count: int, generator: np.random.Generator) -> np.ndarray:
    """Clusters of colour: k-means on the logarithms of the bands and NDVI, each brought to unit variance.

    Args:
        bands: red, green, blue, nir, NaN where there is nothing.
        count: how many clusters.
        generator: of the sample and the starting points.

    Returns:
        int64 of the bands' shape, 0 .. `count` - 1 from dark to bright in red, -1 where there is nothing.
    """
    there = np.isfinite(bands["red"])
    logs = [np.log(np.maximum(bands[name][there], 1e-3)) for name in ("red", "green", "blue", "nir")]
    red, nir = bands["red"][there], bands["nir"][there]
    features = np.stack([*logs, (nir - red) / np.maximum(nir + red, 1e-3)], axis=1).astype(np.float64)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    sample = features[generator.choice(len(features), min(SAMPLE, len(features)), replace=False)]
    centres, _ = kmeans2(sample, count, minit="++", rng=generator, iter=50)
    nearest = np.argmin(((features[:, None] - centres[None]) ** 2).sum(axis=2), axis=1)
    order = np.argsort([red[nearest == index].mean() for index in range(count)])
    found = np.full(there.shape, -1, np.int64)
    found[there] = np.argsort(order)[nearest]
    return found


def draw(plan: dict, data: Path, labels: Path) -> list[dict]:
    """Draw points from each stratum of each scene, and spares for those of which nobody can tell the class.

    Args:
        plan: {"seed", "spares": per stratum, "twice": how many are labelled a second time, "apart": {"from":
            another set's folder beside `labels`, "pixels": how far its points and spares reach} (where there
            is one), "scenes": [{"name", "scene", "rows": used from the top, "references": other dates of
            which the median is taken with it, where all have data, "strata": how many, "points": per
            stratum, a number or a list from dark to bright, ...}]}.
        data: folder of the scenes.
        labels: folder of the plan.

    Returns:
        rows of `COLUMNS`, in random order, the spares last.
    """
    generator = np.random.default_rng(plan["seed"])
    rows: list[dict] = []
    for of_scene in plan["scenes"]:
        taken = _taken(plan["apart"], of_scene, labels) if "apart" in plan else []
        rows += _of_scene(of_scene, plan["spares"], data, generator, taken)
    asked = [row for row in rows if not row["spare"]]
    for index in generator.choice(len(asked), plan["twice"], replace=False):
        asked[index]["twice"] = True
    generator.shuffle(rows)
    rows.sort(key=lambda row: row["spare"])
    return [{"number": number} | row for number, row in enumerate(rows, start=1)]


def _taken(apart: dict, of_scene: dict, labels: Path) -> list[tuple[slice, slice]]:
    """Squares around the points and spares of another set that lie in this scene or on its other dates."""
    others = rows_of(labels.parent / apart["from"] / "candidates.csv")
    dates = [of_scene["scene"], *of_scene["references"]]
    places = [(int(row["row"]), int(row["col"])) for row in others if row["scene"] in dates]
    reach = apart["pixels"]
    return [
        np.s_[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1]
        for row, col in places
    ]


def _of_scene(
    of_scene: dict,
    spares: int,
    data: Path,
    generator: np.random.Generator,
    taken: list[tuple[slice, slice]],
) -> list[dict]:
    height, width = shape(data, of_scene["scene"])
    height = min(height, of_scene["rows"])
    dates = [of_scene["scene"], *of_scene["references"]]
    whole = Place(of_scene["scene"], 0, 0, height, width)
    bands = usually(data, whole, dates)
    for scene in dates:
        empty = np.isnan(read(data, replace(whole, scene=scene))["red"])
        bands = {name: np.where(empty, np.nan, band) for name, band in bands.items()}
    found = strata(bands, of_scene["strata"], generator)
    inside = np.zeros(found.shape, bool)
    inside[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    for square in taken:
        inside[square] = False
    counts = np.broadcast_to(of_scene["points"], of_scene["strata"]).tolist()
    rows = []
    for stratum, points in enumerate(counts):
        places = np.argwhere((found == stratum) & inside)
        wanted = points + spares
        if len(places) < wanted:
            raise Trouble(f"{of_scene['name']}-{stratum} has {len(places)} pixels for {wanted} points.")
        share = round(float((found == stratum).sum() / (found >= 0).sum()), 5)
        told = {
            "scene": of_scene["scene"],
            "stratum": f"{of_scene['name']}-{stratum}",
            "stratum_share": share,
        }
        for order, index in enumerate(generator.choice(len(places), wanted, replace=False)):
            row, col = (int(value) for value in places[index])
            rows.append(told | {"row": row, "col": col, "spare": order >= points, "twice": False})
    return rows


def write(path: Path, rows: list[dict], columns: list[str]) -> None:
    """Write rows as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def rows_of(path: Path) -> list[dict]:
    """The rows of a CSV file, all values as text."""
    if not path.is_file():
        raise Trouble(f"There is no {path}.")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
