"""The figures of a network over places: pooled, with intervals, by place and by cloud cover."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.training.datasets import IGNORE
from pipeline.training.metrics import confusion, figures
from pipeline.training.reliability import Reliability

DRAWS = 1000
INTERVAL = (2.5, 97.5)
COVERS = (0, 5, 20, 50, 80, 100)
"""Edges of the groups by cloud cover, percent."""

Counts = NDArray[np.float64]


@dataclass
class Tally:
    """Counts of predictions, kept by place and by cloud cover.

    Attributes:
        classes: names of the classes.
        places: counts (truth, prediction) by place.
        beliefs: reliability by place.
        covers: counts by group of cloud cover.
    """

    classes: Sequence[str]
    places: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    beliefs: dict[str, Reliability] = field(default_factory=dict)
    covers: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    def add(
        self,
        place: str,
        labels: NDArray[np.integer],
        probabilities: NDArray[np.floating],
        cover: float | None = None,
    ) -> NDArray[np.int64]:
        """Add pixels of a place; returns their counts (truth, prediction).

        Args:
            place: its name; what is drawn again as one for the intervals.
            labels: (rows, cols), `IGNORE` where nothing is known.
            probabilities: (classes, rows, cols).
            cover: share of the place under cloud, 0..1, where it is known.
        """
        counts = confusion(labels, probabilities.argmax(axis=0), len(self.classes))
        none = np.zeros_like(counts)
        self.places[place] = self.places.get(place, none) + counts
        self.beliefs.setdefault(place, Reliability()).add(probabilities, labels)
        if cover is not None:
            group = cover_group(cover)
            self.covers[group] = self.covers.get(group, none) + counts
        return counts

    @property
    def reliability(self) -> Reliability:
        """That of all places together."""
        return Reliability(np.sum([belief.counts for belief in self.beliefs.values()], axis=0))

    def figures(self) -> dict[str, Any]:
        """Return all figures, JSON-able.

        Returns:
            What `metrics.figures` gives for all places together; "ece" and "reliability"; "intervals", of
            95 %, by drawing places; "places" and "cloud_cover", figures of the parts.
        """
        whole = np.sum(list(self.places.values()), axis=0) if self.places else self._none()
        found = figures(whole, self.classes)
        error = self.reliability.error if self.places else None
        return {
            **found,
            "ece": None if error is None else round(error, 4),
            "intervals": self.intervals(),
            "places": {place: brief(counts, self.classes) for place, counts in self.places.items()},
            "cloud_cover": {
                group: brief(self.covers[group], self.classes) for group in _groups() if group in self.covers
            },
            "reliability": self.reliability.points() if self.places else [],
        }

    def intervals(self) -> dict[str, Any]:
        """Return intervals of 95 % of "overall_accuracy", "mean_iou", "ece", and of "f1" and "iou" by class.

        Places are drawn with replacement, as many as there are. With fewer than two places all are null.
        """
        if len(self.places) < 2:
            return {"places": len(self.places), "overall_accuracy": None, "mean_iou": None}
        matrices = np.stack([self.places[place] for place in self.places]).astype(np.float64)
        beliefs = np.stack([self.beliefs[place].counts for place in self.places])
        chosen = draws(len(matrices))
        drawn = np.tensordot(chosen, matrices, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            hits = np.diagonal(drawn, axis1=1, axis2=2)
            both = drawn.sum(axis=1) + drawn.sum(axis=2)
            f1, iou = 2 * hits / both, hits / (both - hits)
            mean = np.nansum(iou, axis=1) / np.isfinite(iou).sum(axis=1)
            right = hits.sum(axis=1) / drawn.sum(axis=(1, 2))
            pooled = np.tensordot(chosen, beliefs, 1)
            ece = np.abs(pooled[:, 1] - pooled[:, 2]).sum(axis=1) / pooled[:, 0].sum(axis=1)
        return {
            "places": len(self.places),
            "overall_accuracy": interval(right),
            "mean_iou": interval(mean),
            "ece": interval(ece),
            "f1": {name: interval(f1[:, i]) for i, name in enumerate(self.classes)},
            "iou": {name: interval(iou[:, i]) for i, name in enumerate(self.classes)},
        }

    def _none(self) -> NDArray[np.int64]:
        return np.zeros((len(self.classes),) * 2, np.int64)


def draws(count: int, seed: int = 0) -> Counts:
    """Return how often each of `count` places is drawn, (DRAWS, count), with replacement."""
    chance = np.full(count, 1 / count)
    return np.random.default_rng(seed).multinomial(count, chance, DRAWS).astype(np.float64)


def interval(values: NDArray[np.floating]) -> list[float] | None:
    """Return the middle 95 % of drawn figures; None where most of them are undefined."""
    known = values[np.isfinite(values)]
    if len(known) < len(values) / 2:
        return None
    return [round(float(value), 4) for value in np.percentile(known, INTERVAL)]


def interval_of(
    figure: Callable[[NDArray[np.int64]], float], count: int, seed: int = 0
) -> list[float] | None:
    """Return the interval of a figure over drawn things.

    Args:
        figure: gives the figure from the indices of the things drawn; NaN where it is undefined.
        count: how many things there are.
        seed: of the drawing.
    """
    rng = np.random.default_rng(seed)
    return interval(np.array([figure(rng.integers(count, size=count)) for _ in range(DRAWS)]))


def brief(counts: NDArray[Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return the figures of a part: what `metrics.figures` gives without the tables."""
    found = figures(counts, classes)
    return {key: found[key] for key in ("pixels", "overall_accuracy", "mean_iou", "f1", "iou")}


def cover_group(cover: float) -> str:
    """Return the group that a share of cloud (0..1) falls into, as "5-20 %"."""
    number = int(np.searchsorted(COVERS[1:-1], 100 * cover, side="right"))
    return _groups()[number]


def cover_of(cloud: NDArray[np.integer]) -> float | None:
    """Return the share of cloud in a mask (1 = cloud, `IGNORE` = no data); None without data."""
    known = cloud != IGNORE
    return float((cloud[known] == 1).mean()) if known.any() else None


def _groups() -> list[str]:
    return [f"{low}-{high} %" for low, high in pairwise(COVERS)]
