"""Scenes as whoever labels them sees them: four bands of reflectance, beside those of other dates."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from script.lib.say import Trouble

BANDS = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
SCALE = 10_000


@dataclass(frozen=True)
class Place:
    """Pixels of one scene: its folder below the data, the upper-left corner, rows and columns."""

    scene: str
    row: int
    col: int
    rows: int
    cols: int


def shape(data: Path, scene: str) -> tuple[int, int]:
    """Rows and columns of a scene."""
    with rasterio.open(_file(data, scene, "B04")) as dataset:
        return dataset.shape


def read(data: Path, place: Place) -> dict[str, np.ndarray]:
    """Reflectance by band, float32; NaN in all bands where any is 0 and outside the scene."""
    window = Window(place.col, place.row, place.cols, place.rows)
    bands = {}
    for name, file in BANDS.items():
        with rasterio.open(_file(data, place.scene, file)) as dataset:
            bands[name] = dataset.read(1, window=window, boundless=True, fill_value=0)
    empty = np.any([band == 0 for band in bands.values()], axis=0)
    return {name: np.where(empty, np.nan, band / SCALE).astype(np.float32) for name, band in bands.items()}


def measures(data: Path, place: Place, references: list[str]) -> dict[str, np.ndarray]:
    """What thresholds may be set on: the bands and, against the median of other dates, their changes.

    Args:
        data: folder of the scenes.
        place: what is labelled.
        references: other dates on the same grid; without any there are no changes.

    Returns:
        red, green, blue, nir; `blue_to_red`, in which white cloud stands out from yellow ground;
        `BAND_usual`, the median of the other dates; `BAND_rise`, the difference to it, and `BAND_ratio`, the
        quotient; all float32, NaN where there is nothing.
    """
    found = read(data, place)
    found["blue_to_red"] = found["blue"] / np.maximum(found["red"], 1e-3)
    if not references:
        return found
    usual = usually(data, place, references)
    for name in BANDS:
        found[f"{name}_usual"] = usual[name]
        found[f"{name}_rise"] = found[name] - usual[name]
        found[f"{name}_ratio"] = found[name] / np.maximum(usual[name], 1e-3)
    return found


def usually(data: Path, place: Place, scenes: list[str]) -> dict[str, np.ndarray]:
    """Median of the bands over `scenes`, all on the grid of `place`; NaN where none has anything."""
    dates = [read(data, Place(scene, place.row, place.col, place.rows, place.cols)) for scene in scenes]
    found = {}
    for name in BANDS:
        stack = np.stack([date[name] for date in dates])
        there = np.isfinite(stack).any(axis=0)
        found[name] = np.full(there.shape, np.nan, np.float32)
        found[name][there] = np.nanmedian(stack[:, there], axis=0)
    return found


def _file(data: Path, scene: str, band: str) -> Path:
    path = data / scene / f"{band}.tif"
    if not path.is_file():
        raise Trouble(f"There is no band of a scene at {path}.")
    return path
