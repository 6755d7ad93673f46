"""Map tiles as other programs ask for them: GDAL's WMTS and XYZ drivers, ranges of bytes, OGC API - Tiles."""

import xml.etree.ElementTree as Tree

import morecantile
import numpy as np
import pytest
import rasterio
import requests
from rasterio.windows import Window, from_bounds

from tests.webapp import products
from tests.webapp.outside import outside
from tests.webapp.tileserver.test_views import INSIDE, place
from webapp.campaigns import web_copies
from webapp.campaigns.models import Edition
from webapp.tileserver.layers import LAYERS
from webapp.tileserver.products import part_of

WMTS = "{http://www.opengis.net/wmts/1.0}"
OWS = "{http://www.opengis.net/ows/1.1}"
COLOUR = (120, 130, 90)


@pytest.fixture
def published(transactional_db, storage, live_server):
    """Address of edition 1 of "alps" on a live server."""
    campaign = products.make_campaign()
    products.make_tile(campaign, products.WEST)
    edition = Edition.publish(campaign)
    for revision in web_copies.due(edition):
        assert web_copies.make(revision)
    return f"{live_server.url}/tiles/alps/1"


def shown(dataset):
    """The colour that a data set in Web Mercator shows at a place inside the tile."""
    bounds = morecantile.tms.get("WebMercatorQuad").xy_bounds(*map(int, reordered(INSIDE)))
    window = from_bounds(*bounds, dataset.transform).round_offsets().round_lengths()
    found = dataset.read(window=Window(window.col_off, window.row_off, 64, 64))
    return np.median(found[:3].reshape(3, -1), axis=1)


def reordered(address):
    z, x, y = address.split("/")
    return x, y, z


@pytest.mark.parametrize("end", ["wmts/1.0.0/WMTSCapabilities.xml", "wmts"])
def test_gdal_reads_wmts(published, end):
    with rasterio.open(f"WMTS:{published}/{end},layer=rgb") as dataset:
        assert dataset.crs.to_epsg() == 3857 and dataset.count == 4
        assert np.abs(shown(dataset) - COLOUR).max() <= 3


def test_gdal_lists_all_layers_of_wmts(published):
    with rasterio.open(f"WMTS:{published}/wmts") as dataset:
        told = " ".join(dataset.subdatasets)
        assert all(f"layer={name}" in told for name in LAYERS) or dataset.count


def test_gdal_reads_xyz(published):
    address = f"{published}/rgb/${{z}}/${{x}}/${{y}}.png"
    service = f"""<GDAL_WMS><Service name="TMS"><ServerUrl>{address}</ServerUrl></Service>
    <DataWindow><UpperLeftX>-20037508.34</UpperLeftX><UpperLeftY>20037508.34</UpperLeftY>
    <LowerRightX>20037508.34</LowerRightX><LowerRightY>-20037508.34</LowerRightY><TileLevel>12</TileLevel>
    <TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin></DataWindow>
    <Projection>EPSG:3857</Projection><BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY>
    <BandsCount>4</BandsCount></GDAL_WMS>"""
    with rasterio.open(service) as dataset:
        assert np.abs(shown(dataset) - COLOUR).max() <= 3


def test_gdal_and_rio_tiler_read_products_by_range(published, storage):
    address = f"{published}/products/{products.WEST}/mosaic.tif"
    code = """
import rasterio
from rasterio.windows import Window
from rio_tiler.io import Reader
with rasterio.open(f"/vsicurl/{address}") as dataset:
    corner = dataset.read(1, window=Window(10, 10, 2, 2)).tolist()
with Reader(address) as reader:
    middle = reader.tile(x, y, z, indexes=(1, 2, 3)).array[:, 128, 128].tolist()
print(json.dumps([corner, middle]))"""
    z, x, y = map(int, INSIDE.split("/"))
    assert outside(code, address=address, z=z, x=x, y=y) == [[[120] * 2] * 2, list(COLOUR)]


