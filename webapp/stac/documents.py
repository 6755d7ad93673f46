"""Editions as STAC 1.0.0 collections and their tiles as items, plain dictionaries with absolute links."""

from datetime import UTC, datetime, time
from typing import Any

from pipeline.errors import StorageError
from pipeline.storage import read_json
from webapp.campaigns.models import Edition, EditionTile
from webapp.tileserver.addresses import View
from webapp.tileserver.describe import attribution
from webapp.tileserver.layers import LAYERS

VERSION = "1.0.0"
ID = "earthquilt"
API = "https://api.stacspec.org/v1.0.0"
CONFORMS = (
    f"{API}/core",
    f"{API}/collections",
    f"{API}/ogcapi-features",
    f"{API}/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
JSON, GEOJSON = "application/json", "application/geo+json"
LICENCE = "https://sentinel.esa.int/documents/247904/690755/Sentinel_Data_Legal_Notice"
PRODUCTS = ("mosaic", "landcover", "confidence")


def link(rel: str, href: str, kind: str = JSON, **more: Any) -> dict[str, Any]:
    """Give a link as STAC writes it."""
    return {"rel": rel, "href": href, "type": kind, **more}


def collection_id(edition: Edition) -> str:
    """Give the name of an edition's collection: the campaign's slug, a full stop and the number."""
    return f"{edition.campaign.slug}.{edition.number}"


def landing(root: str, collections: list[str]) -> dict[str, Any]:
    """Give the landing page.

    Args:
        root: address of the API, which ends in /.
        collections: names of those that the visitor may see.
    """
    search = f"{root}search"
    return {
        "type": "Catalog",
        "id": ID,
        "title": "Earthquilt",
        "description": "Cloud-free Sentinel-2 mosaics and landcover, one collection an edition.",
        "stac_version": VERSION,
        "conformsTo": list(CONFORMS),
        "links": [
            link("self", root),
            link("root", root),
            link("conformance", f"{root}conformance"),
            link("data", f"{root}collections"),
            link("search", search, GEOJSON, method="GET"),
            link("search", search, GEOJSON, method="POST"),
            link("service-desc", f"{root}../api/schema/", "application/vnd.oai.openapi;version=3.0"),
            link("service-doc", f"{root}../api/docs/", "text/html"),
            *(link("child", f"{root}collections/{name}") for name in collections),
        ],
    }


def collection(edition: Edition, root: str, site: str) -> dict[str, Any]:
    """Give an edition as a collection.

    Args:
        edition: the edition, with its campaign.
        root: address of the API.
        site: address of the server, which ends in /.
    """
    view, name = View(edition.campaign, edition), collection_id(edition)
    here = f"{root}collections/{name}"
    settings = edition.campaign.pipeline_settings
    maps = f"{site}tiles/{edition.campaign.slug}/{edition.number}/"
    first, last = ((settings.start, time.min), (settings.end, time.max))
    span = [_iso(datetime.combine(*first, UTC)), _iso(datetime.combine(*last, UTC))]
    return {
        "type": "Collection",
        "id": name,
        "stac_version": VERSION,
        "title": view.title,
        "description": f"Mosaic and landcover of {view.title}. {attribution(view)}.",
        "license": "proprietary",
        "extent": {
            "spatial": {"bbox": [edition.bounds or [-180.0, -90.0, 180.0, 90.0]]},
            "temporal": {"interval": [span]},
        },
        "summaries": {"gsd": [settings.resolution], "constellation": ["sentinel-2"]},
        "links": [
            link("self", here),
            link("root", root),
            link("parent", root),
            link("items", f"{here}/items", GEOJSON),
            link("license", LICENCE, "application/pdf"),
            link("wmts", f"{maps}wmts/1.0.0/WMTSCapabilities.xml", "application/xml"),
            *(
                link("tilejson", f"{maps}{layer.name}/tilejson.json", title=layer.title)
                for layer in LAYERS.values()
            ),
        ],
    }


def item(row: EditionTile, root: str, site: str) -> dict[str, Any] | None:
    """Give the products of one tile of an edition as an item; None where its file is missing.

    Args:
        row: with edition, campaign and revision.
        root: address of the API.
        site: address of the server.
    """
    try:
        found = dict(read_json(row.revision.path / "item.json"))
    except StorageError:
        return None
    edition = row.edition
    name = collection_id(edition)
    above = f"{root}collections/{name}"
    folder = f"{site}tiles/{edition.campaign.slug}/{edition.number}/products/{row.tile_id}/"
    assets = {key: found["assets"][key] for key in PRODUCTS if key in found["assets"]}
    told = {"earthquilt:tile": row.tile_id, "earthquilt:edition": edition.number}
    return found | {
        "stac_version": VERSION,
        "collection": name,
        "properties": found["properties"] | told | {"created": _iso(edition.published_at)},
        "assets": {key: asset | {"href": f"{folder}{key}.tif"} for key, asset in assets.items()},
        "links": [
            link("self", f"{above}/items/{found['id']}", GEOJSON),
            link("root", root),
            link("parent", above),
            link("collection", above),
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
