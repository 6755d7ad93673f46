"""The addresses of the STAC API."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from webapp.campaigns.models import Campaign, Edition
from webapp.stac import documents
from webapp.stac.documents import GEOJSON, JSON, link
from webapp.stac.search import BadSearch, Search, find

HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-cache",
    "Vary": "Cookie",
}
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
}


def visible(request: HttpRequest) -> QuerySet[Edition]:
    """Give the editions that a visitor may see."""
    campaigns = Campaign.objects.visible_to(request.user)
    return Edition.objects.standing().select_related("campaign").filter(campaign__in=campaigns)


def addresses(request: HttpRequest) -> tuple[str, str]:
    """Give the addresses of the API and of the server, both with / at their ends."""
    return request.build_absolute_uri("/stac/"), request.build_absolute_uri("/")


def answer(content: Mapping[str, Any], kind: str = JSON, status: int = 200) -> HttpResponse:
    """Answer with a document."""
    return JsonResponse(content, status=status, headers=HEADERS, content_type=kind)


def missing(what: str) -> HttpResponse:
    """Say that something is not there."""
    return answer({"code": "NotFoundError", "description": f"There is no {what}."}, status=404)


def refused(error: BadSearch) -> HttpResponse:
    """Say what is wrong with a search."""
    return answer({"code": "BadRequest", "description": str(error), "field": error.field}, status=400)


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """The landing page."""
    names = [documents.collection_id(edition) for edition in visible(request)]
    return answer(documents.landing(addresses(request)[0], names))


@require_safe
def conformance(request: HttpRequest) -> HttpResponse:
    """The conformance classes."""
    return answer({"conformsTo": list(documents.CONFORMS)})


@require_safe
def collections(request: HttpRequest) -> HttpResponse:
    """All collections."""
    root, site = addresses(request)
    found = [documents.collection(edition, root, site) for edition in visible(request)]
    links = [link("self", f"{root}collections"), link("root", root)]
    return answer({"collections": found, "links": links})


@require_safe
def collection(request: HttpRequest, name: str) -> HttpResponse:
    """One collection; the slug of a campaign alone leads to its newest edition."""
    root, site = addresses(request)
    slug, _, number = name.rpartition(".")
    if not slug:
        newest = visible(request).filter(campaign__slug=name).order_by("-number").first()
        if newest is None:
            return missing(f"collection {name}")
        return HttpResponseRedirect(f"{root}collections/{documents.collection_id(newest)}", headers=HEADERS)
    edition = visible(request).filter(campaign__slug=slug, number=int(number)).first()
    return answer(documents.collection(edition, root, site)) if edition else missing(f"collection {name}")


@require_safe
def items(request: HttpRequest, name: str) -> HttpResponse:
    """The items of a collection."""
    words = request.GET.dict() | {"collections": name}
    slug, _, number = name.rpartition(".")
    if not visible(request).filter(campaign__slug=slug, number=int(number)).exists():
        return missing(f"collection {name}")
    return _found(request, words, f"collections/{name}/items", "collections")


@require_safe
def item(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """One item."""
    root, site = addresses(request)
    wanted = Search(ids=frozenset([key]), collections=(name,), limit=1)
    page, _ = find(wanted, visible(request), root, site)
    return answer(page[0], GEOJSON) if page else missing(f"item {key} in collection {name}")


# A search changes nothing, and programs that POST one have no token.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST", "OPTIONS"])
def search(request: HttpRequest) -> HttpResponse:
    """Search over the newest editions, or over the collections that are named."""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=HEADERS | ALLOWED)
    if request.method != "POST":
        return _found(request, request.GET.dict(), "search")
    try:
        words = json.loads(request.body or b"{}")
    except ValueError:
        words = None
    if not isinstance(words, dict):
        return refused(BadSearch("The body must be one object of JSON.", "body"))
    return _found(request, words, "search")


def _found(request: HttpRequest, words: Mapping[str, Any], path: str, hidden: str = "") -> HttpResponse:
    """Answer with a page of items; ``hidden`` is a parameter that the path has already."""
    root, site = addresses(request)
    try:
        page, token = find(Search.parse(words), visible(request), root, site)
    except BadSearch as error:
        return refused(error)
    links = [link("root", root), link("self", f"{root}{path}", GEOJSON)]
    if token is not None:
        again = {name: value for name, value in words.items() if name != hidden} | {"token": str(token)}
        if request.method == "POST":
            links.append(link("next", f"{root}{path}", GEOJSON, method="POST", body=again))
        else:
            links.append(link("next", f"{root}{path}?{urlencode(again)}", GEOJSON, method="GET"))
    content = {"type": "FeatureCollection", "features": page, "links": links, "numberReturned": len(page)}
    return answer(content, GEOJSON)
