"""Places of the simulator seen on several dates, as the landcover series of a campaign is."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Tile
from pipeline.simulate import World
from pipeline.training.datasets.drawing import Drawn, any_date, draw, preview_on, square, world_of

SPAN = 92
"""Days of a campaign."""

MOST_COVER = 30.0
"""Percent of cloud on a date, at most: a series is of a campaign's clearest scenes."""

HAZY = 0.15
"""Share of the dates that are hazy: fewer are in a series, where hazy scenes come last."""


@dataclass(frozen=True)
class Day:
    """One date over a whole tile.

    Attributes:
        date: the day.
        days: from it to the campaign's last day, which is its target date.
        cover: percent of cloud expected.
        hazy: whether it is hazy.
    """

    date: dt.date
    days: int
    cover: float
    hazy: bool


def days_of(seed: int, count: int) -> list[Day]:
    """Return the dates of a seed's campaign, in order, each at least a day from the others."""
    rng = np.random.default_rng((seed, SPAN))
    start = any_date(rng)
    offsets = np.sort(rng.choice(SPAN, count, replace=False))
    return [
        Day(
            start + dt.timedelta(days=int(offset)),
            int(SPAN - 1 - offset),
            float(rng.uniform(0, MOST_COVER)),
            bool(rng.random() < HAZY),
        )
        for offset in offsets
    ]


def preview_of_day(seed: int, day: Day) -> NDArray[np.float32]:
    """Return the preview of a date, float32 (3, 343, 343) of R, G, B, NaN outside the swath."""
    return preview_on(world_of(seed), day.date, cloud_cover=day.cover, hazy=day.hazy).reflectance[:3]


def draw_dates(
    seed: int, resolution: float, side: int, days: list[Day], count: int = 4
) -> Iterator[list[Drawn]]:
    """Yield windows of a seed, each drawn on all of the dates.

    Args:
        seed: of the simulator.
        resolution: metres.
        side: rows and columns.
        days: the dates.
        count: how many windows.
    """
    world, rng = world_of(seed), np.random.default_rng(seed)
    for _ in range(count):
        spot = rng.random(2)
        yield [_on(world, resolution, side, spot, day) for day in days]


def _on(world: World, resolution: float, side: int, spot: NDArray[np.float64], day: Day) -> Drawn:
    geobox = square(Tile.parse(world.reference_tile), resolution, side, *spot)
    return draw(world, geobox, day.date, cloud_cover=day.cover, hazy=day.hazy)
