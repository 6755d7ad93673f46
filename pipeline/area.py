"""Areas of interest in longitude and latitude: which of them the grid can serve."""

from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from pipeline.errors import UsageError
from pipeline.words import sentence


def check_area(area: BaseGeometry) -> None:
    """Refuse an area that the grid cannot serve.

    Raises:
        UsageError: with the reason in one sentence.
    """
    if area is None or area.is_empty:
        raise UsageError(sentence("The area is empty: draw or upload a polygon."), "aoi")
    if area.geom_type not in ("Polygon", "MultiPolygon"):
        raise UsageError(sentence("The area must be a polygon, not a %(kind)s.", kind=area.geom_type), "aoi")
    refuse_crossing(area)
    if area.area == 0:
        raise UsageError(sentence("The area is empty: its outline has no ground inside."), "aoi")
    west, south, east, north = area.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise UsageError(
            sentence(
                "The area reaches to %(west)s, %(south)s, %(east)s, %(north)s: longitude and "
                "latitude in degrees are needed.",
                west=f"{west:.1f}",
                south=f"{south:.1f}",
                east=f"{east:.1f}",
                north=f"{north:.1f}",
            ),
            "aoi",
        )
    if north > 84 or south < -80:
        told = sentence(
            "The area reaches to latitude %(latitude)s: the grid ends at 84 N and 80 S.",
            latitude=f"{north if north > 84 else south:.1f}",
        )
        raise UsageError(told, "aoi")


def refuse_crossing(area: BaseGeometry) -> None:
    """Refuse an area with a part whose outline crosses or touches itself; parts may overlap each other.

    Parts without any ground inside, such as three times one point, are not looked at. What an outline that
    crosses itself encloses is not worked out, as that may take minutes.

    Raises:
        UsageError: a coordinate is no number, or with the place in one sentence.
    """
    if not np.isfinite(shapely.get_coordinates(area)).all():
        raise UsageError(sentence("The area has a coordinate that is no number."), "aoi")
    for part in _parts(area):
        if not part.is_valid and part.convex_hull.area > 0:
            raise UsageError(_what_is_wrong(part), "aoi")


def _what_is_wrong(part: BaseGeometry) -> str:
    """One sentence from what GEOS says, such as "Self-intersection[15.5 45.5]"."""
    reason, _, place = explain_validity(part).rstrip("]").partition("[")
    where = ", ".join(f"{float(number):g}" for number in place.split())
    if "self-intersection" in reason.lower():
        return sentence(
            "The outline of the area crosses or touches itself at %(place)s (longitude, latitude): "
            "draw it so that it does not.",
            place=where,
        )
    return sentence(
        "The area is not a valid polygon at %(place)s (longitude, latitude): %(reason)s.",
        place=where,
        reason=reason.lower(),
    )


def _parts(area: BaseGeometry) -> Iterator[BaseGeometry]:
    """The geometries inside a collection, however deep, or the geometry itself."""
    for part in getattr(area, "geoms", ()):
        yield from _parts(part)
    if not hasattr(area, "geoms"):
        yield area
