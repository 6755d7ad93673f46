"""Items of Earth Search and of Planetary Computer become the same scene."""

import copy

import pytest

from pipeline.catalog.stac import item_product, item_tile
from pipeline.errors import SourceError
from tests.pipeline.catalog.making import item

HREFS = {band: f"https://host/{band}.tif" for band in ("red", "green", "blue", "nir")}


def read(content):
    return item_product(content, lambda href: href)


def test_both_names_of_bands_give_the_same_scene():
    earth, planetary = read(item(HREFS)).scene, read(item(HREFS, "planetary-computer")).scene
    assert {band: asset.href for band, asset in earth.assets.items()} == HREFS
    assert {band: asset.href for band, asset in planetary.assets.items()} == HREFS
    assert (earth.tile, earth.datatake, earth.level) == ("33TWL", "GS2A_20230815T095031", "L2A")
    assert (planetary.tile, planetary.datatake, planetary.level) == (earth.tile, earth.datatake, earth.level)
    assert earth.assets["red"].offset == 0
    assert planetary.assets["red"].offset == pytest.approx(-0.1)


def test_jp2_assets_serve_where_they_are_all_there_is():
    content = item(HREFS)
    content["assets"] = {f"{name}-jp2": asset for name, asset in content["assets"].items()}
    assert read(content).scene.assets["nir"].href == HREFS["nir"]


@pytest.mark.parametrize(
    "properties",
    [{"s2:mgrs_tile": "01WCV"}, {"grid:code": "MGRS-1WCV"},
     {"mgrs:utm_zone": 1, "mgrs:latitude_band": "W", "mgrs:grid_square": "CV"}],
)  # fmt: skip
def test_the_tile_is_read_from_any_of_its_fields(properties):
    assert item_tile({"properties": properties}) == "01WCV"


def test_the_level_is_read_from_what_the_item_states():
    assert read(item(HREFS, **{"s2:product_type": "S2MSI1C"})).scene.level == "L1C"
    stated = {"s2:product_type": None, "collection": "sentinel-2-l1c", "id": "any"}
    assert read(item(HREFS, **stated)).scene.level == "L1C"
    uri = "S2A_MSIL1C_20230815T095031_N0509_R079_T33TWL_20230815T155057.SAFE"
    assert read(item(HREFS, **{"s2:product_type": None, "s2:product_uri": uri})).scene.level == "L1C"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"grid:code": None}, "names no tile"),
        ({"grid:code": "MGRS-33XXX"}, "names no tile"),
        ({"proj:code": "EPSG:32634"}, "EPSG:32634 is not that of its tile 33TWL"),
        ({"eo:cloud_cover": None}, "cloud cover None"),
        ({"eo:cloud_cover": 140}, "cloud cover 140"),
        ({"datetime": "yesterday"}, "datetime 'yesterday'"),
        ({"s2:processing_baseline": None}, "no processing baseline"),
        ({"id": "../up"}, "name of a folder"),
    ],
)
def test_an_item_that_lacks_something_is_refused_with_what_it_lacks(change, reason):
    with pytest.raises(SourceError, match=reason):
        read(item(HREFS, **change))


def test_a_missing_band_is_named():
    content = copy.deepcopy(item(HREFS))
    del content["assets"]["nir"]
    with pytest.raises(SourceError, match="no nir band"):
        read(content)


@pytest.mark.parametrize(
    "broken", [{}, {"id": "a", "properties": 3}, {"id": "a", "properties": {}, "assets": []}]
)
def test_what_is_no_item_is_refused(broken):
    with pytest.raises(SourceError):
        read(broken)
