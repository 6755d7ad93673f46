"""Landcover of several dates: simulated places as the fusion sees them, and what fused dates are worth."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.evidence import CLEAR, DOUBTFUL, margin_pixels
from pipeline.landcover.combine import quantise, restore
from pipeline.landcover.pool import DatePool, Fusion, kinds_of
from pipeline.networks import load
from pipeline.networks.normalise import valid_pixels
from pipeline.settings import CampaignSettings
from pipeline.training.album import Album
from pipeline.training.cases import SIDE, Case
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.dates import days_of, draw_dates, preview_of_day
from pipeline.training.judge import LANDCOVER, Judge, judge_of
from pipeline.training.metrics import figures
from pipeline.training.tally import Tally, brief, draws, interval

WINDOWS = 4
RIVALS = ("clearest", "best")
Merge = Callable[[NDArray[np.floating]], NDArray[np.floating]]
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class View:
    """One date of a place as the fusion sees it.

    Attributes:
        reflectance: float32 (4, rows, cols), NaN without data.
        stored: uint8 (6, rows, cols), probabilities as a build keeps them.
        kinds: uint8 (rows, cols), kinds of view by the cloud network's mask (`pool.kinds_of`).
        haze: probability of haze by the haze network.
        days: to the target date.
    """

    reflectance: NDArray[np.float32]
    stored: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    haze: float
    days: int

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Where it is clear or doubtful, bool (rows, cols)."""
        return (self.kinds == CLEAR) | (self.kinds == DOUBTFUL)

    def part(self, rows: slice, cols: slice) -> "View":
        """Return the view of some rows and columns."""
        return replace(
            self,
            reflectance=self.reflectance[:, rows, cols],
            stored=np.ascontiguousarray(self.stored[:, rows, cols]),
            kinds=np.ascontiguousarray(self.kinds[rows, cols]),
        )


@dataclass(frozen=True)
class Series:
    """A place on several dates.

    Attributes:
        place: what is drawn together for the intervals.
        name: tells it from others of the place.
        labels: uint8 (rows, cols), class of the ground (of `LANDCOVER` where simulated), `IGNORE`
            where unknown.
        views: the dates.
    """

    place: str
    name: str
    labels: NDArray[np.uint8]
    views: tuple[View, ...]


def series_of(
    seeds: Iterable[int],
    resolution: float,
    weights: Path,
    dates: int,
    side: int = 0,
    windows: int = 0,
    judge: Judge | None = None,
    true_haze: bool = False,
) -> Iterator[Series]:
    """Yield simulated places on several dates, seen by the networks.

    Args:
        seeds: of the simulator; each is a place with one campaign.
        resolution: metres.
        weights: folder of the weights.
        dates: how many of each campaign.
        side: rows and columns of a window; `SIDE` where 0.
        windows: of each seed; `WINDOWS` where 0.
        judge: tells the landcover; the three networks of the folder where None.
        true_haze: take whether a date is hazy from the simulator, which is quicker than to draw its preview
            for the haze network.
    """
    judge = judge or judge_of("landcover", weights)
    cloud = load("cloud", weights)
    margin = margin_pixels(CampaignSettings.margin, resolution)
    for seed in seeds:
        days = days_of(seed, dates)
        scores = [float(day.hazy) for day in days] if true_haze else _haze_scores(seed, dates, weights)
        for number, drawn in enumerate(draw_dates(seed, resolution, side or SIDE, days, windows or WINDOWS)):
            classes = drawn[0].classes
            labels = np.where(classes == 0, IGNORE, classes.astype(np.int16) - 1).astype(np.uint8)
            views = tuple(
                view_of(one.reflectance, judge, cloud.probabilities, margin, score, day.days)
                for one, score, day in zip(drawn, scores, days, strict=True)
            )
            yield Series(f"seed {seed}", str(number + 1), labels, views)


@lru_cache(maxsize=256)
def _haze_scores(seed: int, dates: int, weights: Path) -> list[float]:
    """Probabilities of haze of a seed's dates: their previews are the same at any resolution."""
    network = load("haze", weights)
    return [network.score(preview_of_day(seed, day)) for day in days_of(seed, dates)]


def view_of(
    reflectance: NDArray[np.float32],
    judge: Judge,
    cloud: Probabilities,
    margin: float,
    haze: float,
    days: int,
) -> View:
    """Return a date as the fusion sees it.

    Args:
        reflectance: float32 (4, rows, cols), NaN without data.
        judge: tells the landcover.
        cloud: gives probabilities of clear, cloud and shadow.
        margin: pixels around cloud and shadow in which ground is doubtful.
        haze: probability of haze.
        days: to the target date.
    """
    valid = valid_pixels(reflectance, None)
    mask = np.where(valid, cloud(reflectance).argmax(axis=0), IGNORE).astype(np.uint8)
    stored = quantise(judge.probabilities(reflectance), valid)
    return View(reflectance, stored, kinds_of(mask, margin), haze, days)


