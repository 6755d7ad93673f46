"""The STAC API with real clients: pystac-client finds, rio-tiler's STAC reader draws."""

from datetime import UTC, datetime, timedelta

import pystac
import pytest
import stac_pydantic
from pystac_client import Client
from stac_pydantic.api import ItemCollection, LandingPage

from pipeline.grid import Tile
from pipeline.product_item import write_item
from tests.webapp import products
from tests.webapp.outside import outside
from webapp.campaigns.models import Edition, Scene
from webapp.stac import documents, search

BOX = [15.6, 45.5, 15.8, 45.6]
BOTH = [15.0, 45.0, 18.0, 46.1]


def publish(campaign, *names):
    for name in names:
        row = campaign.tiles.filter(tile_id=name).first()
        if row and row.current_revision:
            products.make_revision(row)
        else:
            row = products.make_tile(campaign, name)
        row.refresh_from_db()
        day = datetime(2023, 8, 15 if name == products.WEST else 25, tzinfo=UTC)
        tile = Tile.parse(name)
        write_item(row.current_revision.path, tile, campaign.pipeline_settings, {"coverage": 0.99}, [day])
    return Edition.publish(campaign)


@pytest.fixture
def two_tiles(db, storage):
    campaign = products.make_campaign()
    rows = products.make_tiles(campaign, products.WEST, products.EAST)
    for row, day in zip(rows, (15, 25), strict=True):
        row.refresh_from_db()
        moment = datetime(2023, 8, day, tzinfo=UTC)
        row.current_revision.build.scenes.filter(chosen=True).update(datetime=moment)
        tile = Tile.parse(row.tile_id)
        write_item(row.current_revision.path, tile, campaign.pipeline_settings, {"coverage": 0.99}, [moment])
    return Edition.publish(campaign)


@pytest.fixture
def api(transactional_db, two_tiles, live_server):
    return Client.open(f"{live_server.url}/stac/")


def names(search):
    return sorted(item.properties["earthquilt:tile"] for item in search.items())


def test_pystac_client_finds_by_place_time_and_name(api):
    assert [each.id for each in api.get_collections()] == ["alps.1"]
    assert names(api.search(bbox=BOX)) == [products.WEST]
    assert names(api.search(bbox=BOTH)) == [products.WEST, products.EAST]
    assert names(api.search(datetime="2023-08-20/..")) == [products.EAST]
    assert names(api.search(datetime="2023-08-15")) == [products.WEST]
    assert names(api.search(datetime="2021-01-01/2022-01-01")) == []
    point = {"type": "Point", "coordinates": [15.7, 45.55]}
    assert names(api.search(intersects=point)) == [products.WEST]
    assert names(api.search(method="GET", bbox=BOX, collections=["alps.1"])) == [products.WEST]
    key = next(api.search(bbox=BOX).items()).id
    assert names(api.search(ids=[key])) == [products.WEST]
    assert names(api.search(collections=["other.1"])) == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pystac_client_turns_pages(api, method):
    found = api.search(limit=1, method=method)
    assert [len(page.items) for page in found.pages()] == [1, 1]
    assert names(api.search(limit=1, method=method)) == [products.WEST, products.EAST]


def test_items_are_valid_and_their_links_lead_on(api, client):
    for item in api.search().items():
        assert item.get_collection().id == "alps.1"
        stac_pydantic.Item(**item.to_dict())
        assert item.assets["mosaic"].href.endswith(f"/{item.properties['earthquilt:tile']}/mosaic.tif")
    collection = api.get_collection("alps.1")
    stac_pydantic.Collection(**collection.to_dict())
    assert len(list(collection.get_items())) == 2
    assert collection.get_item(next(api.search(bbox=BOX).items()).id) is not None


def test_rio_tiler_draws_a_found_item(api):
    item = next(api.search(bbox=BOX).items())
    code = """
from rio_tiler.io import STACReader
with STACReader(address) as reader:
    found = reader.point(*place, assets=["mosaic"])
    print(json.dumps([sorted(reader.assets), found.array[:4].tolist()]))"""
    told = outside(code, address=item.get_self_href(), place=products.IN_WEST)
    assert told == [["confidence", "landcover", "mosaic"], [120, 130, 90, 200]]


