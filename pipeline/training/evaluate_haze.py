"""What the haze network is worth, on simulated previews and on real ones with and without haze."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.networks import load
from pipeline.training.augment import hazed
from pipeline.training.datasets.alpine import read_scenes
from pipeline.training.datasets.drawing import draw_preview
from pipeline.training.datasets.previews import preview_of
from pipeline.training.metrics import auc
from pipeline.training.tally import Tally, interval_of

PREVIEWS = 6
VARIANTS = 8
"""Of each real preview, as it is and hazed: read from grids that are shifted a little."""

OPACITY = (0.35, 0.8)
"""Of synthetic haze over blue, the range that training uses."""

CLEAR_ENOUGH = 0.3
"""Most cloud over a real preview that is taken for free of haze."""


@dataclass(frozen=True)
class Scored:
    """A preview: its place, whether it is hazy, and the network's probability that it is."""

    place: str
    hazy: bool
    score: float


Show = Callable[[Scored, NDArray[np.floating]], None]
"""Takes a scored preview and its reflectance, R, G, B first."""


def no_show(item: Scored, reflectance: NDArray[np.floating]) -> None:
    """Show nothing."""


def on_seeds(seeds: Iterable[int], weights: Path, show: Show = no_show) -> dict[str, Any]:
    """Return figures of previews of simulator seeds; `show` takes each."""
    return haze_figures(list(scored_seeds(seeds, weights, show)))


def scored_seeds(seeds: Iterable[int], weights: Path, show: Show = no_show) -> Iterator[Scored]:
    """Yield the previews of simulator seeds with the network's scores; `show` takes each."""
    network = load("haze", weights)
    for seed in seeds:
        for date in range(PREVIEWS):
            drawn = draw_preview(seed, date)
            item = Scored(f"seed {seed}", drawn.hazy, network.score(drawn.reflectance[:3]))
            show(item, drawn.reflectance)
            yield item


def on_alpine(data: Path, held_out: bool, weights: Path, show: Show = no_show) -> dict[str, Any]:
    """Return the scores of the real alpine previews, and figures of those and of hazed copies of them.

    Args:
        data: folder of the shared data.
        held_out: tile 33TWM, which is kept for tests, instead of 33TWL, which is trained on.
        weights: folder of the weights.
        show: takes each of the copies.

    Returns:
        "scores" of the previews as they are, and what `haze_figures` gives for `VARIANTS` copies of each,
        as they are and under a synthetic haze. Previews with more than 30 % of cloud are scored only.
    """
    network = load("haze", weights)
    scores, scored = {}, []
    for scene in read_scenes(data):
        if ("33TWM" in scene.id) != held_out:
            continue
        preview = preview_of(scene, averaged=True)
        scores[scene.id] = round(network.score(preview.reflectance[:3]), 4)
        if (preview.labels == 1).sum() > CLEAR_ENOUGH * (preview.labels <= 1).sum():
            continue
        for number in range(VARIANTS):
            rng = np.random.default_rng(number)
            copy = preview_of(scene, averaged=number % 2 == 0, shift=float(rng.uniform(0, 0.9)))
            veiled = hazed(copy.reflectance, rng, float(rng.uniform(*OPACITY)))
            for hazy, seen in ((False, copy.reflectance), (True, veiled)):
                scored.append(Scored(scene.id, hazy, network.score(seen[:3])))
                show(scored[-1], seen)
    return {"scores": scores, **haze_figures(scored)}


def haze_figures(scored: list[Scored]) -> dict[str, Any]:
    """Return figures of scored previews.

    Returns:
        "previews", "auc", "ece", what `metrics.figures` gives at a threshold of 0.5, and "intervals" by
        drawing the places.
    """
    tally = Tally(("not hazy", "hazy"))
    for item in scored:
        chances, label = np.array([[1 - item.score], [item.score]]), np.array([int(item.hazy)])
        tally.add(item.place, label, chances)
    found = tally.figures()
    names = list(dict.fromkeys(item.place for item in scored))
    groups = [[item for item in scored if item.place == name] for name in names]

    def drawn_auc(chosen: np.ndarray) -> float:
        return _auc([item for number in chosen for item in groups[number]])

    area = _auc(scored)
    return {
        "previews": found.pop("pixels"),
        "auc": None if np.isnan(area) else round(area, 4),
        **found,
        "intervals": {
            **found["intervals"],
            "auc": interval_of(drawn_auc, len(groups)) if len(groups) > 1 else None,
        },
    }


def _auc(scored: list[Scored]) -> float:
    scores, hazy = np.array([item.score for item in scored]), np.array([item.hazy for item in scored], bool)
    area = auc(scores[hazy], scores[~hazy])
    return float("nan") if area is None else area
