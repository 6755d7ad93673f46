"""What a judge is measured on: pixels with known classes, of simulated scenes and of real ones."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.training.augment import enlarged
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.alpine import RealScene, read_scenes
from pipeline.training.datasets.desert import FOLDER as DESERT
from pipeline.training.datasets.desert import read_desert
from pipeline.training.datasets.drawing import Drawn, draw_preview, draw_windows
from pipeline.training.datasets.eurosat import EurosatPatches
from pipeline.training.datasets.labels import LANDCOVER_LABELS, SCL_CLOUD, landcover_labels, scl_labels
from pipeline.training.datasets.previews import PIXEL, preview_of
from pipeline.training.tally import cover_of

SIDE = 512
DATES = 3


@dataclass(frozen=True)
class Case:
    """Pixels with known classes.

    Attributes:
        place: where they lie; pixels of one place are drawn together for the intervals.
        name: tells this case from others of the place.
        reflectance: float32 (4, rows, cols), NaN for no data.
        labels: uint8 (rows, cols), `IGNORE` where nothing is known.
        cover: share of cloud, 0..1, where it is known.
    """

    place: str
    name: str
    reflectance: NDArray[np.float32]
    labels: NDArray[np.uint8]
    cover: float | None = None


def of_seeds(name: str, seeds: Iterable[int], resolution: float, level: str = "L2A") -> Iterator[Case]:
    """Yield simulated cases for a network, or for "landcover".

    Args:
        name: the network.
        seeds: of the simulator; each is a place.
        resolution: metres; not used for "preview-cloud".
        level: "L2A" or "L1C"; likewise.
    """
    for seed in seeds:
        for number, drawn in enumerate(_drawn(name, seed, resolution, level)):
            labels = simulated_labels(name, drawn)
            yield Case(f"seed {seed}", str(number + 1), drawn.reflectance, labels, cover_of(drawn.cloud))


def _drawn(name: str, seed: int, resolution: float, level: str) -> Iterable[Drawn]:
    if name == "preview-cloud":
        return (draw_preview(seed, date) for date in range(DATES))
    return draw_windows(seed, resolution, SIDE, clear=name != "cloud", level=level)


def simulated_labels(name: str, drawn: Drawn) -> NDArray[np.uint8]:
    """Return a network's labels of a drawn scene, or those of "landcover"."""
    if name == "cloud":
        return drawn.cloud
    if name == "preview-cloud":
        return drawn.preview_labels()
    if name in LANDCOVER_LABELS:
        return landcover_labels(name, drawn.classes, drawn.cloud)
    hidden = (drawn.classes == 0) | (drawn.cloud != 0)
    return np.where(hidden, IGNORE, drawn.classes.astype(np.int16) - 1).astype(np.uint8)


def of_alpine(name: str, data: Path, held_out: bool) -> Iterator[Case]:
    """Yield the real alpine scenes for "cloud" (at 60 m) or "preview-cloud".

    Args:
        name: the network.
        data: folder of the shared data.
        held_out: the parts kept for tests instead of those trained on.
    """
    for scene in read_scenes(data):
        reflectance, labels = _real(name, scene, held_out)
        if labels.size:
            yield Case(scene.id, "all", reflectance, labels, cover_of(labels))


def _real(name: str, scene: RealScene, held_out: bool) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return reflectance and labels of one part of a scene, at 60 m or at the preview's 320 m."""
    rows = scene.rows(held_out)
    if name == "preview-cloud":
        preview = preview_of(scene, averaged=True)
        part = slice(*(round(edge * scene.pixel / PIXEL) for edge in (rows.start, rows.stop)))
        return preview.reflectance[:, part], preview.labels[part]
    labels = scl_labels(scene.scl[rows], SCL_CLOUD).repeat(2, 0).repeat(2, 1)
    return enlarged(scene.reflectance[:, rows], order=1) if labels.size else scene.reflectance, labels


def of_desert(data: Path) -> Iterator[Case]:
    """Yield the real desert scene for "cloud"."""
    scene = read_desert(data)
    yield Case(DESERT, "all", scene.reflectance, scene.labels, cover_of(scene.labels))


def of_eurosat(data: Path, crops: int = 100) -> Iterator[Case]:
    """Yield mosaics of the EuroSAT patches that were held out, for "buildings", each pixel labelled."""
    patches = EurosatPatches(data, 256, held_out=True)
    for index in range(crops):
        sample = patches.sample(np.random.default_rng(index))
        yield Case(f"mosaic {index}", "all", sample.reflectance, sample.labels)