@pytest.fixture
def reads(monkeypatch):
    """The tiles whose files were read."""
    found = []

    def item(row, site, really=documents.item):
        found.append(row.tile_id)
        return really(row, site)

    monkeypatch.setattr(search, "item", item)
    return found


def test_the_file_of_an_item_is_read_alone(client, two_tiles, reads):
    key = f"{products.EAST}_20230801_20230831"
    assert client.get(f"/stac/collections/alps.1/items/{key}").json()["id"] == key
    assert [each["id"] for each in client.get(f"/stac/search?ids={key}").json()["features"]] == [key]
    assert reads == [products.EAST] * 2
    assert client.get("/stac/collections/alps.1/items/33XXX_20230801_20230831").status_code == 404
    assert client.get("/stac/collections/alps.1/items/nothing").status_code == 404
    assert client.get("/stac/search?ids=nothing,%00").json()["features"] == []
    assert len(reads) == 2
    other = f"{products.EAST}_20210801_20210831"
    assert client.get(f"/stac/collections/alps.1/items/{other}").status_code == 404


def test_files_of_other_dates_are_not_read(client, two_tiles, reads):
    for row in two_tiles.tiles.select_related("revision"):
        day = 15 if row.tile_id == products.WEST else 25
        row.revision.build.scenes.all().delete()
        for hour, chosen in ((10, True), (11, True), (500, False)):
            moment = datetime(2023, 8, day, tzinfo=UTC) + timedelta(hours=hour)
            words = {"scene_id": f"S{hour}", "datetime": moment, "chosen": chosen}
            Scene.objects.create(build_id=row.revision.build_id, **words)
        moments = [datetime(2023, 8, day, hour, tzinfo=UTC) for hour in (10, 11)]
        settings = two_tiles.campaign.pipeline_settings
        write_item(row.revision.path, Tile.parse(row.tile_id), settings, {"coverage": 0.99}, moments)

    def found(words):
        reads.clear()
        return [
            each["properties"]["earthquilt:tile"]
            for each in client.get("/stac/search", {"datetime": words}).json()["features"]
        ]

    assert found("2023-08-20/..") == reads == [products.EAST]
    assert found("../2023-08-20") == reads == [products.WEST]
    assert found("2023-08-15T10:30:00Z") == reads == [products.WEST]
    assert found("2023-08-15T11:00:00Z/2023-08-25T10:00:00Z") == reads == [products.WEST, products.EAST]
    assert found("2023-08-18/2023-08-22") == reads == []
    assert found("0001-01-01/2022-01-01") == found("9999-12-31/..") == reads == []


def test_collections_are_looked_for_at_once(client, two_tiles, django_assert_max_num_queries):
    names = ",".join(["alps.1", *(f"other-{number}.1" for number in range(50))])
    with django_assert_max_num_queries(10):
        assert len(client.get("/stac/search", {"collections": names}).json()["features"]) == 2


def test_a_thousand_names_are_looked_for_and_no_more(client, two_tiles):
    assert client.get("/stac/search", {"ids": ",".join(map(str, range(1001)))}).json()["field"] == "ids"


def test_documents_have_the_shapes_of_the_standard(client, two_tiles):
    LandingPage(**client.get("/stac/").json())
    ItemCollection(**client.get("/stac/search").json())
    assert set(client.get("/stac/").json()["conformsTo"]) == set(
        client.get("/stac/conformance").json()["conformsTo"]
    )
    assert client.get("/stac/search")["Content-Type"] == "application/geo+json"
    assert client.get("/stac/search")["Access-Control-Allow-Origin"] == "*"