def judged_anew(series: Series, judge: Judge) -> Series:
    """Return the same dates of a place with the landcover that another judge tells."""
    views = tuple(
        replace(
            view,
            stored=quantise(judge.probabilities(view.reflectance), valid_pixels(view.reflectance, None)),
        )
        for view in series.views
    )
    return replace(series, views=views)


def fused(series: Series, fusion: Fusion | None = None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the pooled probabilities (6, rows, cols) of a place, and where some date shows it."""
    pool = DatePool(series.labels.shape, fusion)
    for view in series.views:
        pool.add(view.stored, view.kinds, view.haze, view.days)
    return pool.result()


def on_series(
    series: Iterable[Series],
    fusion: Fusion | None = None,
    album: Album | None = None,
    classes: Sequence[str] = LANDCOVER,
    merged: Merge = lambda six: six,
) -> dict[str, Any]:
    """Return figures of fused dates, and of single ones of the same places.

    Args:
        series: the places.
        fusion: weights of the pool; those that ship where None.
        album: takes pictures.
        classes: of the labels.
        merged: from probabilities of the six classes to those.

    Returns:
        Those of the fused dates as `Tally.figures`, over all ground that some date shows clear or doubtful;
        "single": of each date alone, over what it shows so. "clearest" and "best" each compare one date of
        a window, "alone", with the "fused" ones over the same pixels, and tell how much higher their mean
        IoU is ("gain"): the date that shows most, over what it shows; and the date that is right most often
        over the ground that all show, which only the truth can tell.
    """
    names = ("fused", "single", *(f"{date} {how}" for date in RIVALS for how in ("alone", "fused")))
    tallies = {name: Tally(classes) for name in names}
    for item in series:
        together, seen = fused(item, fusion)
        pooled = merged(together)
        labels = np.where(seen, item.labels, np.uint8(IGNORE))
        counts = tallies["fused"].add(item.place, labels, pooled)
        for view in item.views:
            alone = np.where(view.sure, item.labels, np.uint8(IGNORE))
            tallies["single"].add(item.place, alone, merged(restore(view.stored)[0]))
        for date, (view, where) in _rivals(item, merged).items():
            there = np.where(where, item.labels, np.uint8(IGNORE))
            tallies[f"{date} alone"].add(item.place, there, merged(restore(view.stored)[0]))
            tallies[f"{date} fused"].add(item.place, there, pooled)
        if album is not None:
            shown = _rivals(item, merged)["clearest"][0].reflectance
            album.add(Case(item.place, item.name, shown, labels), pooled.argmax(axis=0), counts)
    if album is not None:
        album.reliability = tallies["fused"].reliability if tallies["fused"].places else None
    return {
        **tallies["fused"].figures(),
        "single": _part(tallies["single"]),
        **{date: _compared(tallies[f"{date} alone"], tallies[f"{date} fused"]) for date in RIVALS},
    }


def _rivals(item: Series, merged: Merge) -> dict[str, tuple[View, NDArray[np.bool_]]]:
    """The dates that the fused ones are compared with, and over which pixels."""
    clearest = max(item.views, key=lambda view: int(view.sure.sum()))
    common = np.all([view.sure for view in item.views], axis=0) & (item.labels != IGNORE)

    def right(view: View) -> int:
        return int((merged(view.stored.astype(np.float32)).argmax(axis=0) == item.labels)[common].sum())

    return {"clearest": (clearest, clearest.sure), "best": (max(item.views, key=right), common)}


def _part(tally: Tally) -> dict[str, Any]:
    none = np.zeros((len(tally.classes),) * 2, np.int64)
    spread = tally.intervals()
    return {
        **brief(sum(tally.places.values(), none), tally.classes),
        "ece": round(tally.reliability.error or 0.0, 4) if tally.places else None,
        "intervals": {key: spread.get(key) for key in ("overall_accuracy", "mean_iou", "ece")},
    }


def _compared(alone: Tally, pooled: Tally) -> dict[str, Any]:
    return {"alone": _part(alone), "fused": _part(pooled), "gain": mean_iou_gain(alone, pooled)}


def mean_iou_gain(before: Tally, after: Tally) -> dict[str, Any]:
    """Return how much mean IoU rises from one tally to another of the same places.

    Args:
        before: counts by place.
        after: of the same places.

    Returns:
        "mean_iou", the rise, and "interval", of 95 %, by drawing the same places for both; None with one.
    """
    names, classes = list(before.places), before.classes
    if not names:
        return {"mean_iou": None, "interval": None}
    first, second = (np.stack([tally.places[name] for name in names]) for tally in (before, after))

    def rise(chosen: NDArray[np.floating]) -> float:
        low, high = (figures(np.tensordot(chosen, one, 1), classes)["mean_iou"] for one in (first, second))
        return float((high or 0.0) - (low or 0.0))

    spread = interval(np.array([rise(chosen) for chosen in draws(len(names))])) if len(names) > 1 else None
    return {"mean_iou": round(rise(np.ones(len(names))), 4), "interval": spread}
