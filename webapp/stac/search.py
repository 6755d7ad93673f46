"""What a search asks for, and the items that it finds, page by page."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Polygon
from django.db.models import Exists, OuterRef, Q, QuerySet
from shapely import get_num_coordinates
from shapely.errors import ShapelyError
from shapely.geometry import shape

from webapp.campaigns.models import Edition, EditionTile, Scene
from webapp.stac.documents import Site, item

USUAL_LIMIT, MOST = 10, 1000
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,50}")
MOST_VERTICES = 20_000
# Items tell moments as texts, perhaps without their fraction of a second.
ROUNDING = timedelta(seconds=1)
# What shapely is known to raise on JSON that is no geometry, or one inside the other without end.
UNREADABLE = (
    ShapelyError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
)
Item = dict[str, Any]
Span = tuple[datetime | None, datetime | None]


class BadSearch(ValueError):
    """A search that is none; the text is one sentence, the field is the parameter."""

    def __init__(self, message: str, field: str):
        """Take both."""
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Search:
    """A search that was understood.

    Attributes:
        area: ground that items must meet, None for all.
        span: first and last moment, open where None.
        ids: names of items, None for all.
        collections: names of collections, None for the newest edition of each campaign.
        limit: most items of a page.
        after: key of the last row of the page before.
    """

    area: GEOSGeometry | None = None
    span: Span = (None, None)
    ids: frozenset[str] | None = None
    collections: tuple[str, ...] | None = None
    limit: int = USUAL_LIMIT
    after: int = 0

    @classmethod
    def parse(cls, words: Mapping[str, Any]) -> "Search":
        """Read the parameters of a search, texts of an address or values of a body.

        Raises:
            BadSearch: one of them is none.
        """
        if words.get("bbox") and words.get("intersects"):
            raise BadSearch("Give bbox or intersects, not both.", "bbox")
        area = _box(words["bbox"]) if words.get("bbox") else _shape(words.get("intersects"))
        named = _names(words.get("ids"), "ids")
        ids = None if named is None else frozenset(named)
        if ids is not None and len(ids) > MOST:
            raise BadSearch(f"ids may have {MOST} names.", "ids")
        return cls(
            area,
            _span(words.get("datetime")),
            ids,
            _names(words.get("collections"), "collections"),
            _number(words.get("limit", USUAL_LIMIT), "limit", 1, MOST),
            _number(words.get("token", 0), "token", 0, 2**62),
        )


def editions_of(search: Search, visible: QuerySet[Edition]) -> QuerySet[Edition]:
    """Give the editions that a search looks into, out of those that the visitor may see."""
    if search.collections is None:
        newest = visible.order_by("campaign_id", "-number").distinct("campaign_id")
        return visible.filter(pk__in=newest.values("pk"))
    wanted = {
        (slug, int(number))
        for slug, _, number in (name.rpartition(".") for name in search.collections)
        if SLUG.fullmatch(slug) and number.isascii() and number.isdigit() and len(number) < 9
    }
    rows = visible.filter(campaign__slug__in={slug for slug, _ in wanted})
    known = rows.values_list("pk", "campaign__slug", "number")
    return visible.filter(pk__in=[key for key, slug, number in known if (slug, number) in wanted])


def find(search: Search, visible: QuerySet[Edition], site: Site) -> tuple[list[Item], int | None]:
    """Find items.

    Returns:
        Those of this page, and the token of the next page where there is one.
    """
    rows = EditionTile.objects.filter(
        edition__in=editions_of(search, visible).values("pk"), pk__gt=search.after
    )
    if search.area is not None:
        rows = rows.filter(tile__footprint__intersects=search.area)
    if search.ids is not None:
        rows = rows.filter(tile__in={name.partition("_")[0] for name in search.ids if "\0" not in name})
    rows = _in_span(rows, search.span).select_related("edition__campaign", "revision").order_by("pk")
    page: list[Item] = []
    last = 0
    for key, found in _items(rows, search, site):
        if len(page) == search.limit:
            return page, last
        page.append(found)
        last = key
    return page, None


def _in_span(rows: QuerySet[EditionTile], span: Span) -> QuerySet[EditionTile]:
    """Leave out what the scenes of builds tell to lie outside, so that their files are not read."""
    scenes = Scene.objects.filter(build=OuterRef("revision__build"), chosen=True)
    first, last = span
    may = Q()
    if first is not None:
        may &= Exists(scenes.filter(datetime__gte=_moved(first, -ROUNDING)))
    if last is not None:
        may &= Exists(scenes.filter(datetime__lte=_moved(last, ROUNDING)))
    # Without scenes an item spans the days of its campaign.
    return rows.filter(may | ~Exists(scenes)) if may else rows


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment.astimezone(UTC) + by
    except OverflowError:
        return moment


def _items(rows: QuerySet[EditionTile], search: Search, site: Site) -> Iterator[tuple[int, Item]]:
    for row in rows.iterator(chunk_size=100):
        found = item(row, site)
        if found and (search.ids is None or found["id"] in search.ids) and _meets(found, search.span):
            yield row.pk, found


def _meets(found: Mapping[str, Any], span: Span) -> bool:
    first, last = span
    told = found["properties"]
    start = told.get("start_datetime") or told["datetime"]
    end = told.get("end_datetime") or told["datetime"]
    return (last is None or _moment(start) <= last) and (first is None or _moment(end) >= first)


def _box(value: Any) -> GEOSGeometry:
    try:
        numbers = [float(part) for part in (value.split(",") if isinstance(value, str) else value)]
    except (TypeError, ValueError, OverflowError):
        raise BadSearch("bbox must be numbers.", "bbox") from None
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4:
        raise BadSearch("bbox must be four numbers, or six.", "bbox")
    west, south, east, north = numbers
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise BadSearch("bbox must be west, south, east, north in degrees.", "bbox")
    parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    area = MultiPolygon([Polygon.from_bbox((left, south, right, north)) for left, right in parts])
    area.srid = 4326
    return area


def _shape(value: Any) -> GEOSGeometry | None:
    if not value:
        return None
    try:
        found = shape(json.loads(value) if isinstance(value, str) else value)
        coordinates = found.bounds
    except UNREADABLE:
        raise BadSearch("intersects must be a geometry of GeoJSON.", "intersects") from None
    if get_num_coordinates(found) > MOST_VERTICES:
        raise BadSearch(f"intersects may have {MOST_VERTICES} vertices.", "intersects")
    if found.is_empty or not found.is_valid or len(coordinates) != 4:
        raise BadSearch("intersects must be a valid geometry that is not empty.", "intersects")
    return GEOSGeometry(found.wkb_hex, srid=4326)


def _names(value: Any, field: str) -> tuple[str, ...] | None:
    if value is None or value == "":
        return None
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise BadSearch(f"{field} must be a list of names.", field)
    return tuple(found)


def _number(value: Any, field: str, least: int, most: int) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) >= least):
        raise BadSearch(f"{field} must be a whole number of at least {least}.", field)
    return min(int(text), most)


def _span(value: Any) -> Span:
    if not value:
        return None, None
    first, slash, last = str(value).partition("/")
    try:
        begin = None if first in ("", "..") else _moment(first)
        end = _moment(last, late=True) if slash and last not in ("", "..") else None
        if not slash:
            end = _moment(first, late=True)
    except ValueError:
        raise BadSearch("datetime must be a moment of RFC 3339 or two with / between.", "datetime") from None
    if begin and end and begin > end:
        raise BadSearch("datetime ends before it begins.", "datetime")
    return begin, end


def _moment(text: str, late: bool = False) -> datetime:
    if len(text) == 10:
        day = datetime.strptime(text, "%Y-%m-%d").date()
        return datetime.combine(day, time.max if late else time.min, UTC)
    found = datetime.fromisoformat(text.upper().replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)
