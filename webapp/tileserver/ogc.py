"""An edition as OGC API - Tiles, Part 1 (20-057): its documents as plain dictionaries."""

from typing import Any

import morecantile

from webapp.tileserver.addresses import NotHere, View
from webapp.tileserver.describe import attribution, last_zoom
from webapp.tileserver.layers import LAYERS, Layer
from webapp.tileserver.render import CONTENT_TYPES
from webapp.tileserver.wmts import FORMATS, MATRIX_SET, describe_limits

CONFORMS = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/png",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/jpeg",
)
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
TMS_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX_SET}"
CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
JSON = "application/json"


def landing(view: View, root: str) -> dict[str, Any]:
    """Give the landing page; `root` is the address of this API, which ends in /."""
    return {
        "title": view.title,
        "description": f"Map tiles of {view.title}",
        "attribution": attribution(view),
        "links": [
            _link("self", root, "This document"),
            _link("conformance", f"{root}conformance", "What this API conforms to"),
            _link("data", f"{root}collections", "The layers"),
            _link(f"{REL}tiling-schemes", f"{root}tileMatrixSets", "Tile matrix sets"),
        ],
    }


def conformance() -> dict[str, Any]:
    """Give the conformance classes."""
    return {"conformsTo": list(CONFORMS)}


def collections(view: View, root: str) -> dict[str, Any]:
    """Give all layers as collections."""
    found = [collection(view, layer, root) for layer in LAYERS.values()]
    return {"links": [_link("self", f"{root}collections", "The layers")], "collections": found}


def collection(view: View, layer: Layer, root: str) -> dict[str, Any]:
    """Give one layer as a collection.

    Raises:
        NotHere: the campaign has no tiles yet.
    """
    here = f"{root}collections/{layer.name}"
    return {
        "id": layer.name,
        "title": str(layer.title),
        "attribution": attribution(view),
        "extent": {"spatial": {"bbox": [list(_bounds(view))]}},
        "links": [
            _link("self", here, str(layer.title)),
            _link(f"{REL}tilesets-map", f"{here}/map/tiles", "Map tiles"),
        ],
    }


def tilesets(view: View, layer: Layer, root: str) -> dict[str, Any]:
    """Give the tile sets of a layer, of which there is one."""
    here = f"{root}collections/{layer.name}/map/tiles"
    found = tileset(view, layer, root)
    brief = {name: found[name] for name in ("title", "dataType", "crs", "tileMatrixSetURI", "links")}
    return {"links": [_link("self", here, "Map tiles")], "tilesets": [brief]}


def tileset(view: View, layer: Layer, root: str) -> dict[str, Any]:
    """Give the metadata of a layer's tile set, with templates of its addresses.

    Raises:
        NotHere: the campaign has no tiles yet.
    """
    here = f"{root}collections/{layer.name}/map/tiles/{MATRIX_SET}"
    west, south, east, north = _bounds(view)
    items = [
        _link("item", f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}.{fmt}", fmt, CONTENT_TYPES[fmt])
        | {"templated": True}
        for fmt in FORMATS
    ]
    return {
        "title": str(layer.title),
        "dataType": "map",
        "crs": CRS,
        "tileMatrixSetURI": TMS_URI,
        "tileMatrixSetLimits": describe_limits((west, south, east, north), range(last_zoom(view) + 1)),
        "boundingBox": {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        },
        "attribution": attribution(view),
        "links": [
            _link("self", here, str(layer.title)),
            _link(f"{REL}tiling-scheme", f"{root}tileMatrixSets/{MATRIX_SET}", MATRIX_SET),
            *items,
        ],
    }


def matrix_sets(root: str) -> dict[str, Any]:
    """Give the tile matrix sets, of which there is one."""
    link = _link("self", f"{root}tileMatrixSets/{MATRIX_SET}", MATRIX_SET)
    return {"tileMatrixSets": [{"id": MATRIX_SET, "uri": TMS_URI, "crs": CRS, "links": [link]}]}


def matrix_set() -> dict[str, Any]:
    """Give the definition of the tile matrix set, as morecantile has it from the standard."""
    return morecantile.tms.get(MATRIX_SET).model_dump(mode="json", exclude_none=True, by_alias=True)


def carry(content: Any, root: str, suffix: str) -> Any:
    """Put a suffix, such as a key, behind every address of this API in a document."""
    if isinstance(content, list):
        return [carry(each, root, suffix) for each in content]
    if not isinstance(content, dict):
        return content
    return {
        name: f"{value}{suffix}" if name == "href" and value.startswith(root) else carry(value, root, suffix)
        for name, value in content.items()
    }


def _bounds(view: View) -> tuple[float, float, float, float]:
    if view.coverage.bounds is None:
        raise NotHere(f"Campaign {view.campaign.slug} has no tiles yet.")
    return view.coverage.bounds


def _link(rel: str, href: str, title: str, kind: str = JSON) -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": kind, "title": title}
