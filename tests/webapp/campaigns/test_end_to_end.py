"""The real scenes behind a real STAC API: ordered through the API, made by a worker, drawn as map tiles."""

import io
import json
from types import SimpleNamespace

import morecantile
import numpy as np
import pytest
from PIL import Image

from pipeline.public_address import Exceptions
from pipeline.raster import read_raster
from tests.file_server import file_server
from tests.stac_server import stac_server
from webapp.campaigns.models import Campaign, Edition
from webapp.campaigns.worker import SWEEP_KEY, make_worker

pytestmark = pytest.mark.django_db(transaction=True)

TILES = ["33TWL", "33TWM"]
LAYERS = ("rgb", "nir", "landcover", "confidence", "provenance")
SETTINGS = {
    "start": "2023-08-01",
    "end": "2023-08-31",
    "max_cloud": 80,
    "resolution": 60,
    "agree_datatakes": True,
}
SEAM = (15.6, 46.0)
BOTH_TILES = {
    "type": "Polygon",
    "coordinates": [[[15.2, 45.8], [16.0, 45.8], [16.0, 46.3], [15.2, 46.3], [15.2, 45.8]]],
}


@pytest.fixture
def stac_api(shared_data, stac_database):
    """The published items in a real STAC API, their files behind a web server; gives the API's address."""
    alpine = shared_data / "alpine_33TWL_33TWM"
    with file_server(alpine) as files, stac_server(stac_database) as server:
        items = []
        for path in sorted(alpine.glob("*/*.json")):
            item = json.loads(path.read_text()) | {"collection": "sentinel-2-l2a", "links": []}
            for asset in item["assets"].values():
                asset["href"] = files.at((path.parent / asset["href"]).resolve())
            items.append(item)
        assert len(items) == 10
        yield server.put(items)


@pytest.fixture
def whole(settings, storage, queues, stac_api, customer, operator, as_, client):
    """The order as placed, after a worker has worked until there is nothing left to do."""
    settings.PUBLIC_ADDRESS_EXCEPTIONS = Exceptions.of(["127.0.0.1"])
    settings.RQ_QUEUES = {
        name: queue | {"DEFAULT_TIMEOUT": 900} for name, queue in settings.RQ_QUEUES.items()
    }
    made = as_(operator).post(
        "/api/campaigns/",
        {"name": "Alpine", "catalog": stac_api, "settings": SETTINGS, "is_public": True},
        format="json",
    )
    assert made.status_code == 201, made.content
    slug = made.json()["slug"]
    asked = {"campaign": slug, "aoi": BOTH_TILES}
    placed = as_(customer).post("/api/orders/", asked, format="json")
    assert placed.status_code == 201, placed.content
    queues["cpu"].connection.set(SWEEP_KEY, "the test")
    make_worker(list(queues)).work(burst=True, logging_level="ERROR")
    published = as_(operator).post(f"/api/campaigns/{slug}/editions/", {}, format="json")
    assert published.status_code == 201, published.content
    order = as_(customer).get(f"/api/orders/{placed.json()['id']}/").json()
    return SimpleNamespace(slug=slug, order=order, client=client)


def test_real_scenes_are_ordered_made_and_served(whole):
    assert whole.order["status"] == "ready", whole.order
    assert whole.order["tiles"] == TILES
    campaign = Campaign.objects.get(slug=whole.slug)
    for row in campaign.tiles.select_related("current_build", "current_revision"):
        assert 2 <= len(row.current_build.report["scenes"]) <= 3
        assert row.current_build.report["bytes_fetched"] > 1_000_000
        assert row.current_build.report["coverage"] > 0.99
        listed = json.loads((row.current_build.path / "scene_list.json").read_text())
        assert listed["proof"]["region"]["tiles"] == 2 and listed["proof"]["optimal"]
        assert listed["proof"]["region"]["levels"]["strangers"] == {"value": 0, "bound": 0}
    check_the_overlap(campaign)
    check_the_map_tiles(whole)


def check_the_overlap(campaign):
    revisions = {row.tile_id: row.current_revision.path for row in campaign.tiles.all()}
    for product in ("mosaic.tif", "landcover.tif", "confidence.tif"):
        south, north = (read_raster(revisions[name] / product).data for name in TILES)
        assert (south[:, :163] == north[:, -163:]).all()


def check_the_map_tiles(whole):
    edition = Edition.objects.get(campaign__slug=whole.slug).number
    for zoom in (8, 11):
        place = morecantile.tms.get("WebMercatorQuad").tile(*SEAM, zoom)
        for layer in LAYERS:
            address = f"/tiles/{whole.slug}/{edition}/{layer}/{zoom}/{place.x}/{place.y}.png"
            answer = whole.client.get(address)
            assert answer.status_code == 200, address
            content = answer.getvalue() if answer.streaming else answer.content
            picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))
            assert picture.shape == (256, 256, 4)
            assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 1, address
    assert whole.client.get(f"/tiles/{whole.slug}/latest/rgb/tilejson.json").status_code == 302