def test_ranges_are_what_was_asked_for(published):
    address = f"{published}/products/{products.WEST}/landcover.tif"
    whole = requests.get(address)
    assert whole.status_code == 200 and whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Type"].startswith("image/tiff")
    size = len(whole.content)
    for asked, wanted in (("0-9", slice(0, 10)), ("100-", slice(100, None)), ("-7", slice(size - 7, None))):
        part = requests.get(address, headers={"Range": f"bytes={asked}"})
        assert part.status_code == 206 and part.content == whole.content[wanted]
        first = wanted.start or 0
        assert part.headers["Content-Range"] == f"bytes {first}-{first + len(part.content) - 1}/{size}"
    beyond = requests.get(address, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416 and beyond.headers["Content-Range"] == f"bytes */{size}"
    changed = requests.get(address, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert changed.status_code == 200 and changed.content == whole.content
    head = requests.head(address)
    assert head.headers["Content-Length"] == str(size) and not head.content
    known = requests.get(address, headers={"If-None-Match": whole.headers["ETag"]})
    assert known.status_code == 304
    latest = requests.get(address.replace("/1/", "/latest/"), allow_redirects=False)
    assert latest.headers["Location"] == address.partition("/tiles")[1] + address.partition("/tiles")[2]


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("", None),
        ("bytes=0-0", (0, 0)),
        ("bytes=5-500", (5, 99)),
        ("bytes=-200", (0, 99)),
        ("bytes=9-3", None),
        ("bytes=1-2,4-5", None),
        ("lines=1-2", None),
        ("bytes=-", None),
    ],
)
def test_a_range_is_read(asked, part):
    assert part_of(asked, 100) == part


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=-0"])
def test_a_range_beyond_the_file_is_refused(asked):
    with pytest.raises(ValueError):
        part_of(asked, 100)


@pytest.mark.parametrize("name", ["report.json", "overview.tif", "copies.json", "provenance.tif"])
def test_only_products_are_given(client, edition, name):
    assert client.get(f"/tiles/alps/1/products/{products.WEST}/{name}").status_code == 404
    assert client.get("/tiles/alps/1/products/33TXX/mosaic.tif").status_code == 404
    assert client.get(f"/tiles/alps/2/products/{products.WEST}/mosaic.tif").status_code == 404


def test_capabilities_name_layers_formats_and_limits(client, edition):
    answer = client.get("/tiles/alps/1/wmts?service=WMTS&request=GetCapabilities&version=1.0.0")
    root = Tree.fromstring(answer.content)
    assert root.tag == f"{WMTS}Capabilities" and root.get("version") == "1.0.0"
    layers = root.findall(f"{WMTS}Contents/{WMTS}Layer")
    assert [layer.findtext(f"{OWS}Identifier") for layer in layers] == list(LAYERS)
    for layer in layers:
        assert [each.text for each in layer.findall(f"{WMTS}Format")] == [
            "image/png",
            "image/jpeg",
            "image/webp",
        ]
        row = layer.findall(f".//{WMTS}TileMatrixLimits")[-1]
        zoom, x, y = map(int, place(*products.IN_WEST, int(row.findtext(f"{WMTS}TileMatrix"))).split("/"))
        assert int(row.findtext(f"{WMTS}MinTileCol")) <= x <= int(row.findtext(f"{WMTS}MaxTileCol"))
        assert int(row.findtext(f"{WMTS}MinTileRow")) <= y <= int(row.findtext(f"{WMTS}MaxTileRow"))
        for resource in layer.findall(f"{WMTS}ResourceURL"):
            address = resource.get("template").replace("http://testserver", "")
            address = address.format(TileMatrix=zoom, TileCol=x, TileRow=y)
            found = client.get(address)
            assert found.status_code == 200 and found["Content-Type"] == resource.get("format")


def test_scales_are_those_of_the_standard(client, edition):
    root = Tree.fromstring(client.get("/tiles/alps/1/wmts").content)
    scales = [float(each.text) for each in root.iter(f"{WMTS}ScaleDenominator")]
    wanted = morecantile.tms.get("WebMercatorQuad").tileMatrices
    assert scales == pytest.approx([matrix.scaleDenominator for matrix in wanted[: len(scales)]], rel=1e-9)


