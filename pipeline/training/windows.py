"""Windows of real scenes whose clouds and shadows were drawn by hand, for "cloud" and "preview-cloud"."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.errors import SourceError, StorageError
from pipeline.storage import read_json
from pipeline.training.album import Album
from pipeline.training.cases import Case
from pipeline.training.datasets import CLEAR, CLOUD, IGNORE, SHADOW
from pipeline.training.datasets.alpine import RealScene
from pipeline.training.datasets.labels import SCL_CLOUD, lookup
from pipeline.training.datasets.previews import PIXEL, preview_of
from pipeline.training.datasets.real import read_bands, read_classification
from pipeline.training.evaluate import Judged, measure
from pipeline.training.judge import Judge
from pipeline.training.metrics import confusion, figures, kappa
from pipeline.training.tally import Tally, cover_of


@dataclass(frozen=True)
class LabelledWindow:
    """A window as it was labelled.

    Attributes:
        id: its name.
        scene: folder of the scene below the data.
        row, col: of its upper-left corner in the scene's own raster.
        labels: uint8 (rows, cols): 0 clear, 1 cloud, 2 shadow, 255 unknown.
        second: the same by another labelling, where there is one.
    """

    id: str
    scene: str
    row: int
    col: int
    labels: NDArray[np.uint8]
    second: NDArray[np.uint8] | None

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the scene that the window covers."""
        rows, cols = self.labels.shape
        return slice(self.row, self.row + rows), slice(self.col, self.col + cols)


Mask = Callable[[RealScene], NDArray[np.uint8]]


@dataclass(frozen=True)
class Other:
    """Another mask that is measured on the same pixels.

    Attributes:
        name: under which it is told.
        mask: 0 clear, 1 cloud, 2 shadow of a whole scene.
        tally: what it is measured by.
    """

    name: str
    mask: Mask
    tally: Tally


def read_windows(folder: Path) -> list[LabelledWindow]:
    """Read `folder`/windows.json and the pictures that it names.

    Raises:
        SourceError: they are not there, or are not what they should be.
    """
    path = folder / "windows.json"
    try:
        return [
            LabelledWindow(
                item["id"],
                item["scene"],
                item["row"],
                item["col"],
                _labels(folder / item["file"]),
                _labels(folder / item["second"]) if item.get("second") else None,
            )
            for item in read_json(path)
        ]
    except (OSError, StorageError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"The labelled windows in {path} cannot be read: {error}.") from error


def _labels(path: Path) -> NDArray[np.uint8]:
    labels = np.asarray(Image.open(path))
    if labels.ndim != 2 or not np.isin(labels, (CLEAR, CLOUD, SHADOW, IGNORE)).all():
        raise ValueError(f"{path} holds other values than 0, 1, 2 and 255")
    return labels.astype(np.uint8)


def read_scene(data: Path, scene: str) -> RealScene:
    """Read a scene at its own resolution, its classification brought to it; empty where any band is 0.

    Args:
        data: folder of the scenes.
        scene: folder below.

    Raises:
        SourceError: it is not there.
    """
    digital, transform = read_bands(data / scene)
    scl = read_classification(data / scene)
    reflectance = np.where((digital == 0).any(axis=0), np.nan, digital.astype(np.float32) / 10_000)
    step = digital.shape[1] // scl.shape[0]
    return RealScene(
        scene, reflectance.astype(np.float32), scl.repeat(step, 0).repeat(step, 1), transform.f, transform.a
    )


