"""The addresses of map tiles: parse and check, ask the handlers, put headers on."""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from rasterio.errors import RasterioError

from pipeline.errors import SourceError, StorageError
from webapp.keys.admission import Refused, key_suffix, token_of, visitor_of
from webapp.tileserver import addresses, describe, maptiles
from webapp.tileserver.addresses import LATEST, NotHere, View
from webapp.tileserver.caching import ANYBODY, PRIVATE, SOON, headers_of
from webapp.tileserver.layers import LAYERS
from webapp.tileserver.maptiles import Answer, NotReady, etag_of

log = logging.getLogger(__name__)


def answers(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Turn what can go wrong into an answer with one sentence: 400, 404 or 503, never 500."""

    @require_safe
    @wraps(view)
    def wrapped(request: HttpRequest, **words: str) -> HttpResponseBase:
        answer = _answer(view, request, **words)
        if request.method == "HEAD" and not answer.streaming:
            answer["Content-Length"] = str(len(answer.content))
            answer.content = b""
        return answer

    return wrapped


def _answer(view: Callable[..., HttpResponseBase], request: HttpRequest, **words: str) -> HttpResponseBase:
    try:
        return view(request, **words)
    except NotHere as error:
        return _problem(404, "not_found", str(error))
    except describe.BadPoint as error:
        return _problem(400, "invalid", str(error), error.field)
    except Refused as error:
        return _refused(error)
    except NotReady as error:
        return _problem(503, "not_ready", str(error))
    except (RasterioError, SourceError, StorageError):
        log.exception("A product of %s could not be read", request.path)
        return _problem(503, "unreadable", "A product of this place cannot be read at the moment.")


def _refused(error: Refused) -> JsonResponse:
    answer = _problem(error.status, error.code, str(error))
    if error.retry_after is not None:
        answer["Retry-After"] = str(error.retry_after)
    return answer


def respond(request: HttpRequest, answer: Answer) -> HttpResponse:
    """Answer with what was found; whoever has a key may show it on pages of any site."""
    status, headers, body = headers_of(answer, request.headers.get("If-None-Match", ""))
    response = HttpResponse(body, status=status, headers=dict(headers))
    if token_of(request):
        response[ANYBODY[0]] = ANYBODY[1]
    return response


def _problem(status: int, code: str, message: str, field: str | None = None) -> JsonResponse:
    body = {"error": {"code": code, "message": message, "field": field}}
    headers = {"Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(body, status=status, headers=headers)


@answers
def map_tile(request: HttpRequest, campaign: str, edition: str, layer: str, **place: str) -> HttpResponse:
    """One map tile: a picture inside the campaign's bounds (transparent where empty), 404 outside."""
    words = maptiles.parse(layer, **place)
    if edition == LATEST:
        return to_newest(request, "map-tile", campaign=campaign, layer=layer, **place)
    visitor = visitor_of(request, campaign, layer)
    answer = maptiles.find(addresses.find_view(campaign, edition, visitor), *words)
    return respond(request, answer)


@answers
def tilejson(request: HttpRequest, campaign: str, edition: str, layer: str) -> HttpResponse:
    """A layer as TileJSON 3.0.0."""
    chosen = addresses.parse_layer(layer)
    if edition == LATEST:
        return to_newest(request, "tilejson", campaign=campaign, layer=layer)
    view = addresses.find_view(campaign, edition, visitor_of(request, campaign, layer))
    root = request.build_absolute_uri(f"/tiles/{campaign}/{view.word}/{layer}/")
    return document(
        request, view, describe.tilejson(view, chosen, root + "{z}/{x}/{y}.webp" + key_suffix(request))
    )


@answers
def point(request: HttpRequest, campaign: str, edition: str) -> HttpResponse:
    """Values, class, confidence and scene under a longitude and latitude."""
    lon, lat = describe.parse_point(request.GET.get("lon"), request.GET.get("lat"))
    if edition == LATEST:
        return to_newest(request, "point", campaign=campaign)
    view = addresses.find_view(campaign, edition, visitor_of(request, campaign, *LAYERS))
    return document(request, view, describe.point(view, lon, lat))


def to_newest(request: HttpRequest, route: str, campaign: str, **words: str) -> HttpResponse:
    """Send "latest" on to the newest edition's own address."""
    word, found = addresses.newest_word(campaign, visitor_of(request, campaign, words.get("layer", "")))
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    response = HttpResponseRedirect(
        reverse(route, kwargs={"campaign": campaign, "edition": word, **words}) + query
    )
    public = found.is_public and word not in addresses.NEWEST
    response["Cache-Control"] = SOON if public else PRIVATE
    if public:
        response[ANYBODY[0]] = ANYBODY[1]
    return response


def document(
    request: HttpRequest, view: View, content: dict[str, Any] | bytes, kind: str = "application/json"
) -> HttpResponse:
    """Answer with a description of a view, which may change with names and settings."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return respond(
        request, Answer(view, etag_of(hashlib.sha256(body).hexdigest()), kind, False, lambda: body)
    )
