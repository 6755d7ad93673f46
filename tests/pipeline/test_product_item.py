import json
from datetime import UTC, date, datetime

import pystac
import pytest
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.raster import RasterExtension

from pipeline.grid import Tile
from pipeline.product_item import write_item
from pipeline.settings import CampaignSettings

SETTINGS = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
REPORT = {
    "coverage": 0.99,
    "residual_cloud": 0.001,
    "seam_score": 1.1,
    "models": {"cloud": "1"},
    "inputs": {},
}
DATES = [datetime(2023, 8, 15, 10, tzinfo=UTC), datetime(2023, 8, 13, 10, tzinfo=UTC)]


def written(folder, name="33TWM", dates=DATES):
    write_item(folder, Tile.parse(name), SETTINGS, REPORT, dates)
    return pystac.Item.from_dict(json.loads((folder / "item.json").read_text()))


def test_the_item_goes_through_a_reader_and_back(tmp_path):
    item = written(tmp_path)
    again = pystac.Item.from_dict(item.to_dict(include_self_link=False, transform_hrefs=False))
    assert again.to_dict() == item.to_dict() and item.datetime is None
    assert item.properties["start_datetime"] == "2023-08-13T10:00:00Z"
    assert item.properties["end_datetime"] == "2023-08-15T10:00:00Z"
    assert item.properties["earthquilt:seam_score"] == 1.1


def test_assets_are_the_products_beside_it(tmp_path):
    item = written(tmp_path)
    hrefs = {asset.href for asset in item.assets.values()}
    assert hrefs == {"mosaic.tif", "landcover.tif", "confidence.tif", "report.json"}


def test_projection_raster_and_classification_are_told(tmp_path):
    item = written(tmp_path)
    projection = ProjectionExtension.ext(item)
    assert projection.code == "EPSG:32633" and projection.shape == [1830, 1830]
    assert projection.transform == [60, 0, 499980, 0, -60, 5200020]
    bands = RasterExtension.ext(item.assets["mosaic"]).bands
    assert len(bands) == 4 and bands[0].nodata == 0
    assert RasterExtension.ext(item.assets["confidence"]).bands[0].nodata == 255
    classes = ClassificationExtension.ext(item.assets["landcover"]).classes
    assert [kind.value for kind in classes] == [0, 1, 2, 3, 4, 5, 6]
    assert classes[1].color_hint == "3A7BD5"


def test_without_dates_the_item_spans_the_campaign(tmp_path):
    item = written(tmp_path, dates=[])
    assert item.properties["start_datetime"].startswith("2023-08-01")
    assert item.properties["end_datetime"].startswith("2023-08-31")


@pytest.mark.parametrize("name", ["01UBS", "60UXC"])
def test_over_the_antimeridian_the_box_goes_from_east_to_west(tmp_path, name):
    tile = Tile.parse(name)
    item = written(tmp_path, name)
    if len(tile.footprint.geoms) == 2:
        assert item.bbox[0] > item.bbox[2] and item.geometry["type"] == "MultiPolygon"
    else:
        assert item.bbox[0] < item.bbox[2] and item.geometry["type"] == "Polygon"
