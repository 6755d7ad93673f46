import json
import math

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, box, mapping

from pipeline.errors import UsageError
from pipeline.grid import tiles_of
from webapp.orders.aoi import area_km2, read_aoi

SQUARE = mapping(box(15, 45, 16, 46))
INNER = mapping(box(15.2, 45.2, 15.8, 45.8))
POINT = {"type": "Point", "coordinates": [15, 45]}


def polygon(*points):
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


def refusal(content):
    with pytest.raises(UsageError) as caught:
        read_aoi(content)
    assert caught.value.field == "aoi"
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence
    return sentence


def feature(geometry):
    return {"type": "Feature", "properties": {}, "geometry": geometry}


@pytest.mark.parametrize(
    "content",
    [
        SQUARE,
        feature(SQUARE),
        {"type": "FeatureCollection", "features": [feature(SQUARE)]},
        {
            "type": "FeatureCollection",
            "features": [feature(SQUARE), feature(mapping(box(15.2, 45.2, 15.8, 45.8)))],
        },
        {"type": "GeometryCollection", "geometries": [SQUARE]},
        mapping(MultiPolygon([box(15, 45, 15.5, 46), box(15.5, 45, 16, 46)])),
        json.dumps(SQUARE),
        b"\xef\xbb\xbf" + json.dumps(SQUARE).encode(),
        {**SQUARE, "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}},
        {"type": "Polygon", "coordinates": [[(*point, 120.5) for point in SQUARE["coordinates"][0]]]},
    ],
    ids=["polygon", "feature", "collection", "union", "geometries", "multi", "text", "bom", "crs84", "3d"],
)
def test_every_way_of_writing_a_square_gives_the_square(content):
    area = read_aoi(content)
    assert area.geom_type == "MultiPolygon"
    assert area.equals(box(15, 45, 16, 46))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (POINT, "not 'Point'"),
        ({"type": "LineString", "coordinates": [[15, 45], [16, 46]]}, "not 'LineString'"),
        ({"type": "FeatureCollection", "features": [feature(POINT)]}, "'Point'"),
        ({"type": "FeatureCollection", "features": []}, "empty"),
        ({"type": "FeatureCollection"}, "no features"),
        (feature(None), "'None'"),
        ({}, "'None'"),
        ([SQUARE], "object"),
        ("", "JSON"),
        (b"\x89PNG\xff", "JSON"),
        ("[" * 5000, "GeoJSON"),
        ({"type": "Polygon"}, "not a valid polygon"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": [[[15, 45], [16, 46]]]}, "not a valid polygon"),
        (polygon(("a", "b"), (1, 2), (3, 4)), "not a valid polygon"),
        ({"type": "Polygon", "coordinates": "15,45"}, "not a valid polygon"),
        (json.dumps(polygon((math.nan, 45), (16, 45), (16, 46))), "no number: NaN"),
        (json.dumps(polygon((15, 45), (16, 45), (16, 46))).replace("15", "1e999"), "no number"),
        (polygon((15, 45), (15, 45), (15, 45)), "empty"),
        (polygon((500000, 5e6), (600000, 5e6), (600000, 5.1e6)), "longitude and latitude"),
        (polygon((15, 91), (16, 91), (16, 92)), "longitude and latitude"),
        (polygon((10, 85), (11, 85), (11, 86)), "84 N"),
        (polygon((10, -85), (11, -85), (11, -84)), "80 S"),
        (mapping(box(-170, -60, 170, 60)), "340 degrees"),
        (mapping(box(-80, -60, 80, 60)), "km²"),
        ({**SQUARE, "crs": {"type": "name", "properties": {"name": "EPSG:32633"}}}, "EPSG:32633"),
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused_in_one_sentence(content, words):
    assert words in refusal(content)


def test_too_many_vertices_are_refused(settings):
    settings.AOI_MOST_VERTICES = 4
    assert "5 vertices" in refusal(SQUARE)


def test_the_limit_of_size_is_a_setting(settings):
    settings.AOI_MOST_KM2 = 100
    assert "100 km²" in refusal(SQUARE)


def multi(geometry):
    return {"type": "MultiPolygon", "coordinates": [geometry["coordinates"]]}


@pytest.mark.parametrize("wrapped", [dict, feature, multi])
def test_a_self_crossing_outline_is_refused_with_the_place(wrapped):
    bow_tie = polygon((15, 45), (16, 46), (16, 45), (15, 46))
    assert "crosses or touches itself at 15.5, 45.5 (longitude, latitude)" in refusal(wrapped(bow_tie))


def test_parts_of_one_area_may_overlap():
    area = read_aoi(mapping(MultiPolygon([box(15, 45, 15.6, 46), box(15.4, 45, 16, 46)])))
    assert area.equals(box(15, 45, 16, 46))


@pytest.mark.parametrize("shift", [0, 360, -360])
def test_an_area_over_the_antimeridian_lies_on_both_sides(shift):
    if shift == 0:
        content = mapping(MultiPolygon([box(179, -17, 180, -16), box(-180, -17, -179, -16)]))
    else:
        content = mapping(box(-181, -17, -179, -16) if shift == 360 else box(179, -17, 181, -16))
    area = read_aoi(content)
    assert area.bounds == (-180, -17, 180, -16)
    assert area_km2(area) == pytest.approx(23_600, rel=0.01)
    assert {tile.zone for tile in tiles_of(area)} == {1, 60}


def test_an_area_on_another_copy_of_the_world_is_brought_home():
    assert read_aoi(mapping(box(355, 45, 356, 46))).bounds == (-5, 45, -4, 46)


@given(
    st.floats(-179, 178), st.floats(-79, 82), st.floats(0.01, 1.0), st.floats(0.01, 1.0)
)  # fmt: skip
@hypothesis_settings(max_examples=40, deadline=None)
def test_boxes_come_back_as_they_are_and_have_tiles(west, south, width, height):
    drawn = box(west, south, west + width, south + height)
    area = read_aoi(mapping(drawn))
    assert area.symmetric_difference(drawn).area < 1e-9
    assert 0 < area_km2(area) < 112 * 112 * 1.01
    assert tiles_of(area)


@given(st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "coordinates", "features", "geometry"]), inner, max_size=3)
    | st.fixed_dictionaries({"type": st.sampled_from(["Polygon", "Feature"]), "coordinates": inner}),
    max_leaves=8,
))  # fmt: skip
@hypothesis_settings(max_examples=150, deadline=None)
def test_whatever_is_sent_is_an_area_or_a_sentence(content):
    try:
        assert read_aoi(json.dumps(content)).area > 0
    except UsageError as error:
        assert error.field == "aoi"
