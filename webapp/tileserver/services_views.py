"""The addresses of an edition for other programs: WMTS, OGC API - Tiles, and the products themselves."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from webapp.keys.admission import key_suffix, visitor_of
from webapp.tileserver import addresses, maptiles, ogc, wmts
from webapp.tileserver.addresses import LATEST, NotHere
from webapp.tileserver.views import answers, document, respond, to_newest

XML = "application/xml"


@answers
def wmts_view(request: HttpRequest, campaign: str, edition: str, rest: str = "") -> HttpResponse:
    """WMTS 1.0.0: capabilities, or a map tile asked for by key-value pairs."""
    if edition == LATEST:
        return to_newest(request, "wmts-rest" if rest else "wmts", campaign=campaign)
    try:
        asked = None if rest else wmts.parse(request.GET.dict())
    except wmts.BadRequest as error:
        return HttpResponse(error.xml(), status=400, content_type=XML)
    visitor = visitor_of(request, campaign, asked[0].name if asked else "")
    view = addresses.find_view(campaign, edition, visitor)
    if asked is None:
        root = request.build_absolute_uri(f"/tiles/{campaign}/{view.word}/")
        return document(request, view, wmts.capabilities(view, root, key_suffix(request)), XML)
    layer, tile, fmt = asked
    answer = maptiles.find(view, layer, tile, fmt, 1)
    return respond(request, answer)


def ogc_view(make: Callable[..., dict[str, Any]]) -> Callable[..., HttpResponse]:
    """A view that answers one document of OGC API - Tiles."""

    @answers
    def view(request: HttpRequest, campaign: str, edition: str, **words: str) -> HttpResponse:
        visitor = visitor_of(request, campaign, words.get("layer", ""))
        shown = addresses.find_view(campaign, _newest(edition, campaign, visitor), visitor)
        if words.get("matrix_set", wmts.MATRIX_SET) != wmts.MATRIX_SET:
            raise NotHere(f"The tile matrix set here is {wmts.MATRIX_SET}.")
        root = request.build_absolute_uri(f"/tiles/{campaign}/{shown.word}/ogc/")
        layer = addresses.parse_layer(words["layer"]) if "layer" in words else None
        return document(request, shown, ogc.carry(make(shown, layer, root), root, key_suffix(request)))

    return view


def _newest(edition: str, campaign: str, visitor: Any) -> str:
    return addresses.newest_word(campaign, visitor)[0] if edition == LATEST else edition


@answers
def ogc_tile(
    request: HttpRequest,
    campaign: str,
    edition: str,
    layer: str,
    matrix_set: str,
    z: str,
    row: str,
    name: str,
) -> HttpResponse:
    """A map tile of OGC API - Tiles: row before column, else as our own."""
    if matrix_set != wmts.MATRIX_SET:
        raise NotHere(f"The tile matrix set here is {wmts.MATRIX_SET}.")
    column, _, fmt = name.partition(".")
    visitor = visitor_of(request, campaign, layer)
    view = addresses.find_view(campaign, _newest(edition, campaign, visitor), visitor)
    answer = maptiles.find(view, *maptiles.parse(layer, z, column, f"{row}.{fmt or 'png'}"))
    return respond(request, answer)


landing = ogc_view(lambda view, layer, root: ogc.landing(view, root))
conformance = ogc_view(lambda view, layer, root: ogc.conformance())
collections = ogc_view(lambda view, layer, root: ogc.collections(view, root))
collection = ogc_view(lambda view, layer, root: ogc.collection(view, layer, root))
tilesets = ogc_view(lambda view, layer, root: ogc.tilesets(view, layer, root))
tileset = ogc_view(lambda view, layer, root: ogc.tileset(view, layer, root))
matrix_sets = ogc_view(lambda view, layer, root: ogc.matrix_sets(root))
matrix_set = ogc_view(lambda view, layer, root: ogc.matrix_set())
