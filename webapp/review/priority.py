"""Which revision is likeliest to be in trouble, and why, from the figures that its builds told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


@dataclass(frozen=True)
class Measure:
    """A figure that tells of trouble.

    Attributes:
        key: short name.
        title: what people read.
        calm: the figure at which it counts nothing.
        bad: the figure from which on it counts all its points.
        points: what it counts at most; those of all measures together are 100.
        shown: how the figure is written: "percent", "ratio" or "days".
    """

    key: str
    title: str
    calm: float
    bad: float
    points: int
    shown: str

    def points_of(self, value: float) -> float:
        """What a figure counts, 0..points, linear between calm and bad."""
        share = (value - self.calm) / (self.bad - self.calm)
        return self.points * min(max(share, 0.0), 1.0)

    def words(self, value: float) -> str:
        """The figure as people read it."""
        if self.shown == "percent":
            return f"{number_format(f'{100 * value:.2f}')} %"
        if self.shown == "ratio":
            return number_format(f"{value:.2f}")
        return ngettext("%(count)d day", "%(count)d days", round(value)) % {"count": round(value)}


# At the bad end of each a reviewer would reject by this alone; the points follow how often that is so.
MEASURES = (
    Measure("cloud", _("residual cloud"), 0.0, 0.01, 20, "percent"),
    Measure("holes", _("holes"), 0.0, 0.01, 15, "percent"),
    Measure("shadow", _("cloud or shadow suspected nearby"), 0.01, 0.1, 10, "percent"),
    Measure("haze", _("haze suspected"), 0.0, 0.02, 10, "percent"),
    Measure("seam", _("seam score"), 1.0, 1.2, 15, "ratio"),
    Measure("confidence", _("landcover in doubt"), 0.2, 0.5, 10, "percent"),
    Measure("dates", _("dates far apart"), 10, 60, 10, "days"),
    Measure("change", _("change since the last approval"), 0.005, 0.1, 10, "percent"),
)


@dataclass(frozen=True)
class Ground:
    """Why a revision ranks where it does.

    Attributes:
        key: of the measure.
        title: of the measure.
        value: the figure.
        words: the figure as people read it.
        points: what it counts.
        most: what the measure counts at most.
    """

    key: str
    title: str
    value: float
    words: str
    points: float
    most: int

    def to_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {**self.__dict__, "points": round(self.points, 1)}


def figures_of(report: Mapping[str, Any], dates: Collection[datetime]) -> dict[str, float]:
    """The figures that tell of trouble, by the measure's key; those that are not known are left out.

    Args:
        report: of a revision (`pipeline.reports`), with "change" where an approved revision was there before.
        dates: of the scenes that the tile's own build shows.
    """
    composite, classes = report.get("composite", {}), report.get("classes", {})
    coverage, confidence = report.get("coverage"), classes.get("confidence")
    found = {
        "cloud": report.get("residual_cloud"),
        "holes": None if coverage is None else 1 - coverage,
        "shadow": composite.get("doubtful"),
        "haze": composite.get("hazy"),
        "seam": report.get("seam_score"),
        "confidence": None if confidence is None else 1 - confidence / 100,
        "dates": (max(dates) - min(dates)).days if len(dates) > 1 else None,
        "change": report.get("change", {}).get("moved"),
    }
    return {key: float(value) for key, value in found.items() if value is not None}


def grounds_of(figures: Mapping[str, float]) -> list[Ground]:
    """What each known figure counts, the weightiest first."""
    found = [
        Ground(one.key, str(one.title), figures[one.key], one.words(figures[one.key]), points, one.points)
        for one in MEASURES
        if one.key in figures and (points := one.points_of(figures[one.key])) is not None
    ]
    return sorted(found, key=lambda ground: -ground.points)


def priority_of(grounds: Collection[Ground]) -> float:
    """The place in the queue, 0..100."""
    return round(sum(ground.points for ground in grounds), 3)
