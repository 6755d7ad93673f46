"""A real STAC API server on loopback, asked as Earth Search and Planetary Computer are."""

import json
from datetime import date

import numpy as np
import pytest

from pipeline.catalog import download, open_catalog, read_preview, read_scene
from pipeline.catalog.http import Http
from pipeline.catalog.stac_api import StacApi
from pipeline.errors import SourceError, TransientSourceError
from pipeline.grid import Tile
from tests.pipeline.catalog.making import item, surface, write_bands

AUGUST = (date(2023, 8, 1), date(2023, 8, 31))


@pytest.fixture
def hrefs(files):
    return lambda name, counts: {
        band: files.at(path) for band, path in write_bands(files.folder / name, counts).items()
    }


def test_earth_search_and_planetary_computer_names_give_one_radiometry(stac_api, hrefs, tmp_path):
    ground = surface()
    url = stac_api([
        item(hrefs("earth", ground), day="20230810"),
        item(hrefs("planetary", ground + 1000), "planetary-computer", day="20230815"),
    ])  # fmt: skip
    catalog = open_catalog(url)
    scenes = catalog.search("33TWL", *AUGUST, 80)
    assert [scene.datetime.day for scene in scenes] == [10, 15]
    assert catalog.rejected == []
    for scene in scenes:
        local = download(scene, tmp_path / "local")
        np.testing.assert_array_equal(read_scene(local, Tile.parse("33TWL").geobox(600)), ground + 1)
        assert not np.isnan(read_preview(scene)).any()


def test_the_ends_of_the_range_count_and_the_rest_does_not(stac_api):
    times = ["2023-07-31T23:59:59Z", "2023-08-01T00:00:00Z", "2023-08-31T23:59:59Z", "2023-09-01T00:00:00Z"]
    remote = dict.fromkeys(("red", "green", "blue", "nir"), "https://host/a.tif")
    url = stac_api([
        item(remote, id=f"scene-{n}", datetime=moment, **{"s2:datatake_id": f"GS2A_2023010{n}T000000_1"})
        for n, moment in enumerate(times)
    ])  # fmt: skip
    assert [scene.id for scene in open_catalog(url).search("33TWL", *AUGUST, 80)] == ["scene-1", "scene-2"]


def test_neighbours_cloudy_scenes_and_reprocessings_are_left_out(stac_api):
    remote = dict.fromkeys(("red", "green", "blue", "nir"), "https://host/a.tif")
    url = stac_api([
        item(remote, id="wanted"),
        item(remote, id="old", **{"s2:processing_baseline": "02.14"}),
        item(remote, id="neighbour", tile="33TWM"),
        item(remote, id="cloudy", day="20230816", **{"eo:cloud_cover": 81}),
        item(remote, id="other-collection", day="20230817", collection="landsat"),
    ])  # fmt: skip
    assert [scene.id for scene in open_catalog(url).search("33TWL", *AUGUST, 80)] == ["wanted"]


def test_more_than_a_page_of_items_is_read(stac_api):
    remote = dict.fromkeys(("red", "green", "blue", "nir"), "https://host/a.tif")
    days = [f"2023{month:02d}{day:02d}" for month in range(1, 7) for day in range(1, 28)]
    url = stac_api([item(remote, day=day) for day in days])
    assert (
        len(open_catalog(url).search("33TWL", date(2023, 1, 1), date(2023, 12, 31), 80)) == len(days) == 162
    )


def test_bucket_addresses_are_told(stac_api):
    remote = dict.fromkeys(("red", "green", "blue", "nir"), "s3://sentinel-s2-l1c/tiles/33/T/WL/B04.jp2")
    content = item(remote, **{"s2:product_type": "S2MSI1C", "collection": "sentinel-2-l1c"})
    catalog = open_catalog(stac_api([content]), "L1C")
    assert catalog.search("33TWL", *AUGUST, 80) == []
    assert "S3 bucket that needs an account" in catalog.rejected[0][1]


def test_an_empty_range_is_no_error(stac_api):
    assert open_catalog(stac_api([])).search("33TWL", *AUGUST, 80) == []


def test_a_server_that_is_not_there_may_be_later():
    with pytest.raises(TransientSourceError, match="cannot be reached now"):
        StacApi("http://127.0.0.1:9/", "L2A", Http(tries=1)).search("33TWL", *AUGUST, 80)


def test_a_page_that_is_no_stac_api_is_told(files):
    (files.folder / "page").write_text("<html>hello</html>")
    (files.folder / "list").write_text('{"a": 1}')
    for name in ("page", "list"):
        with pytest.raises(SourceError, match="STAC API"):
            StacApi(files.at(name), "L2A", Http(tries=1)).search("33TWL", *AUGUST, 80)


CATALOG = {"type": "Catalog", "id": "a", "description": "d", "stac_version": "1.0.0", "links": []}
CATALOG |= {"conformsTo": ["https://api.stacspec.org/v1.0.0/core"]}


@pytest.mark.parametrize(
    "answer",
    [
        [1], 5, None, "text", {}, {"type": "Feature", "id": "x", "stac_version": "1.0.0"},
        CATALOG, CATALOG | {"conformsTo": None}, CATALOG | {"links": None},
        CATALOG | {"links": [{"rel": "x"}]},
        {name: value for name, value in CATALOG.items() if name != "id"},
    ],
)  # fmt: skip
def test_json_of_another_shape_is_told(files, answer):
    (files.folder / "api").write_text(json.dumps(answer))
    with pytest.raises(SourceError, match="does not answer as a STAC API"):
        StacApi(files.at("api"), "L2A", Http(tries=1)).search("33TWL", *AUGUST, 80)


def test_a_busy_server_may_be_later_and_a_refusal_is_final(files):
    files.mishaps += [lambda handler, content: handler.refuse(503)] * 2
    (files.folder / "api").write_text("{}")
    with pytest.raises(TransientSourceError, match="cannot be reached now"):
        StacApi(files.at("api"), "L2A", Http(tries=2, pause=0)).search("33TWL", *AUGUST, 80)
    with pytest.raises(SourceError, match="status 404") as caught:
        StacApi(files.at("nothing"), "L2A", Http(tries=1)).search("33TWL", *AUGUST, 80)
    assert not isinstance(caught.value, TransientSourceError)
