"""Places that are worth a look."""

import numpy as np
import pytest
from pyproj import Transformer

from pipeline.grid import Tile
from pipeline.raster import Raster, write_raster
from pipeline.trouble import MOST_SPOTS, find_spots

TILE = Tile.parse("33TWL")
RESOLUTION = 60
SIDE = 1830
# Four by four cells of eleven pixels.
SQUARE = (slice(605, 649), slice(902, 946))


def products(folder, *, hole=None, sure=None, kind=3, doubt=None, value=100):
    geobox = TILE.geobox(RESOLUTION)
    provenance = np.ones((2, SIDE, SIDE), np.uint8)
    confidence = np.full((1, SIDE, SIDE), 90, np.uint8)
    if hole:
        provenance[(slice(None), *hole)] = 0
        confidence[(0, *hole)] = 255
    if sure:
        provenance[(1, *sure)] = kind
    if doubt:
        confidence[(0, *doubt)] = 20
    folder.mkdir(exist_ok=True)
    write_raster(folder / "provenance.tif", Raster(provenance, geobox))
    write_raster(folder / "confidence.tif", Raster(confidence, geobox), nodata=255)
    write_raster(folder / "mosaic.tif", Raster(np.full((4, SIDE, SIDE), value, np.uint8), geobox), nodata=0)
    return folder


def middle(rows, cols):
    there = (cols.start + cols.stop) / 2, (rows.start + rows.stop) / 2
    x, y = TILE.geobox(RESOLUTION).affine @ there
    return Transformer.from_crs(TILE.epsg, 4326, always_xy=True).transform(x, y)


def test_a_tile_without_trouble_has_no_spots(tmp_path):
    folder = products(tmp_path / "calm")
    assert find_spots(folder, folder) == []


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ({"hole": SQUARE}, "hole"),
        ({"sure": SQUARE, "kind": 3}, "haze"),
        ({"sure": SQUARE, "kind": 2}, "doubt"),
        ({"doubt": SQUARE}, "classes"),
    ],
)
def test_each_trouble_is_found_where_it_is(tmp_path, trouble, kind):
    folder = products(tmp_path / "tile", **trouble)
    (spot,) = find_spots(folder, folder)
    lon, lat = middle(*SQUARE)
    west, south, east, north = spot.box
    assert spot.kind == kind and west < lon < east and south < lat < north
    assert abs(spot.lon - lon) < 0.03 and abs(spot.lat - lat) < 0.03
    assert spot.hectares == pytest.approx(44 * 44 * 0.36)


def test_the_weightiest_comes_first_and_not_all_are_told(tmp_path):
    folder = products(tmp_path / "tile", hole=(slice(0, 12), slice(0, 12)), doubt=SQUARE)
    assert [spot.kind for spot in find_spots(folder, folder)] == ["classes", "hole"]
    many = products(tmp_path / "many", hole=(slice(0, None, 45), slice(0, None, 45)))
    assert len(find_spots(many, many)) <= MOST_SPOTS


def test_what_moved_since_another_revision_is_a_spot(tmp_path):
    before, after = products(tmp_path / "before"), products(tmp_path / "after", value=110)
    kinds = {spot.kind for spot in find_spots(after, after, before)}
    assert kinds == {"change"}
