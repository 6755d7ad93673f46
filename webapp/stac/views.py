"""The addresses of the STAC API."""

import json
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from webapp.campaigns.models import Campaign, Edition
from webapp.keys.admission import Refused, admit, key_suffix
from webapp.stac import documents
from webapp.stac.documents import GEOJSON, JSON, Site, link
from webapp.stac.search import BadSearch, Search, find

HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, X-API-Key, Authorization",
}
ALLOWED = {"Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key"}
READ = ("GET", "HEAD", "OPTIONS")

View = Callable[..., HttpResponse]


def answers(*methods: str) -> Callable[[View], View]:
    """Answer to some methods, and say in a document of STAC what a key does not open."""

    def around(view: View) -> View:
        # Nothing here changes anything, and programs that POST a search have no token.
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, **words: str) -> HttpResponse:
            told = {"Access-Control-Allow-Methods": ", ".join(methods), "Allow": ", ".join(methods)}
            if request.method == "OPTIONS":
                return HttpResponse(status=204, headers=HEADERS | ALLOWED | told)
            if request.method not in methods:
                content = {"code": "MethodNotAllowed", "description": f"Ask by {', '.join(methods)}."}
                return answer(content, status=405, **told)
            try:
                return view(request, **words)
            except Refused as error:
                wait = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
                return answer({"code": error.code, "description": str(error)}, status=error.status, **wait)

        return wrapped

    return around


def visible(site: Site) -> QuerySet[Edition]:
    """Give the editions that a visitor may see, and that the key of the request is for."""
    campaigns = Campaign.objects.visible_to(site.admitted.visitor)
    if site.admitted.slugs:
        campaigns = campaigns.filter(slug__in=site.admitted.slugs)
    return Edition.objects.standing().select_related("campaign").filter(campaign__in=campaigns)


def site_of(request: HttpRequest, slug: str = "") -> Site:
    """Let a request in, and say where the addresses of its documents lead.

    Args:
        request: the request, which is counted where it has a key.
        slug: of the campaign that is asked for; "" for all that is open.

    Raises:
        Refused: there is a key and it does not open this.
    """
    admitted = admit(request, slug)
    root, server = request.build_absolute_uri("/stac/"), request.build_absolute_uri("/")
    return Site(root, server, key_suffix(request), admitted)


def answer(content: Mapping[str, Any], kind: str = JSON, status: int = 200, **headers: str) -> HttpResponse:
    """Answer with a document."""
    return JsonResponse(content, status=status, headers=HEADERS | headers, content_type=kind)


def missing(what: str) -> HttpResponse:
    """Say that something is not there."""
    return answer({"code": "NotFoundError", "description": f"There is no {what}."}, status=404)


def refused(error: BadSearch) -> HttpResponse:
    """Say what is wrong with a search."""
    return answer({"code": "BadRequest", "description": str(error), "field": error.field}, status=400)


@answers(*READ)
def landing(request: HttpRequest) -> HttpResponse:
    """The landing page."""
    site = site_of(request)
    return answer(documents.landing(site, [documents.collection_id(edition) for edition in visible(site)]))


@answers(*READ)
def conformance(request: HttpRequest) -> HttpResponse:
    """The conformance classes."""
    site_of(request)
    return answer({"conformsTo": list(documents.CONFORMS)})


@answers(*READ)
def collections(request: HttpRequest) -> HttpResponse:
    """All collections."""
    site = site_of(request)
    found = [documents.collection(edition, site) for edition in visible(site)]
    links = [link("self", site.api("collections")), link("root", site.api())]
    return answer({"collections": found, "links": links})


@answers(*READ)
def collection(request: HttpRequest, name: str) -> HttpResponse:
    """One collection; the slug of a campaign alone leads to its newest edition."""
    slug, _, number = name.rpartition(".")
    site = site_of(request, slug or name)
    if not slug:
        newest = visible(site).filter(campaign__slug=name).order_by("-number").first()
        if newest is None:
            return missing(f"collection {name}")
        address = site.api(f"collections/{documents.collection_id(newest)}")
        return HttpResponseRedirect(address, headers=HEADERS)
    edition = visible(site).filter(campaign__slug=slug, number=int(number)).first()
    return answer(documents.collection(edition, site)) if edition else missing(f"collection {name}")


@answers(*READ)
def items(request: HttpRequest, name: str) -> HttpResponse:
    """The items of a collection."""
    words = request.GET.dict() | {"collections": name}
    slug, _, number = name.rpartition(".")
    site = site_of(request, slug)
    if not visible(site).filter(campaign__slug=slug, number=int(number)).exists():
        return missing(f"collection {name}")
    return _found(request, site, words, f"collections/{name}/items", "collections")


@answers(*READ)
def item(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """One item."""
    site = site_of(request, name.rpartition(".")[0])
    page, _ = find(Search(ids=frozenset([key]), collections=(name,), limit=1), visible(site), site)
    return answer(page[0], GEOJSON) if page else missing(f"item {key} in collection {name}")


@answers("GET", "HEAD", "POST", "OPTIONS")
def search(request: HttpRequest) -> HttpResponse:
    """Search over the newest editions, or over the collections that are named."""
    site = site_of(request)
    if request.method != "POST":
        return _found(request, site, request.GET.dict(), "search")
    try:
        words = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, dict):
        return refused(BadSearch("The body must be one object of JSON.", "body"))
    return _found(request, site, words, "search")


def _found(
    request: HttpRequest, site: Site, words: Mapping[str, Any], path: str, hidden: str = ""
) -> HttpResponse:
    """Answer with a page of items; ``hidden`` is a parameter that the path has already."""
    try:
        page, token = find(Search.parse(words), visible(site), site)
    except BadSearch as error:
        return refused(error)
    links = [link("root", site.api()), link("self", site.api(path), GEOJSON)]
    if token is not None:
        again = {name: value for name, value in words.items() if name != hidden} | {"token": str(token)}
        if request.method == "POST":
            links.append(link("next", site.api(path), GEOJSON, method="POST", body=again))
        else:
            links.append(link("next", f"{site.root}{path}?{urlencode(again)}", GEOJSON, method="GET"))
    content = {"type": "FeatureCollection", "features": page, "links": links, "numberReturned": len(page)}
    return answer(content, GEOJSON)
