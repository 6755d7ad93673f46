"""The STAC API, WMTS, OGC API - Tiles, ranges and packed files with keys of private campaigns."""

from datetime import UTC, datetime

import pytest
import rasterio
import requests
from pmtiles.reader import Reader
from pystac_client import Client
from pystac_client.exceptions import APIError

from pipeline.grid import Tile
from pipeline.product_item import write_item
from tests.webapp import products
from tests.webapp.outside import outside
from tests.webapp.tileserver.test_views import INSIDE, place
from webapp.campaigns.models import Edition
from webapp.keys import admission
from webapp.keys.models import KeyUse, MapKey
from webapp.tileserver.addresses import View
from webapp.tileserver.export import export
from webapp.tileserver.jobs import packed_path
from webapp.tileserver.layers import LAYERS

TILE = products.WEST


@pytest.fixture
def secret(transactional_db, storage, queues, customer):
    """Two private campaigns of the customer's, "secret" and "other", each with an edition of one tile."""
    for slug in ("secret", "other"):
        campaign = products.make_campaign(slug, public=False)
        campaign.owner = customer
        campaign.save()
        row = products.make_tile(campaign, TILE)
        row.refresh_from_db()
        moment = datetime(2023, 8, 15, tzinfo=UTC)
        folder = row.current_revision.path
        write_item(folder, Tile.parse(TILE), campaign.pipeline_settings, {"coverage": 0.99}, [moment])
        Edition.publish(campaign)


@pytest.fixture
def make(secret, customer):
    def make(*slugs, **scope):
        row, token = MapKey.make(customer, "Ours", **scope)
        row.campaigns.set(campaign for campaign in customer.campaigns.all() if campaign.slug in slugs)
        return row, token

    return make


@pytest.fixture
def root(live_server):
    return f"{live_server.url}/stac/"


def found(client, **words):
    return sorted(item.collection_id for item in client.search(**words).items())


def test_pystac_client_finds_private_products_with_a_key(make, root):
    _, key = make()
    assert found(Client.open(root)) == []
    for opened in (
        Client.open(root, headers={"X-API-Key": key}),
        Client.open(root, headers={"Authorization": f"Bearer {key}"}),
        Client.open(root, parameters={"key": key}),
        Client.open(f"{root}?key={key}", parameters={"key": key}),
    ):
        assert sorted(each.id for each in opened.get_collections()) == ["other.1", "secret.1"]
        assert found(opened) == found(opened, method="GET") == ["other.1", "secret.1"]
        assert found(opened, limit=1, method="GET") == found(opened, limit=1) == ["other.1", "secret.1"]
        collection = opened.get_collection("secret.1")
        (item,) = collection.get_items()
        assert item.get_collection().id == "secret.1"
        assert collection.get_item(item.id).id == item.id


def test_addresses_carry_a_key_that_came_as_parameter_and_no_other(make, root):
    _, key = make()
    item = next(Client.open(root, parameters={"key": key}).search(collections=["secret.1"]).items())
    address = item.assets["mosaic"].href
    assert address.endswith(f"/mosaic.tif?key={key}")
    assert item.get_self_href().endswith(f"?key={key}")
    code = """
from rio_tiler.io import STACReader
with STACReader(address) as reader:
    print(json.dumps(reader.point(*place, assets=["mosaic"]).array[:4].tolist()))"""
    assert outside(code, address=item.get_self_href(), place=products.IN_WEST) == [120, 130, 90, 200]
    head = requests.get(address, headers={"Range": "bytes=0-15"}, timeout=30)
    assert (head.status_code, len(head.content)) == (206, 16)
    by_header = Client.open(root, headers={"X-API-Key": key})
    item = next(by_header.search(collections=["secret.1"]).items())
    assert key not in str(item.to_dict())
    assert requests.get(item.assets["mosaic"].href, timeout=30).status_code == 404


