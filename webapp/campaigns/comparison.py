"""What an edition shows that another does not."""

from dataclasses import dataclass
from typing import Literal

from webapp.campaigns.models import Edition, Revision

Kind = Literal["new", "gone", "changed"]


@dataclass(frozen=True)
class Line:
    """A tile that two editions show differently.

    Attributes:
        tile: its name.
        kind: "new" in the later one, "gone" from it, or "changed".
        before, after: the revisions.
    """

    tile: str
    kind: Kind
    before: Revision | None
    after: Revision | None


def compare(before: Edition, after: Edition) -> list[Line]:
    """The tiles that two editions of a campaign show differently, by name."""
    old, new = ({row.tile_id: row.revision for row in _rows(edition)} for edition in (before, after))
    found = []
    for name in sorted(old.keys() | new.keys()):
        one, other = old.get(name), new.get(name)
        if one != other:
            kind: Kind = "new" if one is None else "gone" if other is None else "changed"
            found.append(Line(name, kind, one, other))
    return found


def _rows(edition: Edition):
    return edition.tiles.select_related("revision__build")
