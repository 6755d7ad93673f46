"""The products of an edition as files: whole, or any range of bytes, as GDAL reads a COG (RFC 9110, 14)."""

import re
from collections.abc import Callable, Iterable
from functools import partial

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from pipeline.web_copy import RULES
from webapp import storage
from webapp.keys.admission import token_of, visitor_of
from webapp.tileserver import addresses
from webapp.tileserver.addresses import LATEST, NotHere, View
from webapp.tileserver.caching import FOR_EVER, PRIVATE, is_known
from webapp.tileserver.jobs import packed_name
from webapp.tileserver.layers import layers_in
from webapp.tileserver.maptiles import etag_of
from webapp.tileserver.views import answers, to_newest

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
PACKED = {"pmtiles": "application/vnd.pmtiles", "mbtiles": "application/vnd.sqlite3"}
EXPOSED = "Accept-Ranges, Content-Range, Content-Length, ETag"


@answers
def product(request: HttpRequest, campaign: str, edition: str, tile: str, name: str) -> HttpResponseBase:
    """One product of one tile of an edition."""
    if edition == LATEST:
        return to_newest(request, "product", campaign=campaign, tile=tile, name=name)
    view = addresses.find_view(campaign, edition, visitor_of(request, campaign, *layers_in(name)))
    return _given(request, view, unit_of(view, tile, name), name, COG)


@answers
def packed(request: HttpRequest, campaign: str, edition: str, layer: str, kind: str) -> HttpResponseBase:
    """A layer of an edition as one file of map tiles, which PMTiles' readers read by range."""
    chosen = addresses.parse_layer(layer)
    if edition == LATEST:
        return to_newest(request, "packed-file", campaign=campaign, layer=layer, kind=kind)
    view = addresses.find_view(campaign, edition, visitor_of(request, campaign, layer))
    name = packed_name(view.edition, chosen.name, kind) if view.edition else ""
    if not name or storage.root().size("", name) is None:
        raise NotHere(f"{view.title} is not packed as {kind}; ask for it by the API.")
    return _given(request, view, "", name, PACKED[kind])


def _given(request: HttpRequest, view: View, unit: str, name: str, kind: str) -> HttpResponseBase:
    root = storage.root()
    size, version = root.size(unit, name), root.version(unit, name)
    if size is None:
        raise NotHere(f"{view.title} has no {name} any more.")
    etag = etag_of(version, size)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": FOR_EVER if view.is_public else PRIVATE,
    }
    if view.is_public or token_of(request):
        headers |= {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if is_known(etag, request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers=headers)
    return ranged(request, headers, kind, size, partial(root.read, unit, name))


def unit_of(view: View, tile: str, name: str) -> str:
    """Give the folder of a product, below the storage root.

    Raises:
        NotHere: the edition has no such tile or product.
    """
    row = view.edition.tiles.select_related("revision").filter(tile_id=tile).first() if view.edition else None
    if row is None or name not in RULES or not row.revision.has(name):
        raise NotHere(f"{view.title} has no {name} of tile {tile}.")
    unit: str = row.revision.folder
    return unit


def ranged(
    request: HttpRequest,
    headers: dict[str, str],
    kind: str,
    size: int,
    body: Callable[[int, int], Iterable[bytes]],
) -> HttpResponseBase:
    """Answer with `body(first, last)` of `size` bytes: all, or the range that is asked for."""
    asked = request.headers.get("Range", "")
    if request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        asked = ""
    try:
        part = part_of(asked, size)
    except ValueError:
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    first, last = part or (0, size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if part:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    given = () if request.method == "HEAD" else body(first, last)
    return StreamingHttpResponse(given, status=206 if part else 200, content_type=kind, headers=headers)


def part_of(asked: str, size: int) -> tuple[int, int] | None:
    """Read a Range header: first and last byte; None for the whole file, as for what is no single range.

    Raises:
        ValueError: the range lies outside the file.
    """
    match = RANGE.fullmatch(asked.replace(" ", ""))
    if match is None or not any(match.groups()):
        return None
    begin, end = match.groups()
    if not begin:
        first, last = max(size - int(end), 0), size - 1
        if not int(end):
            raise ValueError("No byte is asked for.")
    else:
        first, last = int(begin), min(int(end), size - 1) if end else size - 1
    if first > last:
        if end and begin and int(end) < int(begin):
            return None
        raise ValueError("The range lies beyond the file.")
    return first, last