def test_a_key_opens_the_campaigns_that_it_is_for(make, root):
    _, key = make("secret")
    opened = Client.open(root, headers={"X-API-Key": key})
    assert [each.id for each in opened.get_collections()] == ["secret.1"]
    assert found(opened) == found(opened, collections=["secret.1", "other.1"]) == ["secret.1"]
    for path in ("collections/other.1", "collections/other", "collections/other.1/items"):
        answer = requests.get(root + path, headers={"X-API-Key": key}, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_campaign")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_key_of_a_layer_opens_its_product_alone(make, root, live_server):
    _, key = make(layers=["landcover"])
    opened = Client.open(root, headers={"X-API-Key": key})
    item = next(opened.search(collections=["secret.1"]).items())
    assert list(item.assets) == ["landcover"]
    titles = [link.title for link in opened.get_collection("secret.1").get_links("tilejson")]
    assert titles == [LAYERS["landcover"].title]
    folder = f"{live_server.url}/tiles/secret/1/products/{TILE}"
    told = {
        name: requests.get(f"{folder}/{name}.tif?key={key}", timeout=30).status_code
        for name in ("mosaic", "landcover", "confidence")
    }
    assert told == {"mosaic": 403, "landcover": 200, "confidence": 403}
    _, half = make(layers=["rgb"])
    assert requests.get(f"{folder}/mosaic.tif?key={half}", timeout=30).status_code == 403
    _, whole = make(layers=["rgb", "nir"])
    assert requests.get(f"{folder}/mosaic.tif?key={whole}", timeout=30).status_code == 200


def test_a_key_of_a_site_is_refused_elsewhere(make, root):
    _, key = make(referrers=["maps.example.org"])
    with pytest.raises(APIError, match="not for maps of this site"):
        Client.open(root, headers={"X-API-Key": key})
    here = {"X-API-Key": key, "Origin": "https://maps.example.org"}
    assert found(Client.open(root, headers=here)) == ["other.1", "secret.1"]


def test_pages_of_other_sites_may_send_a_key(make, root):
    asked = requests.options(f"{root}collections", timeout=30)
    assert asked.status_code == 204 and "X-API-Key" in asked.headers["Access-Control-Allow-Headers"]
    assert asked.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert "POST" in requests.options(f"{root}search", timeout=30).headers["Access-Control-Allow-Methods"]
    assert requests.delete(f"{root}search", timeout=30).status_code == 405


def test_a_wrong_key_opens_nothing_and_too_many_requests_are_refused(make, root, monkeypatch):
    with pytest.raises(APIError, match="opens nothing"):
        Client.open(root, headers={"X-API-Key": "eq_wrong"})
    monkeypatch.setattr(admission.time, "time", lambda: 1_000_000_020.0)
    _, key = make(per_minute=2)
    told = [requests.get(root, headers={"X-API-Key": key}, timeout=30) for _ in range(4)]
    assert [answer.status_code for answer in told] == [200, 200, 429, 429]
    assert 0 < int(told[-1].headers["Retry-After"]) <= 60 and told[-1].json()["code"] == "too_many"


def test_the_use_of_the_stac_api_is_counted_by_day(make, root, monkeypatch):
    monkeypatch.setattr(admission, "FLUSH_SECONDS", 1e6)
    monkeypatch.setattr(admission, "tally", admission.Tally())
    row, key = make("secret")
    opened = Client.open(root, headers={"X-API-Key": key})
    assert found(opened) == ["secret.1"]
    assert requests.get(f"{root}collections/other.1?key={key}", timeout=30).status_code == 403
    admission.tally.flush()
    day = KeyUse.objects.get(key=row)
    assert (day.answered, day.refused) == (2, 1)


def test_wmts_and_ogc_api_tiles_open_with_a_key(make, live_server):
    _, key = make("secret")
    edition = f"{live_server.url}/tiles/secret/1"
    with rasterio.open(f"WMTS:{edition}/wmts/1.0.0/WMTSCapabilities.xml?key={key},layer=rgb") as dataset:
        assert dataset.crs.to_epsg() == 3857
        assert dataset.read(1, out_shape=(1, 64, 64)).any()
    page = requests.get(f"{edition}/ogc/?key={key}", timeout=30).json()
    address = next(link["href"] for link in page["links"] if link["rel"] == "data")
    layer = next(
        one for one in requests.get(address, timeout=30).json()["collections"] if one["id"] == "landcover"
    )
    address = next(link["href"] for link in layer["links"] if link["rel"].endswith("tilesets-map"))
    sets = requests.get(address, timeout=30).json()["tilesets"]
    template = next(
        link["href"] for link in sets[0]["links"] if link["rel"] == "item" and link["type"] == "image/png"
    )
    z, x, y = INSIDE.split("/")
    for word, value in (("tileMatrix", z), ("tileRow", y), ("tileCol", x)):
        template = template.replace(f"{{{word}}}", value)
    picture = requests.get(template, timeout=30)
    assert picture.status_code == 200 and picture.headers["Content-Type"] == "image/png"
    assert requests.get(f"{edition}/ogc/", timeout=30).status_code == 404


def test_a_packed_file_is_read_by_ranges_with_a_key(make, live_server):
    _, key = make("secret", layers=["rgb"])
    edition = Edition.objects.select_related("campaign").get(campaign__slug="secret")
    export(View(edition.campaign, edition), LAYERS["rgb"], "webp", packed_path(edition, "rgb", "pmtiles"))
    address = f"{live_server.url}/tiles/secret/1/rgb.pmtiles"

    def part(offset, length):
        asked = {"Range": f"bytes={offset}-{offset + length - 1}", "X-API-Key": key}
        answer = requests.get(address, headers=asked, timeout=30)
        assert answer.status_code == 206 and answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.content

    packed = Reader(part)
    deepest = place(*products.IN_WEST, packed.header()["max_zoom"])
    assert packed.get(*map(int, deepest.split("/")))[:4] == b"RIFF"
    assert requests.get(address, timeout=30).status_code == 404
    other = requests.get(f"{live_server.url}/tiles/other/1/rgb.pmtiles?key={key}", timeout=30)
    assert other.status_code == 403
