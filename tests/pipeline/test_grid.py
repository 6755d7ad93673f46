import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely import MultiPolygon, Point, Polygon, box

from pipeline.errors import UsageError
from pipeline.grid import SIZE, Tile, tiles_of


def names(area):
    return [tile.name for tile in tiles_of(area)]


@pytest.mark.shared
def test_bounds_agree_with_the_published_tiles(shared_data):
    with (shared_data / "grid" / "s2_tiles_sample.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 400
    for row in rows:
        tile = Tile.parse(row["tile"])
        published = tuple(round(float(row[name])) for name in ("ulx", "lly", "ulx", "uly"))
        left, bottom, right, top = tile.bounds
        assert (left, bottom, right - SIZE, top) == published, tile
        assert tile.epsg == int(row["epsg"])
        assert (tile.east, tile.north) == (float(row["mgrs_e0"]), float(row["mgrs_n0"]))


@pytest.mark.parametrize("resolution", [10, 20, 60])
def test_transform_and_geobox_cover_the_tile_at_any_resolution(resolution):
    tile = Tile.parse("33TWL")
    geobox = tile.geobox(resolution)
    assert geobox.shape == (SIZE // resolution, SIZE // resolution)
    assert tuple(geobox.boundingbox) == tile.bounds
    assert tile.transform(resolution) @ (0, 0) == (499980, 5100000)


def test_names_are_read_in_the_forms_people_write():
    assert Tile.parse("t33twl") == Tile.parse(" 33TWL ") == Tile.parse("T33TWL")
    assert Tile.parse("4QFJ").name == "04QFJ"


@pytest.mark.parametrize(
    "name", ["", "33", "99TWL", "00TWL", "33IWL", "33TIL", "33TWZ", "61CAA", "33TWLX", "32TQU"]
)
def test_a_name_that_is_no_tile_is_refused_with_the_name(name):
    with pytest.raises(UsageError, match="is no tile"):
        Tile.parse(name)


def test_neighbours_in_one_zone_share_their_pixels_and_about_ten_kilometres():
    tile = Tile.parse("33UVR")
    assert [other.name for other in tile.neighbours()] == [
        "33UUQ", "33UUR", "33UUS", "33UVQ", "33UVS", "33UWQ", "33UWR", "33UWS",
    ]  # fmt: skip
    for other in tile.neighbours():
        left, bottom, right, top = tile.overlap(other)
        assert (left - tile.left) % 60 == 0 and (tile.top - top) % 60 == 0
        assert 9_700 <= min(right - left, top - bottom) <= 9_840


def test_neighbours_across_a_zone_edge_have_an_exact_overlap():
    tile = Tile.parse("31UGT")
    across = [other for other in tile.neighbours() if other.zone == 32]
    assert {"32ULC", "32UMC"} <= {other.name for other in across}
    for other in across:
        assert tile.overlap(other) is None
        mine = tile.overlap_geometry(other)
        theirs = other.overlap_geometry(tile)
        assert mine.area == pytest.approx(theirs.area, rel=5e-3)
        x, y = mine.representative_point().coords[0]
        moved = Transformer.from_crs(tile.epsg, other.epsg, always_xy=True).transform(x, y)
        assert box(*other.bounds).covers(Point(moved))


def test_neighbours_meet_across_the_equator():
    north, south = Tile.parse("33NVA"), Tile.parse("33MVV")
    assert south in north.neighbours() and north in south.neighbours()
    left, bottom, right, top = north.overlap(south)
    assert (bottom, top) == (-9780, 0) and right - left == SIZE
    assert south.overlap(north) == (left, bottom + 10_000_000, right, top + 10_000_000)


def test_neighbours_meet_across_the_antimeridian():
    names_across = {other.name for other in Tile.parse("60KZF").neighbours()}
    assert {"01KAA", "01KAB"} <= names_across
    assert "60KZF" in {other.name for other in Tile.parse("01KAB").neighbours()}


def test_rings_grow_by_neighbourhood():
    tile = Tile.parse("33UVR")
    assert len(tile.ring(1)) == 8
    assert set(tile.ring(1)) < set(tile.ring(2)) < set(tile.ring(3))
    assert tile not in tile.ring(3)


def test_a_footprint_over_the_antimeridian_is_cut_in_two():
    parts = Tile.parse("60KZF").footprint.geoms
    assert len(parts) == 2
    assert all(-180 <= x <= 180 for part in parts for x, _ in part.exterior.coords)
    assert all(part.bounds[2] - part.bounds[0] < 2 for part in parts)


def test_an_area_gives_the_tiles_it_needs():
    assert names(box(14.9, 46, 15.1, 46.2)) == ["33TVL", "33TVM", "33TWL", "33TWM"]
    assert names(box(15.5, 45.5, 15.6, 45.6)) == ["33TWL"]


def test_an_area_over_a_zone_edge_gets_tiles_of_both_zones():
    assert names(box(11.9, 48, 12.1, 48.1)) == ["32UQU", "33UTP"]


def test_an_area_over_the_antimeridian_gets_tiles_of_both_sides():
    both = MultiPolygon([box(179.9, -17, 180, -16.9), box(-180, -17, -179.9, -16.9)])
    assert names(both) == ["01KAB", "60KZG"]


def test_an_area_over_the_equator_gets_tiles_of_both_hemispheres():
    assert names(box(20, -0.1, 20.1, 0.1)) == ["34MCE", "34NCF"]


@pytest.mark.parametrize(
    ("area", "said"),
    [
        (Polygon(), "empty"),
        (Point(15, 46), "must be a polygon"),
        (box(10, 83, 11, 86), "ends at 84 N"),
        (box(10, -85, 11, -84), "ends at 84 N and 80 S"),
        (box(500000, 5000000, 500100, 5000100), "longitude and latitude"),
        (Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), "crosses or touches itself at 0.5, 0.5"),
    ],
)
def test_an_area_the_grid_cannot_serve_is_refused_with_the_reason(area, said):
    with pytest.raises(UsageError, match=said) as refused:
        tiles_of(area)
    assert refused.value.field == "aoi"


def test_an_area_of_too_many_tiles_is_refused():
    with pytest.raises(UsageError, match="more than 10 tiles"):
        tiles_of(box(0, 40, 20, 50), most=10)


@settings(max_examples=60, deadline=None)
@given(st.floats(-179.99, 179.9), st.floats(-79.9, 83.8))
def test_a_small_area_anywhere_is_covered_by_its_tiles(longitude, latitude):
    area = box(longitude, latitude, longitude + 0.01, latitude + 0.01)
    tiles = tiles_of(area)
    assert 1 <= len(tiles) <= 8
    corners = np.array(area.exterior.coords)
    for x, y in corners:
        assert any(tile.footprint.buffer(1e-6).covers(Point(x, y)) for tile in tiles)
    for tile in tiles:
        assert Tile.parse(tile.name) == tile


@settings(max_examples=40, deadline=None)
@given(st.floats(-179.9, 179.9), st.floats(-75, 80))
def test_neighbourhood_is_mutual(longitude, latitude):
    tile = tiles_of(box(longitude, latitude, longitude + 1e-4, latitude + 1e-4))[0]
    for other in tile.neighbours():
        assert tile in other.neighbours()
