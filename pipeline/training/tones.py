"""What a fitted tone curve is worth: each data set as a campaign of its own, against ESA's true colour."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image

from pipeline.raster import encode
from pipeline.tone import Tone, default_curve
from pipeline.tone.contrast import Crossings, Picture, measure, true_colour
from pipeline.tone.fit import fit_tone
from pipeline.training.datasets.alpine import read_scenes
from pipeline.training.datasets.desert import FOLDER, read_desert
from pipeline.training.datasets.drawing import draw_windows

UNCLEAR = (0, 1, 3, 8, 9, 10)
"""Scene classes that are no clear ground: no data, defective, shadow, cloud."""
PANEL = 420
SIDE = 512


def on_campaign(pictures: Sequence[Picture], given: Tone | None = None) -> tuple[Tone, dict[str, Any]]:
    """The curve given or fitted to a campaign's pictures, its figures and the worst of the default curve."""
    crossings = Crossings.of(pictures)
    tone = given or fit_tone(crossings)
    default = measure(default_curve(), crossings)
    return tone, measure(tone, crossings).to_json() | {"worst_of_default": round(default.worst, 3)}


def evaluate_tone(
    on: str,
    data: Path,
    seeds: Sequence[int],
    resolution: float,
    picture: Path | None = None,
    given: Tone | None = None,
) -> dict[str, Any]:
    """Figures of the curves fitted to a data set.

    Args:
        on: "alpine", "desert", or "simulated" (each seed is a campaign).
        data: folder of the shared data.
        seeds: of the simulator.
        resolution: of simulated scenes, metres.
        picture: where a picture of the first campaign goes, true colour beside ours.
        given: measure this curve instead of fitting one.

    Raises:
        SourceError: the scenes are not there.
    """
    found = {}
    for name, pictures in _campaigns(on, data, seeds, resolution).items():
        tone, found[name] = on_campaign(pictures, given)
        if picture is not None:
            side_by_side(pictures[0], tone).save(picture, quality=88)
            picture = None
    return found


def alpine_pictures(data: Path) -> list[Picture]:
    """The ten real alpine scenes with the clear ground of their scene classification."""
    return [Picture(encode(scene.reflectance), ~np.isin(scene.scl, UNCLEAR)) for scene in read_scenes(data)]


def desert_pictures(data: Path) -> list[Picture]:
    """The real desert scene with the clear ground of its scene classification."""
    stored = encode(read_desert(data).reflectance)
    with rasterio.open(data / FOLDER / "SCL.tif") as dataset:
        classes = dataset.read(1).repeat(2, 0).repeat(2, 1)
    return [Picture(stored, ~np.isin(classes, UNCLEAR))]


def simulated_pictures(seed: int, resolution: float = 60, side: int = SIDE) -> list[Picture]:
    """Four windows of a simulated world at four dates, with their true clear ground."""
    return [
        Picture(encode(drawn.reflectance), drawn.cloud == 0)
        for drawn in draw_windows(seed, resolution, side, clear=False)
    ]


def side_by_side(picture: Picture, tone: Tone) -> Image.Image:
    """The middle of a picture: true colour, beside it our R, G, B."""
    top, left = ((length - PANEL) // 2 for length in picture.clear.shape)
    stored = picture.stored[:, max(top, 0) :, max(left, 0) :][:, :PANEL, :PANEL]
    gap = np.full((3, stored.shape[1], 8), 255, np.uint8)
    panels = (_levels(stored, true_colour()), gap, _levels(stored, tone.tables()))
    return Image.fromarray(np.moveaxis(np.concatenate(panels, axis=2), 0, -1))


def _levels(stored: NDArray[np.uint16], tables: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.stack([tables[band][stored[band]] for band in range(3)])


def _campaigns(on: str, data: Path, seeds: Sequence[int], resolution: float) -> dict[str, list[Picture]]:
    if on == "alpine":
        return {on: alpine_pictures(data)}
    if on == "desert":
        return {on: desert_pictures(data)}
    return {f"seed {seed}": simulated_pictures(seed, resolution) for seed in seeds}
