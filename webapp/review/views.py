"""The workspace of a build: its page, its map tiles, and what a pixel is made of."""

import json
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from rasterio.errors import RasterioError

from webapp.accounts import roles
from webapp.campaigns.models import Scene
from webapp.maps.views import base_map
from webapp.problems import problem
from webapp.review.desk import desk_of, looked_at
from webapp.review.inspect import inspect
from webapp.review.models import Defect, Reason
from webapp.review.pictures import SCENE_LAYERS, Looked
from webapp.tileserver.addresses import NotHere, parse_map_tile
from webapp.tileserver.describe import BadPoint, parse_point
from webapp.tileserver.layers import LAYERS, RANK_COLOURS, Layer
from webapp.tileserver.render import CONTENT_TYPES, render_tile

UNREADABLE = "A product of this place cannot be read at the moment."
# A build's files never change under an address, and the address changes with the revision.
KEPT = "private, max-age=604800, immutable"


def for_reviewers(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Show a page of the desk to those who review: visitors sign in first, others find nothing."""

    @require_safe
    @wraps(view)
    def wrapped(request: HttpRequest, **words: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if not roles.may_review(request.user):
            raise Http404
        return view(request, **words)

    return wrapped


def found(key: int, stamp: str = "") -> Looked:
    """A build by its key, with the revision that a map tile's stamp names ("KEY-VERSION"), or its newest.

    Raises:
        Http404: there is none.
    """
    revision = stamp.partition("-")[0]
    looked = looked_at(key, int(revision) if revision.isdigit() and len(revision) < 10 else None)
    if looked is None:
        raise Http404(f"There is no build {key}.")
    return looked


@for_reviewers
@ensure_csrf_cookie
def workspace(request: HttpRequest, build: int) -> HttpResponse:
    """The workspace with one build open; the page goes on to others by itself."""
    looked = found(build)
    page_data = {
        "desk": desk_of(looked, request.user, {"request": request}),
        "reasons": [{"value": value, "label": str(label)} for value, label in Reason.choices],
        "defects": [{"value": value, "label": str(label)} for value, label in Defect.Kind.choices],
        "rank_colours": RANK_COLOURS,
        "classes": LAYERS["landcover"].describe()["legend"],
        "mask": SCENE_LAYERS["mask"].describe()["legend"],
        "base_map": base_map(),
        "user": request.user.get_username(),
    }
    return render(request, "review/workspace.html", {"page_data": page_data, "looked": looked})


@for_reviewers
def map_tile(request: HttpRequest, build: int, layer: str, **place: str) -> HttpResponseBase:
    """A map tile of a layer of the tile."""
    looked = found(build, request.GET.get("r", ""))
    chosen = LAYERS.get(layer)
    if chosen is None:
        raise Http404(f"There is no layer {layer}.")
    return picture(looked.paths(chosen), chosen, **place)


@for_reviewers
def scene_tile(request: HttpRequest, build: int, scene: int, layer: str, **place: str) -> HttpResponseBase:
    """A map tile of a layer of one dated scene."""
    looked = found(build)
    dated = get_object_or_404(Scene, pk=scene, build=looked.build)
    chosen = SCENE_LAYERS.get(layer)
    if chosen is None:
        raise Http404(f"There is no layer {layer}.")
    return picture(looked.scene_paths(dated, chosen), chosen, **place)


def picture(paths: Sequence[str], layer: Layer, z: str, x: str, y: str) -> HttpResponse:
    """Draw a map tile."""
    try:
        tile, fmt, scale = parse_map_tile(z, x, f"{y}.webp")
    except NotHere as error:
        raise Http404(str(error)) from error
    try:
        response = HttpResponse(render_tile(list(paths), layer, tile, fmt, scale), CONTENT_TYPES[fmt])
    except RasterioError:
        return JsonResponse(problem("unreadable", UNREADABLE), status=503)
    response["Cache-Control"] = KEPT
    return response


@for_reviewers
def pixel(request: HttpRequest, build: int) -> HttpResponseBase:
    """What a place of a build is made of, as JSON."""
    try:
        lon, lat = parse_point(request.GET.get("lon"), request.GET.get("lat"))
    except BadPoint as error:
        return JsonResponse(problem("invalid", str(error), error.field), status=400)
    try:
        return HttpResponse(json.dumps(inspect(found(build), lon, lat)), "application/json")
    except RasterioError:
        return JsonResponse(problem("unreadable", UNREADABLE), status=503)
