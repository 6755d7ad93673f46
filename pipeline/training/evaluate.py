"""What a network is worth: on simulated scenes of unseen seeds, and on the real alpine scenes."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.networks import load
from pipeline.training.augment import enlarged
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.alpine import RealScene, read_scenes
from pipeline.training.datasets.desert import read_desert
from pipeline.training.datasets.drawing import Drawn, draw_preview, draw_windows
from pipeline.training.datasets.eurosat import EurosatPatches
from pipeline.training.datasets.labels import LANDCOVER_LABELS, SCL_CLOUD, landcover_labels, scl_labels
from pipeline.training.datasets.previews import preview_of
from pipeline.training.metrics import confusion, figures

LANDCOVER = ("water", "grass", "tree", "residential", "industrial", "barren")
SIDE = 512
DATES = 3


def on_seeds(name: str, seeds: Iterable[int], resolution: float, weights: Path) -> dict[str, Any]:
    """Return figures of a network, or of "landcover", on simulated scenes.

    Args:
        name: a network, or "landcover" for the combination of three.
        seeds: seeds of the simulator.
        resolution: metres; not used for the networks that read previews.
        weights: folder of the weights.
    """
    if name == "haze":
        return _haze_on_seeds(seeds, weights)
    predict, labels_of, classes = _judge(name, weights)
    total = np.zeros((len(classes), len(classes)), np.int64)
    for seed in seeds:
        for drawn in _scenes(name, seed, resolution):
            total += confusion(labels_of(drawn), predict(drawn.reflectance), len(classes))
    return figures(total, classes)


def _scenes(name: str, seed: int, resolution: float) -> Iterable[Drawn]:
    if name == "preview-cloud":
        return (draw_preview(seed, date) for date in range(DATES))
    return draw_windows(seed, resolution, SIDE, clear=name != "cloud")


Predict = Callable[[NDArray[np.float32]], NDArray[np.integer]]


def _judge(name: str, weights: Path) -> tuple[Predict, Callable[[Drawn], NDArray[np.uint8]], Sequence[str]]:
    """Return what predicts classes, what gives the labels, and the names of the classes."""
    if name == "landcover":
        return _landcover(weights), _landcover_truth, LANDCOVER
    network = load(name, weights)
    labels: dict[str, Callable[[Drawn], NDArray[np.uint8]]] = {
        "cloud": lambda drawn: drawn.cloud,
        "preview-cloud": lambda drawn: drawn.preview_labels(),
    }
    if name in LANDCOVER_LABELS:
        labels[name] = lambda drawn: landcover_labels(name, drawn.classes, drawn.cloud)
    return lambda x: network.probabilities(x).argmax(axis=0), labels[name], network.classes


def _landcover(weights: Path) -> Predict:
    from pipeline.landcover.combine import combine

    names = ("water", "vegetation", "buildings")
    networks = [load(name, weights) for name in names]
    return lambda x: combine(*(network.probabilities(x) for network in networks)).argmax(axis=0)


def _landcover_truth(drawn: Drawn) -> NDArray[np.uint8]:
    hidden = (drawn.classes == 0) | (drawn.cloud != 0)
    return np.where(hidden, IGNORE, drawn.classes.astype(np.int16) - 1).astype(np.uint8)


def _haze_on_seeds(seeds: Iterable[int], weights: Path) -> dict[str, Any]:
    network = load("haze", weights)
    total = np.zeros((2, 2), np.int64)
    for seed in seeds:
        for date in range(2 * DATES):
            drawn = draw_preview(seed, date)
            total[int(drawn.hazy), int(network.score(drawn.reflectance[:3]) >= 0.5)] += 1
    found = figures(total, network.classes)
    return {"previews": found.pop("pixels"), **found}


def on_alpine(name: str, data: Path, held_out: bool, weights: Path) -> dict[str, Any]:
    """Return figures of "cloud" (at 60 m), "preview-cloud" or "haze" on the real alpine scenes.

    Args:
        name: the network.
        data: folder of the shared data.
        held_out: the parts kept for tests instead of those trained on.
        weights: folder of the weights.
    """
    scenes = read_scenes(data)
    if name == "haze":
        network = load("haze", weights)
        chosen = [scene for scene in scenes if ("33TWM" in scene.id) == held_out]
        previews = {scene.id: preview_of(scene, averaged=True).reflectance[:3] for scene in chosen}
        return {"scores": {name: round(network.score(preview), 4) for name, preview in previews.items()}}
    network = load(name, weights)
    total = np.zeros((len(network.classes),) * 2, np.int64)
    for scene in scenes:
        reflectance, labels = _real(name, scene, held_out)
        if labels.size:
            guess = network.probabilities(reflectance).argmax(axis=0)
            total += confusion(labels, guess, len(network.classes))
    return figures(total, network.classes)


def _real(name: str, scene: RealScene, held_out: bool) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return reflectance and labels of one part of a scene, at 60 m or at the preview's 320 m."""
    rows = scene.rows(held_out)
    if name == "preview-cloud":
        preview = preview_of(scene, averaged=True)
        part = slice(*(round(edge * scene.pixel / 320) for edge in (rows.start, rows.stop)))
        return preview.reflectance[:, part], preview.labels[part]
    labels = scl_labels(scene.scl[rows], SCL_CLOUD).repeat(2, 0).repeat(2, 1)
    return enlarged(scene.reflectance[:, rows], order=1) if labels.size else scene.reflectance, labels


def on_desert(data: Path, weights: Path) -> dict[str, Any]:
    """Return figures of "cloud" on the real desert scene."""
    network, scene = load("cloud", weights), read_desert(data)
    guess = network.probabilities(scene.reflectance).argmax(axis=0)
    return figures(confusion(scene.labels, guess, len(network.classes)), network.classes)


def on_eurosat(data: Path, weights: Path, crops: int = 100) -> dict[str, Any]:
    """Return figures of "buildings" on the EuroSAT patches that were held out, each pixel judged."""
    network = load("buildings", weights)
    patches = EurosatPatches(data, 256, held_out=True)
    total = np.zeros((3, 3), np.int64)
    for index in range(crops):
        sample = patches.sample(np.random.default_rng(index))
        total += confusion(sample.labels, network.probabilities(sample.reflectance).argmax(axis=0), 3)
    return figures(total, network.classes)
