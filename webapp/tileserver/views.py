"""The addresses of map tiles: parse and check, ask the handlers, put headers on."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from rasterio.errors import RasterioError

from pipeline.errors import SourceError
from webapp.tileserver import addresses, describe, maptiles
from webapp.tileserver.addresses import LATEST, NotHere, View
from webapp.tileserver.caching import ANYBODY, PRIVATE, SOON, headers_of
from webapp.tileserver.maptiles import Answer, NotReady, etag_of

log = logging.getLogger(__name__)


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
    words = maptiles.parse(layer, **place)
    if edition == LATEST:
        return _to_newest(request, "map-tile", campaign=campaign, layer=layer, **place)
    answer = maptiles.find(addresses.find_view(campaign, edition, request.user), *words)
    status, headers, body = headers_of(answer, request.headers.get("If-None-Match", ""))
    return HttpResponse(body, status=status, headers=dict(headers))


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
    response["Cache-Control"] = SOON if public else PRIVATE
    if public:
        response[ANYBODY[0]] = ANYBODY[1]
    return response


def _json(request: HttpRequest, view: View, content: dict[str, Any]) -> HttpResponse:
    body = json.dumps(content).encode()
    return _cached(request, view, etag_of(hashlib.sha256(body).hexdigest()), "application/json", lambda: body)


def _cached(
    request: HttpRequest, view: View, etag: str, content_type: str, make: Callable[[], bytes]
) -> HttpResponse:
    """Answer 304 where the visitor has this already, else with the bytes."""
    answer = Answer(view, etag, content_type, True, make)
    status, headers, body = headers_of(answer, request.headers.get("If-None-Match", ""))
    return HttpResponse(body, status=status, headers=dict(headers))