def on_windows(
    judge: Judge,
    folder: Path,
    data: Path,
    album: Album | None = None,
    beside: Callable[[NDArray[np.float32]], NDArray[np.uint8]] | None = None,
) -> dict[str, Any]:
    """Return figures on windows labelled by hand; each window is a place.

    Args:
        judge: "cloud" or "preview-cloud".
        folder: of windows.json.
        data: folder of the scenes.
        album: takes pictures.
        beside: another mask of clear, cloud and shadow, from the reflectance of a whole scene.

    Returns:
        What `measure` gives; "scl", the same of the scenes' own classification on the same pixels, and
        "beside" of the other mask, where there is one;
        "labellers", how far two labellings of a window agree.

    Raises:
        SourceError: labels or scenes cannot be read.
    """
    found = read_windows(folder)
    masks: dict[str, Mask] = {"scl": lambda scene: lookup(scene.scl, SCL_CLOUD, CLEAR)}
    if beside is not None:
        masks["beside"] = lambda scene: beside(scene.reflectance)
    others = [Other(name, mask, Tally(judge.classes)) for name, mask in masks.items()]
    return {
        **measure(judge, _judged(judge, found, data, others), album),
        **{other.name: other.tally.figures() for other in others},
        "labellers": agreement(found, judge),
    }


def _judged(judge: Judge, found: list[LabelledWindow], data: Path, others: list[Other]) -> Judged:
    """Yield each window as the network saw it within its scene; `others` are measured on the same pixels."""
    for name in dict.fromkeys(window.scene for window in found):
        scene = read_scene(data, name)
        probabilities = scene_probabilities(judge, scene)
        masks = [one_hot(other.mask(scene), 3) for other in others]
        for window in found:
            if window.scene != name:
                continue
            rows, cols = window.slices
            reflectance = scene.reflectance[:, rows, cols]
            empty = np.isnan(reflectance).any(axis=0)
            labels = np.where(empty, IGNORE, labels_for(judge, window.labels)).astype(np.uint8)
            cover = cover_of(window.labels)
            for other, mask in zip(others, masks, strict=True):
                other.tally.add(window.id, labels, for_classes(judge, mask[:, rows, cols]), cover)
            yield Case(window.id, name, reflectance, labels, cover), probabilities[:, rows, cols]


def scene_probabilities(judge: Judge, scene: RealScene) -> NDArray[np.float32]:
    """Return a judge's probabilities of a scene's own pixels.

    "preview-cloud" reads the scene's preview of 320 m; each pixel has the probabilities of the preview's
    pixel that it lies in.
    """
    if judge.name != "preview-cloud":
        return judge.probabilities(scene.reflectance)
    coarse = judge.probabilities(preview_of(scene, averaged=True).reflectance)
    rows, cols = (
        np.minimum(((np.arange(size) + 0.5) * scene.pixel / PIXEL).astype(int), length - 1)
        for size, length in zip(scene.scl.shape, coarse.shape[1:], strict=True)
    )
    return coarse[:, rows][:, :, cols]


def labels_for(judge: Judge, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return labels in a judge's classes: one without shadow has it as clear."""
    return labels if "shadow" in judge.classes else np.where(labels == SHADOW, np.uint8(CLEAR), labels)


def for_classes(judge: Judge, chances: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return probabilities of clear, cloud and shadow in a judge's classes."""
    if "shadow" in judge.classes:
        return chances
    return np.stack([chances[CLEAR] + chances[SHADOW], chances[CLOUD]])


def one_hot(labels: NDArray[np.integer], classes: int) -> NDArray[np.float32]:
    """Return probabilities (classes, rows, cols) of 0 and 1."""
    return (labels == np.arange(classes)[:, None, None]).astype(np.float32)


def agreement(found: list[LabelledWindow], judge: Judge) -> dict[str, Any]:
    """Return how far second labellings agree with the first: "windows", "kappa", and F1 by class."""
    pairs = [
        (labels_for(judge, window.labels), labels_for(judge, window.second))
        for window in found
        if window.second is not None
    ]
    if not pairs:
        return {"windows": 0}
    first, second = (np.concatenate([part.ravel() for part in side]) for side in zip(*pairs, strict=True))
    both = (first != IGNORE) & (second != IGNORE)
    agreed = kappa(first[both], second[both])
    counts = confusion(first[both], second[both], len(judge.classes))
    return {
        "windows": len(pairs),
        "kappa": None if agreed is None else round(agreed, 4),
        "f1": figures(counts, judge.classes)["f1"],
    }
