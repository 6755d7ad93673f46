"""Polygons of strangers put together or mended, in bounded time.

A few hundred corners that cross each other everywhere make GEOS work for minutes, so that such are given to
a process with limits; nearly all that people draw is done at once.
"""

import sys
from collections.abc import Sequence

import shapely
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from pipeline import bounded
from pipeline.bounded import Bounds
from pipeline.errors import UsageError
from pipeline.words import sentence

MODULE = "pipeline.united"
# Corners that are put together within 0.2 s however they lie.
FEW = 300
BOUNDS = Bounds(seconds=10, memory=2 * 2**30)
TOO_MUCH = sentence("Putting the area together took too much time or memory: simplify the outline.")


def united(parts: Sequence[BaseGeometry]) -> BaseGeometry:
    """What valid polygons and multipolygons cover together.

    Raises:
        UsageError: it takes too much; `bounded.Busy`: too many are at it.
    """
    whole = MultiPolygon(list(shapely.get_parts(shapely.get_parts(list(parts)))))
    # Polygons that do not overlap are together already, which is seen soon.
    if whole.is_valid:
        return whole
    if shapely.get_num_coordinates(whole) <= FEW:
        return shapely.unary_union(whole)
    return _elsewhere("united", whole, "aoi")


def mended(drawn: BaseGeometry, field: str = "aoi") -> BaseGeometry:
    """The ground of polygons whose outlines may cross themselves; other geometries made valid.

    Args:
        drawn: any geometry.
        field: that a refusal names.

    Raises:
        UsageError: it takes too much; `bounded.Busy`: too many are at it.
    """
    if drawn.is_valid:
        return drawn
    if shapely.get_num_coordinates(drawn) <= FEW:
        return _mended(drawn)
    return _elsewhere("mended", drawn, field)


def widened(lines: BaseGeometry, by: float, field: str = "aoi") -> BaseGeometry:
    """The ground within a distance of lines, in the unit of their coordinates.

    Raises:
        UsageError: it takes too much; `bounded.Busy`: too many are at it.
    """
    if shapely.get_num_coordinates(lines) <= FEW:
        return lines.buffer(by)
    return _elsewhere(by, lines, field)


def _mended(drawn: BaseGeometry) -> BaseGeometry:
    if shapely.get_dimensions(drawn) < 2:
        return shapely.make_valid(drawn)
    # The other way of GEOS takes a hundred times as long for outlines of many crossings.
    return shapely.make_valid(drawn, method="structure", keep_collapsed=False)


def _elsewhere(what: str | float, geometry: BaseGeometry, field: str) -> BaseGeometry:
    answer = bounded.run(MODULE, what, shapely.to_wkb(geometry), BOUNDS)
    if answer is None:
        raise UsageError(TOO_MUCH, field)
    return shapely.from_wkb(answer)


def main() -> None:
    """What the process does that `_elsewhere` starts."""
    what = bounded.limited()
    found = shapely.from_wkb(sys.stdin.buffer.read())
    if isinstance(what, float):
        done = found.buffer(what)
    else:
        done = shapely.unary_union(found) if what == "united" else _mended(found)
    sys.stdout.write(f'"{shapely.to_wkb(done, hex=True)}"')


if __name__ == "__main__":
    main()
