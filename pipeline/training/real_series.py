"""The real alpine scenes as a series of dates, against what their classifications agree on."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.evidence import margin_pixels
from pipeline.networks import load
from pipeline.settings import CampaignSettings
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.alpine import RealScene, read_scenes
from pipeline.training.datasets.labels import scl_labels
from pipeline.training.datasets.previews import preview_of
from pipeline.training.judge import LANDCOVER, judge_of
from pipeline.training.series import Series, View, view_of

CLASSES = ("water", "plants", "bare or built")
SCL_GROUND = {6: 0, 4: 1, 5: 2}
"""Scene classification of Level-2A -> what it tells of the ground."""

BLOCK = 128
AGREEING = 2
"""Dates whose classification tells the ground, at least, and all the same."""


def three_classes(probabilities: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return probabilities of `CLASSES` (3, ...) from those of six classes."""
    of = dict(zip(LANDCOVER, probabilities, strict=True))
    bare = of["residential"] + of["industrial"] + of["barren"]
    return np.stack([of["water"], of["grass"] + of["tree"], bare])


def agreed(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the labels (h, w) that `AGREEING` dates or more of (dates, h, w) tell, and none contradicts."""
    known = labels != IGNORE
    lowest = labels.min(axis=0)
    highest = np.where(known, labels, 0).max(axis=0)
    return np.where((known.sum(axis=0) >= AGREEING) & (lowest == highest), lowest, np.uint8(IGNORE))


def alpine_series(data: Path, held_out: bool, weights: Path, dates: int) -> Iterator[Series]:
    """Yield blocks of the alpine tiles on their first dates; each block is a place.

    Args:
        data: folder of the shared data.
        held_out: the part kept for tests instead of those that may be trained on.
        weights: folder of the weights.
        dates: how many of each tile's five.

    Raises:
        UsageError: there are not so many dates.
    """
    scenes = read_scenes(data)
    for tile in sorted({scene.id.split("_")[1] for scene in scenes}):
        those = sorted((scene for scene in scenes if tile in scene.id), key=_day)
        if dates > len(those):
            raise UsageError(f"The alpine scenes have {len(those)} dates of a tile, not {dates}.", "dates")
        rows = those[0].rows(held_out)
        if rows.stop > rows.start:
            yield from _blocks(tile, _views(those[:dates], rows, weights), those[:dates], rows)


def _day(scene: RealScene) -> dt.date:
    return dt.datetime.strptime(scene.id.split("_")[2], "%Y%m%d").date()


def _views(scenes: list[RealScene], rows: slice, weights: Path) -> list[View]:
    judge, cloud, haze = judge_of("landcover", weights), load("cloud", weights), load("haze", weights)
    target = max(_day(scene) for scene in scenes)
    views = []
    for scene in scenes:
        margin = margin_pixels(CampaignSettings.margin, scene.pixel)
        score = haze.score(preview_of(scene, averaged=True).reflectance[:3])
        days = (target - _day(scene)).days
        views.append(view_of(scene.reflectance[:, rows], judge, cloud.probabilities, margin, score, days))
    return views


def _blocks(tile: str, views: list[View], scenes: list[RealScene], rows: slice) -> Iterator[Series]:
    labels = agreed(np.stack([scl_labels(scene.scl[rows], SCL_GROUND) for scene in scenes]))
    for top in range(0, labels.shape[0], BLOCK):
        for left in range(0, labels.shape[1], BLOCK):
            part = (slice(top, top + BLOCK), slice(left, left + BLOCK))
            if (labels[part] != IGNORE).any():
                inside = tuple(view.part(*part) for view in views)
                yield Series(f"{tile} {top} {left}", "1", labels[part], inside)
