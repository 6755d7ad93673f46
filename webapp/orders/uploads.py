"""Areas from files, bounding boxes and names of places."""

import math
from dataclasses import replace

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext
from shapely import Polygon
from shapely.geometry import mapping

from pipeline.area_files import AreaFile, Limits, read_bounded
from pipeline.errors import UsageError
from webapp.orders.aoi import check_size, read_aoi
from webapp.orders.places import the_place
from webapp.throttled import throttled


def read_upload(content: bytes) -> AreaFile:
    """The area of a file, of whatever kind.

    Raises:
        UsageError: what is wrong, in one sentence.
        Throttled: too many are being read.
    """
    limits = Limits(most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE, most_vertices=settings.AOI_MOST_VERTICES)
    with throttled():
        found = read_bounded(content, limits)
    check_size(found.area)
    return found


def of_box(text: str) -> AreaFile:
    """The area of "west,south,east,north" in degrees; west may be larger than east, across the antimeridian.

    Raises:
        UsageError: it is no such box.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            gettext("The box %(text)r is not west,south,east,north in degrees.") % {"text": text[:60]}, "bbox"
        ) from error
    if not all(map(math.isfinite, (west, south, east, north))) or south >= north or west == east:
        raise UsageError(gettext("The box %(text)r has no ground inside.") % {"text": text[:60]}, "bbox")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and south >= -90 and north <= 90):
        raise UsageError(gettext("The box %(text)r is not in degrees.") % {"text": text[:60]}, "bbox")
    notes = (gettext("The box crosses the antimeridian; it was cut there."),) if west > east else ()
    east += 360 * (west > east)
    outline = Polygon([(west, south), (east, south), (east, north), (west, north)])
    return replace(_plain(outline, gettext("bounding box")), repairs=notes)


def of_place(name: str, km: float) -> AreaFile:
    """A square around the largest place of a name.

    Raises:
        UsageError: there is no such place or square.
    """
    place = the_place(name)
    return _plain(
        place.square(km),
        gettext("%(km)s km around %(place)s") % {"km": number_format(f"{km:g}"), "place": place.label},
    )


def _plain(outline: Polygon, kind: str) -> AreaFile:
    return AreaFile(read_aoi(dict(mapping(outline))), kind, "WGS 84", ())
