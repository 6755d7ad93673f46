"""Areas of interest: from what people draw or upload to polygons that the grid can serve."""

import json
import math
from collections.abc import Iterator
from typing import Any

import shapely
from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext
from pyproj import Geod
from shapely import MultiPolygon
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from pipeline.area import check_area, refuse_crossing
from pipeline.area_files.repair import only_polygons, wrapped
from pipeline.errors import UsageError
from pipeline.united import united
from webapp.throttled import throttled

WGS84_NAMES = ("CRS84", "4326", "OGC:1.3:CRS84")
GEOD = Geod(ellps="WGS84")
FIELD = "aoi"
# What shapely is known to raise on JSON that is no geometry.
UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    OverflowError,
    shapely.GEOSException,
)


def read_aoi(content: bytes | str | dict[str, Any], limited: bool = True) -> MultiPolygon:
    """The area of a GeoJSON geometry, feature or feature collection; parts that overlap are one.

    Parts beyond the antimeridian (longitudes up to 360 either way, as maps give them) are moved to where they
    belong.

    Args:
        content: GeoJSON as text, or already decoded.
        limited: whether more than an order may have is refused.

    Returns:
        Polygons in longitude and latitude, -180..180.

    Raises:
        UsageError: what is wrong, in one sentence; `field` is "aoi".
    """
    if isinstance(content, bytes | str):
        content = _decode(content)
    if not isinstance(content, dict):
        raise UsageError(gettext("The area is not valid GeoJSON: it must be an object with a type."), FIELD)
    _refuse_other_crs(content)
    parts = _polygons(content)
    with throttled():
        area = only_polygons(united([only_polygons(wrapped(part)) for part in parts]))
    if area.is_empty:
        raise UsageError(gettext("The area is empty: draw or upload a polygon."), FIELD)
    check_area(area)
    if limited:
        check_size(area)
    return area


def area_km2(area: BaseGeometry) -> float:
    """Area on the ellipsoid, km2."""
    return sum(abs(GEOD.geometry_area_perimeter(part)[0]) for part in getattr(area, "geoms", [area])) / 1e6


def check_size(area: BaseGeometry) -> None:
    """Refuse what is absurdly large.

    Raises:
        UsageError: larger than an order may be.
    """
    size = area_km2(area)
    if size > settings.AOI_MOST_KM2:
        raise UsageError(
            gettext("The area has %(size)s km²; an order may have up to %(most)s km².")
            % {"size": _grouped(size), "most": _grouped(settings.AOI_MOST_KM2)},
            FIELD,
        )


def _grouped(number: float) -> str:
    return number_format(round(number), 0, force_grouping=True)


def _decode(content: bytes | str) -> Any:
    def refuse(name: str) -> None:
        raise UsageError(
            gettext("The area has a coordinate that is no number: %(name)s.") % {"name": name}, FIELD
        )

    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            gettext("The area is not valid GeoJSON: it cannot be read as JSON."), FIELD
        ) from error


def _refuse_other_crs(content: dict[str, Any]) -> None:
    crs = content.get("crs")
    if crs is not None and not any(name in json.dumps(crs) for name in WGS84_NAMES):
        raise UsageError(
            gettext(
                "The area is in another reference system (%(value)s): longitude and latitude in "
                "degrees are needed."
            )
            % {"value": json.dumps(crs)[:80]},
            FIELD,
        )


def _geometries(content: Any) -> Iterator[dict[str, Any]]:
    """The bare geometries inside a GeoJSON object."""
    kind = str(content.get("type")) if isinstance(content, dict) else str(content)
    members = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
    if kind in members:
        items = content.get(members[kind])
        if not isinstance(items, list):
            raise UsageError(
                gettext("The area is not valid GeoJSON: its %(kind)s has no %(members)s.")
                % {"kind": kind, "members": members[kind]},
                FIELD,
            )
        for item in items:
            yield from _geometries(item)
    elif kind == "Feature":
        yield from _geometries(content.get("geometry"))
    elif kind in ("Polygon", "MultiPolygon"):
        yield content
    else:
        raise UsageError(
            gettext("The area must be a Polygon or MultiPolygon, not %(kind)r.") % {"kind": kind[:40]}, FIELD
        )


def _polygons(content: dict[str, Any]) -> list[BaseGeometry]:
    """The polygons of GeoJSON, with finite coordinates in range, each without crossings."""
    found, vertices = [], 0
    for geometry in _geometries(content):
        parsed = _parsed(geometry)
        vertices += int(shapely.get_num_coordinates(parsed))
        if vertices > settings.AOI_MOST_VERTICES:
            raise _too_many(_vertices(content))
        found.append(parsed)
    for parsed in found:
        if not parsed.is_empty:
            _refuse_out_of_range(parsed)
            refuse_crossing(parsed)
    return [part for parsed in found for part in shapely.get_parts(parsed) if part.area > 0]


def _vertices(content: dict[str, Any]) -> int:
    return sum(int(shapely.get_num_coordinates(_parsed(geometry))) for geometry in _geometries(content))


def _too_many(vertices: int) -> UsageError:
    most = settings.AOI_MOST_VERTICES
    told = gettext("The area has %(vertices)s vertices; %(most)s are allowed: simplify it.")
    return UsageError(told % {"vertices": _grouped(vertices), "most": _grouped(most)}, FIELD)


def _parsed(geometry: dict[str, Any]) -> BaseGeometry:
    try:
        return shapely.force_2d(shape(geometry))
    except UNREADABLE as error:
        raise UsageError(
            gettext(
                "The area is not a valid polygon: it needs rings of at least three [longitude, "
                "latitude] pairs."
            ),
            FIELD,
        ) from error


def _refuse_out_of_range(parsed: BaseGeometry) -> None:
    west, south, east, north = parsed.bounds
    if not all(map(math.isfinite, shapely.get_coordinates(parsed).ravel())):
        raise UsageError(gettext("The area has a coordinate that is no number."), FIELD)
    if west < -360 or east > 360 or south < -90 or north > 90:
        raise UsageError(
            gettext(
                "The area reaches from %(west)s, %(south)s to %(east)s, %(north)s: longitude and "
                "latitude in degrees are needed."
            )
            % {"west": f"{west:g}", "south": f"{south:g}", "east": f"{east:g}", "north": f"{north:g}"},
            FIELD,
        )
    widest = max(part.bounds[2] - part.bounds[0] for part in shapely.get_parts(parsed))
    if widest > 180:
        raise UsageError(
            gettext(
                "The area spans %(widest)s degrees of longitude: draw a smaller one, and cut it at "
                "the antimeridian where it crosses that."
            )
            % {"widest": f"{widest:.0f}"},
            FIELD,
        )
