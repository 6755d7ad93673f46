"""Which acquisitions a simulated season has: dates, orbits, cloud, haze, processing baselines, names."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipeline.errors import UsageError
from pipeline.simulate.orbit import LOCAL_HOUR, position, relative_orbit
from pipeline.simulate.world import World

OLD_BASELINE, NEW_BASELINE = "02.14", "05.09"
ADD_OFFSET = 1000
QUANTIFICATION = 10_000
# Seconds between the start of a datatake and the granules, and between sensing and processing.
_TO_GRANULE, _TO_PRODUCT = 325, 6 * 3600


@dataclass(frozen=True)
class Acquisition:
    """One date's pass and how it was processed.

    Attributes:
        start: begin of the datatake, UTC.
        spacecraft: S2A or S2B.
        orbit: 0 or 1, see `orbit.across_track`.
        relative_orbit: 1 to 143.
        absolute_orbit: as in datatake names.
        cloud_cover: expected percent over the pass.
        hazy: whether the pass is hazy.
        baseline: processing baseline.
        level: L1C or L2A.
    """

    start: dt.datetime
    spacecraft: str
    orbit: int
    relative_orbit: int
    absolute_orbit: int
    cloud_cover: float
    hazy: bool
    baseline: str
    level: str

    @property
    def date(self) -> dt.date:
        """The day."""
        return self.start.date()

    @property
    def sensed(self) -> dt.datetime:
        """Sensing time of the granules, UTC."""
        return self.start + dt.timedelta(seconds=_TO_GRANULE)

    @property
    def processed(self) -> dt.datetime:
        """Generation time of the product, UTC."""
        return self.start + dt.timedelta(seconds=_TO_PRODUCT)

    @property
    def add_offset(self) -> int:
        """What must be added to the DN: -1000 from baseline 04.00 on, else 0."""
        return -ADD_OFFSET if float(self.baseline) >= 4 else 0

    @property
    def datatake(self) -> str:
        """Datatake identifier."""
        return f"G{self.spacecraft}_{stamp(self.start)}_{self.absolute_orbit:06d}_N{self.baseline}"

    def product(self, tile: str) -> str:
        """Name of the SAFE product of a tile, without its suffix."""
        number = self.baseline.replace(".", "")
        return (
            f"{self.spacecraft}_MSI{self.level}_{stamp(self.start)}_N{number}_R{self.relative_orbit:03d}"
            f"_T{tile}_{stamp(self.processed)}"
        )

    def item(self, tile: str) -> str:
        """Id of the STAC item of a tile."""
        return f"{self.spacecraft}_{tile}_{self.date:%Y%m%d}_0_{self.level}"


def stamp(moment: dt.datetime) -> str:
    """Time as in product names, 20230815T095031."""
    return moment.strftime("%Y%m%dT%H%M%S")


def plan(world: World, dates: int, start: dt.date, end: dt.date, level: str = "L2A") -> list[Acquisition]:
    """Draw a season's acquisitions.

    Cloud cover is spread from about 1 to about 80 percent and dealt to the two orbits in turn, so that both
    have clear dates; one in six is hazy (from four on); one in three has the old baseline (from two on).

    Args:
        world: the earth.
        dates: how many.
        start: first day.
        end: last day.
        level: L1C or L2A.

    Raises:
        UsageError: there are fewer days than dates, or no date is wanted.
    """
    days = (end - start).days + 1
    if dates < 1:
        raise UsageError(f"At least one date is needed, not {dates}.", "dates")
    if days < dates:
        raise UsageError(f"{dates} dates do not fit into {start} to {end}.", "dates")
    draw = world.draw("plan", start.toordinal(), end.toordinal(), dates)
    step = days / dates
    offsets = [int(k * step + draw.uniform(0, max(step - 1, 0))) for k in range(dates)]
    ranks = draw.permutation(dates)
    drawn = zip(offsets, ranks, strict=True)
    return [_acquisition(world, start, o, int(r), k, dates, level) for k, (o, r) in enumerate(drawn)]


def _acquisition(
    world: World, start: dt.date, offset: int, rank: int, index: int, dates: int, level: str
) -> Acquisition:
    date = start + dt.timedelta(days=offset)
    draw = world.draw("acquisition", date.toordinal())
    hour = (LOCAL_HOUR - position(world)[0] / 15) % 24
    seconds = int(hour * 3600 - _TO_GRANULE + draw.integers(-120, 120)) % 86_000
    orbit = rank % 2
    return Acquisition(
        start=dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(seconds=seconds),
        spacecraft="S2A" if draw.integers(2) else "S2B",
        orbit=orbit,
        relative_orbit=relative_orbit(world, orbit),
        absolute_orbit=int(30_000 + date.toordinal() % 14_000),
        cloud_cover=float(90 * ((rank + 0.5) / dates) ** 1.8),
        hazy=rank % 6 == 3,
        baseline=OLD_BASELINE if index % 3 == 1 else NEW_BASELINE,
        level=level,
    )
