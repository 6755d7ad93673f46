"""The addresses of map tiles: parse and check, ask the handlers, put headers on."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe
from rasterio.errors import RasterioError

from pipeline.errors import SourceError
from pipeline.pyramid import lonlat_box
from webapp.tileserver import addresses, describe, pyramid
from webapp.tileserver.addresses import LATEST, NotHere, View
from webapp.tileserver.coverage import Box, Source, TooMany, paths_of
from webapp.tileserver.layers import Layer
from webapp.tileserver.reader import MapTile
from webapp.tileserver.render import CONTENT_TYPES, VERSION, Format, picture_of, render_tile

log = logging.getLogger(__name__)

FOR_EVER = "public, max-age=31536000, immutable"
PRIVATE = "private, no-cache"
SHORT = "public, max-age=60"
# The most files that one request reads where there is no chip; seldom do more tiles meet at zoom 8.
MOST_SOURCES = 16


class NotReady(Exception):
    """The answer is still to be made; the text is one sentence."""


def answers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Turn what can go wrong into an answer with one sentence: 400, 404 or 503, never 500."""

    @require_safe
    @wraps(view)
    def wrapped(request: HttpRequest, **words: str) -> HttpResponse:
        try:
            return view(request, **words)
        except NotHere as error:
            return _problem(404, "not_found", str(error))
        except describe.BadPoint as error:
            return _problem(400, "invalid", str(error), error.field)
        except NotReady as error:
            return _problem(503, "not_ready", str(error))
        except (RasterioError, SourceError):
            log.exception("A product of %s could not be read", request.path)
            return _problem(503, "unreadable", "A product of this place cannot be read at the moment.")

    return wrapped


def _problem(status: int, code: str, message: str, field: str | None = None) -> JsonResponse:
    body = {"error": {"code": code, "message": message, "field": field}}
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(body, status=status, headers=headers)


@answers
def map_tile(request: HttpRequest, campaign: str, edition: str, layer: str, **place: str) -> HttpResponse:
    """One map tile: a picture inside the campaign's bounds (transparent where empty), 404 outside."""
    chosen = addresses.parse_layer(layer)
    tile, fmt, scale = addresses.parse_map_tile(**place)
    if edition == LATEST:
        return _to_newest(request, "map-tile", campaign=campaign, layer=layer, **place)
    view = addresses.find_view(campaign, edition, request.user)
    box = lonlat_box(*tile)
    if not view.coverage.reaches(box):
        raise NotHere(f"Map tile {tile.z}/{tile.x}/{tile.y} lies outside campaign {campaign}.")
    key = pyramid.key_of(view, tile)
    if key:
        etag = _etag(VERSION, chosen.name, fmt, scale, key)
        return _cached(request, view, etag, CONTENT_TYPES[fmt], lambda: _low(view, key, chosen, fmt, scale))
    sources = _few_sources(view, tile, box)
    etag = _etag(VERSION, chosen.name, tile, fmt, scale, [source.revision_id for source in sources])
    return _cached(
        request,
        view,
        etag,
        CONTENT_TYPES[fmt],
        lambda: render_tile(list(paths_of(sources, chosen)), chosen, tile, fmt, scale),
    )


def _low(view: View, key: str, layer: Layer, fmt: Format, scale: int) -> bytes:
    """Make a map tile of a low zoom from its chip."""
    return picture_of(pyramid.read_chip(pyramid.path_of(view, key), layer, scale), layer, fmt, scale)


def _few_sources(view: View, tile: MapTile, box: Box) -> list[Source]:
    """Give the sources of a map tile.

    Raises:
        NotReady: they are too many to be read at once, and their chip is still to be made.
    """
    try:
        return view.coverage.touching(box, MOST_SOURCES)
    except TooMany:
        place = f"{tile.z}/{tile.x}/{tile.y}"
        raise NotReady(f"Map tile {place} is being made; try again in a minute.") from None


@answers
def tilejson(request: HttpRequest, campaign: str, edition: str, layer: str) -> HttpResponse:
    """A layer as TileJSON 3.0.0."""
    chosen = addresses.parse_layer(layer)
    if edition == LATEST:
        return _to_newest(request, "tilejson", campaign=campaign, layer=layer)
    view = addresses.find_view(campaign, edition, request.user)
    root = request.build_absolute_uri(f"/tiles/{campaign}/{view.word}/{layer}/")
    return _json(request, view, describe.tilejson(view, chosen, root + "{z}/{x}/{y}.webp"))


@answers
def point(request: HttpRequest, campaign: str, edition: str) -> HttpResponse:
    """Values, class, confidence and scene under a longitude and latitude."""
    lon, lat = describe.parse_point(request.GET.get("lon"), request.GET.get("lat"))
    if edition == LATEST:
        return _to_newest(request, "point", campaign=campaign)
    view = addresses.find_view(campaign, edition, request.user)
    return _json(request, view, describe.point(view, lon, lat))


def _to_newest(request: HttpRequest, route: str, campaign: str, **words: str) -> HttpResponse:
    """Send "latest" on to the newest edition's own address."""
    word, found = addresses.newest_word(campaign, request.user)
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    response = HttpResponseRedirect(
        reverse(route, kwargs={"campaign": campaign, "edition": word, **words}) + query
    )
    public = found.is_public and word not in addresses.NEWEST
    response["Cache-Control"] = SHORT if public else PRIVATE
    if public:
        response["Access-Control-Allow-Origin"] = "*"
    return response


def _json(request: HttpRequest, view: View, content: dict[str, Any]) -> HttpResponse:
    body = json.dumps(content).encode()
    return _cached(request, view, _etag(hashlib.sha256(body).hexdigest()), "application/json", lambda: body)


def _etag(*parts: Any) -> str:
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def _cached(
    request: HttpRequest, view: View, etag: str, content_type: str, make: Callable[[], bytes]
) -> HttpResponse:
    """Answer 304 where the visitor has this already, else with the bytes."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in known or etag in [value.removeprefix("W/") for value in known]:
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = HttpResponse(make(), content_type=content_type)
    response["ETag"] = etag
    response["Cache-Control"] = FOR_EVER if view.is_public else PRIVATE
    if view.is_public:
        response["Access-Control-Allow-Origin"] = "*"
    return response
