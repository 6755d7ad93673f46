"""What a reviewer asked of a tile's scene list."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.errors import UsageError
from pipeline.settings import parse_date

NAMES = ("exclude", "force", "start", "end", "target_date")


@dataclass(frozen=True)
class Overrides:
    """Scenes out, scenes in, other dates.

    Attributes:
        exclude: ids of scenes that may not be used.
        force: ids of scenes that must be used, hazy or not.
        start, end: scenes outside are no candidates; None = as the campaign says.
        target_date: the best date; None = as the campaign says.
    """

    exclude: frozenset[str] = frozenset()
    force: frozenset[str] = frozenset()
    start: date | None = None
    end: date | None = None
    target_date: date | None = None

    @classmethod
    def of(cls, content: "Overrides | Mapping[str, Any] | None") -> "Overrides":
        """Overrides from themselves, a dict of the same names (dates may be text) or nothing.

        Raises:
            UsageError: an unknown name, a date that is none, a scene both excluded and forced in.
        """
        if content is None or isinstance(content, Overrides):
            return content or cls()
        unknown = sorted(set(content) - set(NAMES))
        if unknown:
            raise UsageError(f"Unknown override of the scene list: {', '.join(unknown)}.", unknown[0])
        dates = {name: _date(content.get(name), name) for name in NAMES[2:]}
        found = cls(frozenset(content.get("exclude") or ()), frozenset(content.get("force") or ()), **dates)
        both = sorted(found.exclude & found.force)
        if both:
            raise UsageError(f"The scene {both[0]} cannot be both excluded and forced in.", "force")
        return found

    def allow(self, day: date) -> bool:
        """Whether a day lies inside the dates asked for."""
        return (self.start is None or day >= self.start) and (self.end is None or day <= self.end)


def _date(value: Any, name: str) -> date | None:
    return parse_date(value, name) if isinstance(value, str) else value