def test_a_search_without_collections_shows_the_newest_edition_and_old_ones_stay(client, two_tiles):
    before = client.get("/stac/collections/alps.1/items").json()["features"]
    row = two_tiles.campaign.tiles.get(tile_id=products.WEST)
    products.make_revision(row)
    row.refresh_from_db()
    moment = datetime(2023, 8, 30, tzinfo=UTC)
    settings = two_tiles.campaign.pipeline_settings
    write_item(row.current_revision.path, Tile.parse(row.tile_id), settings, {"coverage": 1.0}, [moment])
    Edition.publish(two_tiles.campaign)
    found = client.get("/stac/search").json()["features"]
    assert {item["collection"] for item in found} == {"alps.2"} and len(found) == 2
    assert client.get("/stac/collections/alps.1/items").json()["features"] == before
    assert client.get("/stac/collections/alps")["Location"].endswith("/stac/collections/alps.2")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bbox=1,2,3", "bbox"),
        ("bbox=a,b,c,d", "bbox"),
        ("bbox=0,50,10,40", "bbox"),
        ("bbox=nan,0,1,1", "bbox"),
        (f"bbox={'9' * 400},0,1,1", "bbox"),
        ("datetime=yesterday", "datetime"),
        ("datetime=2024-01-01/2023-01-01", "datetime"),
        ("limit=0", "limit"),
        ("limit=-3", "limit"),
        ("token=x", "token"),
        ("intersects=x", "intersects"),
        ('intersects={"type":"Point"}', "intersects"),
        ('intersects={"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]]]}', "intersects"),
        ('bbox=0,0,1,1&intersects={"type":"Point","coordinates":[1,1]}', "bbox"),
    ],
)
def test_a_search_that_is_none_is_refused_in_words(client, two_tiles, query, field):
    answer = client.get(f"/stac/search?{query}")
    assert answer.status_code == 400
    assert answer.json()["field"] == field and answer.json()["description"].endswith(".")


@pytest.mark.parametrize("name", ["a%00.1", "%ED%A0%80.1", "alps.9999999999", "a b.1"])
def test_a_collection_that_cannot_be_one_finds_nothing(client, two_tiles, name):
    answer = client.get(f"/stac/search?collections={name}")
    assert answer.status_code == 200 and answer.json()["features"] == []


@pytest.mark.parametrize(
    "body",
    [f'{{"bbox": [{"9" * 400}, 0, 1, 1]}}', '{"bbox": [1e999, 0, 1, 1]}'],
)
def test_numbers_beyond_all_measure_are_refused(client, two_tiles, body):
    answer = client.post("/stac/search", body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["field"] == "bbox"


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"', '{"ids": 3}', '{"collections": [1]}'])
def test_a_body_that_is_no_search_is_refused_or_finds_all(client, two_tiles, body):
    answer = client.post("/stac/search", body, content_type="application/json")
    assert answer.status_code == (200 if body == "" else 400)


def test_a_box_over_the_antimeridian_is_two(client, two_tiles):
    assert len(client.get("/stac/search?bbox=170,40,16,50").json()["features"]) == 1
    assert len(client.get("/stac/search?bbox=170,40,-170,50").json()["features"]) == 0


def test_private_campaigns_are_found_by_those_who_may_see_them(client, as_, two_tiles, customer, colleague):
    two_tiles.campaign.is_public = False
    two_tiles.campaign.owner = customer
    two_tiles.campaign.save()
    for person, count in ((None, 0), (colleague, 0), (customer, 2)):
        asked = as_()
        if person:
            asked.force_login(person)
        assert len(asked.get("/stac/search").json()["features"]) == count
        assert asked.get("/stac/collections/alps.1").status_code == (200 if count else 404)
        assert len(asked.get("/stac/collections").json()["collections"]) == bool(count)


def test_what_is_not_there_is_404(client, two_tiles):
    for path in (
        "collections/none.1",
        "collections/alps.9",
        "collections/none",
        "collections/alps.1/items/none",
    ):
        assert client.get(f"/stac/{path}").status_code == 404


def test_items_without_their_file_are_left_out(client, two_tiles):
    (two_tiles.tiles.first().revision.path / "item.json").unlink()
    assert len(client.get("/stac/search").json()["features"]) == 1


def test_the_collection_is_one_for_pystac(client, two_tiles):
    found = pystac.Collection.from_dict(client.get("/stac/collections/alps.1").json())
    assert found.extent.spatial.bboxes[0][0] < products.IN_WEST[0]
    assert {link.rel for link in found.links} >= {"items", "wmts", "tilejson", "license"}
