"""Summers of candidates for `script/bench scene-lists`: clouds of two sizes, other fields on each date."""

from dataclasses import dataclass

import numpy as np

from pipeline.scene_list.objective import Problem
from pipeline.scene_list.region import Region

SIDE = 343
SHARE = 0.999
MOST_DAYS = 90
REGION_SIDE = 10
BANK = 40


@dataclass(frozen=True)
class Summer:
    """What the skies of a tile's candidates are drawn from.

    Attributes:
        count: candidates.
        clearest: the clear share of a candidate is drawn evenly from `cloudiest` to this.
        cloudiest: see there.
        small: size of the small clouds, pixels of a preview.
        wide: size of the wide ones.
        swaths: whether every second candidate shows only one side of the edge of its swath.
        wanted: clear dates of each pixel.
    """

    count: int = 60
    clearest: float = 0.95
    cloudiest: float = 0.2
    small: float = 4
    wide: float = 30
    swaths: bool = False
    wanted: int = 1


SUMMERS = {
    "mild": Summer(),
    "mild, edges of swaths": Summer(clearest=0.9, swaths=True),
    "heavy": Summer(clearest=0.8),
    "heavy, wide clouds": Summer(clearest=0.7, small=12, wide=60),
    "heavy, two clear dates": Summer(clearest=0.9, wanted=2),
    "heaviest": Summer(clearest=0.7),
}
YEARS = {"heaviest, 500 candidates": Summer(count=500, clearest=0.7)}


def problem_of(summer: Summer, seed: int) -> Problem:
    """A tile's problem on 343 x 343 preview pixels."""
    random = np.random.default_rng(seed)
    clear = np.stack([_candidate(summer, random) for _ in range(summer.count)])
    ids = tuple(f"scene-{place:03d}" for place in range(summer.count))
    days = random.integers(0, MOST_DAYS, summer.count)
    return Problem(ids, clear, days, np.zeros((summer.count, 0), bool), SHARE, summer.wanted)


def _candidate(summer: Summer, random: np.random.Generator) -> np.ndarray:
    field = _field(random, summer.small) + 0.7 * _field(random, summer.wide)
    clear = field < np.quantile(field, random.uniform(summer.cloudiest, summer.clearest))
    if summer.swaths and random.random() < 0.5:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        across = columns + 0.2 * rows - random.uniform(0.2, 0.8) * SIDE
        clear &= across * random.choice([-1, 1]) > 0
    return clear.ravel()


def _field(random: np.random.Generator, size: float) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1: white noise under a Gaussian of that size, by its spectrum."""
    rows, columns = np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]
    smooth = np.exp(-2 * (np.pi * size) ** 2 * (rows**2 + columns**2))
    field = np.fft.irfft2(np.fft.rfft2(random.standard_normal((SIDE, SIDE))) * smooth, s=(SIDE, SIDE))
    return (field - field.mean()) / field.std()


def region_of(summer: Summer, seed: int, side: int = REGION_SIDE) -> Region:
    """A square of tiles under two orbits: each date is one datatake, the middle columns see half of either.

    The weather of a date is wide: its clear share varies smoothly over the region.
    """
    random = np.random.default_rng(seed)
    fields = [[_field(random, size) for _ in range(BANK)] for size in (summer.small, summer.wide)]
    weather = [_weather(summer, random, side) for _ in range(2 * summer.count)]
    days = random.integers(0, MOST_DAYS, 2 * summer.count)
    problems, datatakes = {}, {}
    for row in range(side):
        for column in range(side):
            name = f"{row:02d}-{column:02d}"
            dates = _dates(summer.count, column, side)
            clear = np.stack([_under(fields, weather[one][row, column], random) for one in dates])
            ids = tuple(f"{name}-{one:03d}" for one in dates)
            problems[name] = Problem(
                ids, clear, days[dates], np.zeros((summer.count, 0), bool), SHARE, summer.wanted
            )
            datatakes[name] = [f"take-{one:03d}" for one in dates]
    return Region(problems, datatakes, _neighbours(side))


def _weather(summer: Summer, random: np.random.Generator, side: int) -> np.ndarray:
    """Clear share of each tile on a date."""
    centre = random.uniform(summer.cloudiest, summer.clearest)
    slope = random.normal(0, 0.3, 2)
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    return np.clip(centre + slope[0] * rows + slope[1] * columns, 0.02, summer.clearest)


def _under(fields: list[list[np.ndarray]], share: float, random: np.random.Generator) -> np.ndarray:
    """Clear pixels under fields that were drawn before, moved at random: they go on across their edges."""
    small, wide = (
        np.roll(several[random.integers(BANK)], random.integers(0, SIDE, 2), (0, 1)) for several in fields
    )
    field = small + 0.7 * wide
    return (field < np.quantile(field, share)).ravel()


def _dates(count: int, column: int, side: int) -> np.ndarray:
    """Of the first orbit, of the second, or every other of both in the two columns between them."""
    if column in (side // 2 - 1, side // 2):
        return np.arange(0, 2 * count, 2)
    return np.arange(count) + (0 if column < side // 2 else count)


def _neighbours(side: int) -> list[tuple[str, str]]:
    steps = ((0, 1), (1, -1), (1, 0), (1, 1))
    return [
        (f"{row:02d}-{column:02d}", f"{row + down:02d}-{column + right:02d}")
        for row in range(side)
        for column in range(side)
        for down, right in steps
        if row + down < side and 0 <= column + right < side
    ]
