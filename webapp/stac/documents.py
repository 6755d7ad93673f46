"""Editions as STAC 1.0.0 collections and their tiles as items, plain dictionaries with absolute links."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from pipeline.errors import StorageError
from pipeline.storage import read_json
from webapp.campaigns.models import Edition, EditionTile
from webapp.keys.admission import Admitted
from webapp.tileserver.addresses import View
from webapp.tileserver.describe import attribution
from webapp.tileserver.layers import LAYERS, layers_in

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


@dataclass(frozen=True)
class Site:
    """Where the documents' addresses lead, and what of the products is open.

    Attributes:
        root: address of the API, which ends in /.
        server: address of the server, which ends in /.
        end: what addresses end in, so that they carry a key; "" without. Those that programs append names to
            have none.
        admitted: who asks.
    """

    root: str
    server: str
    end: str
    admitted: Admitted

    def api(self, path: str = "") -> str:
        """Give an address of the API."""
        return f"{self.root}{path}{self.end}"

    def maps(self, edition: Edition, path: str) -> str:
        """Give an address of an edition's maps and products."""
        return f"{self.server}tiles/{edition.campaign.slug}/{edition.number}/{path}{self.end}"

    def opens(self, product: str) -> bool:
        """Whether a file may be read."""
        return self.admitted.opens(layers_in(product))


def link(rel: str, href: str, kind: str = JSON, **more: Any) -> dict[str, Any]:
    """Give a link as STAC writes it."""
    return {"rel": rel, "href": href, "type": kind, **more}


def collection_id(edition: Edition) -> str:
    """Give the name of an edition's collection: the campaign's slug, a full stop and the number."""
    return f"{edition.campaign.slug}.{edition.number}"


def landing(site: Site, collections: list[str]) -> dict[str, Any]:
    """Give the landing page with the names of the collections that the visitor may see."""
    root, search = site.root, f"{site.root}search"
    return {
        "type": "Catalog",
        "id": ID,
        "title": "Earthquilt",
        "description": "Cloud-free Sentinel-2 mosaics and landcover, one collection an edition.",
        "stac_version": VERSION,
        "conformsTo": list(CONFORMS),
        "links": [
            link("self", site.api()),
            link("root", site.api()),
            link("conformance", site.api("conformance")),
            link("data", f"{root}collections"),
            link("search", search, GEOJSON, method="GET"),
            link("search", search, GEOJSON, method="POST"),
            link("service-desc", f"{root}../api/schema/", "application/vnd.oai.openapi;version=3.0"),
            link("service-doc", f"{root}../api/docs/", "text/html"),
            *(link("child", site.api(f"collections/{name}")) for name in collections),
        ],
    }


def collection(edition: Edition, site: Site) -> dict[str, Any]:
    """Give an edition, with its campaign, as a collection."""
    view, name = View(edition.campaign, edition), collection_id(edition)
    settings = edition.campaign.pipeline_settings
    first, last = ((settings.first_day, time.min), (settings.last_day, time.max))
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
            link("self", site.api(f"collections/{name}")),
            link("root", site.api()),
            link("parent", site.api()),
            link("items", f"{site.root}collections/{name}/items", GEOJSON),
            link("license", LICENCE, "application/pdf"),
            link("wmts", site.maps(edition, "wmts/1.0.0/WMTSCapabilities.xml"), "application/xml"),
            *(
                link("tilejson", site.maps(edition, f"{layer.name}/tilejson.json"), title=str(layer.title))
                for layer in LAYERS.values()
                if site.admitted.opens([layer.name])
            ),
        ],
    }


def item(row: EditionTile, site: Site) -> dict[str, Any] | None:
    """Give the products of one tile of an edition as an item; None where its file is missing.

    Args:
        row: with edition, campaign and revision.
        site: where its addresses lead; products that are not open are left out.
    """
    try:
        found = dict(read_json(row.revision.bring("item.json") / "item.json"))
    except StorageError:
        return None
    edition = row.edition
    name = collection_id(edition)
    above = f"collections/{name}"
    folder = f"products/{row.tile_id}/"
    assets = {
        key: found["assets"][key] | {"href": site.maps(edition, f"{folder}{key}.tif")}
        for key in PRODUCTS
        if key in found["assets"] and site.opens(f"{key}.tif")
    }
    told = {"earthquilt:tile": row.tile_id, "earthquilt:edition": edition.number}
    return found | {
        "stac_version": VERSION,
        "collection": name,
        "properties": found["properties"] | told | {"created": _iso(edition.published_at)},
        "assets": assets,
        "links": [
            link("self", site.api(f"{above}/items/{found['id']}"), GEOJSON),
            link("root", site.api()),
            link("parent", site.api(above)),
            link("collection", site.api(above)),
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