def test_a_map_tile_by_key_value_pairs_is_that_of_its_address(client, edition):
    z, x, y = INSIDE.split("/")
    query = "LAYER=rgb&STYLE=default&FORMAT=image/webp&TileMatrixSet=WebMercatorQuad"
    query += f"&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}"
    found = client.get(f"/tiles/alps/1/wmts?SERVICE=WMTS&VERSION=1.0.0&REQUEST=GetTile&{query}")
    assert found.content == client.get(f"/tiles/alps/1/rgb/{INSIDE}.webp").content
    assert found["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("query", "code", "locator"),
    [
        ("request=GetTile", "MissingParameterValue", "layer"),
        ("request=GetFeatureInfo", "OperationNotSupported", "REQUEST"),
        ("service=WMS", "InvalidParameterValue", "SERVICE"),
        (
            "request=GetTile&layer=ndvi&tilematrixset=WebMercatorQuad&tilematrix=1&tilerow=0&tilecol=0",
            "InvalidParameterValue",
            "LAYER",
        ),
        (
            "request=GetTile&layer=rgb&tilematrixset=WebMercatorQuad&tilematrix=1&tilerow=2&tilecol=0",
            "TileOutOfRange",
            "TILEROW",
        ),
        (
            "request=GetTile&layer=rgb&tilematrixset=WebMercatorQuad&tilematrix=1&tilerow=<&tilecol=0",
            "TileOutOfRange",
            "TILEROW",
        ),
        (
            "request=GetTile&layer=rgb&format=image/gif&tilematrixset=WebMercatorQuad&tilematrix=1&tilerow=0&tilecol=0",
            "InvalidParameterValue",
            "FORMAT",
        ),
    ],
)
def test_what_wmts_does_not_know_is_told_as_the_standard_says(client, edition, query, code, locator):
    answer = client.get(f"/tiles/alps/1/wmts?{query}")
    assert answer.status_code == 400
    told = Tree.fromstring(answer.content).find(f"{OWS}Exception")
    assert (told.get("exceptionCode"), told.get("locator")) == (code, locator)


def test_ogc_api_tiles_leads_from_the_landing_page_to_a_map_tile(client, edition):
    def follow(document, rel):
        found = next(link for link in document["links"] if link["rel"].endswith(rel))
        return client.get(found["href"].replace("http://testserver", "")).json()

    landing = client.get("/tiles/alps/1/ogc/").json()
    assert any(
        each.endswith("ogcapi-tiles-1/1.0/conf/core") for each in follow(landing, "conformance")["conformsTo"]
    )
    layers = follow(landing, "data")["collections"]
    assert [layer["id"] for layer in layers] == list(LAYERS)
    tileset = follow(follow(layers[0], "tilesets-map")["tilesets"][0], "self")
    scheme = follow(tileset, "tiling-scheme")
    assert morecantile.TileMatrixSet(**scheme) == morecantile.tms.get("WebMercatorQuad")
    z, x, y = INSIDE.split("/")
    for link in (link for link in tileset["links"] if link["rel"] == "item"):
        address = link["href"].replace("http://testserver", "")
        address = address.format(tileMatrix=z, tileRow=y, tileCol=x)
        found = client.get(address)
        assert found["Content-Type"] == link["type"]
        assert found.content == client.get(f"/tiles/alps/1/rgb/{INSIDE}.{link['title']}").content
    assert (
        client.get("/tiles/alps/latest/ogc/").json()["links"][0]["href"]
        == "http://testserver/tiles/alps/1/ogc/"
    )
    assert client.get("/tiles/alps/1/ogc/collections/rgb/map/tiles/WorldCRS84Quad").status_code == 404


def test_latest_wmts_leads_to_the_newest_edition(client, edition):
    answer = client.get("/tiles/alps/latest/wmts?service=WMTS&request=GetCapabilities")
    assert answer["Location"] == "/tiles/alps/1/wmts?service=WMTS&request=GetCapabilities"
    assert "stale-while-revalidate" in answer["Cache-Control"]


def test_strangers_see_nothing_of_a_private_edition(client, storage, db):
    campaign = products.make_campaign("secret", public=False)
    products.make_tile(campaign, products.WEST)
    Edition.publish(campaign)
    for end in ("wmts", "ogc/", "ogc/collections", f"products/{products.WEST}/mosaic.tif"):
        assert client.get(f"/tiles/secret/1/{end}").status_code == 404
