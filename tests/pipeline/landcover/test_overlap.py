"""A corrected class where tiles overlap: the same on each of them, and never faded."""

from datetime import date

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from rasterio.windows import Window
from shapely.geometry import box, mapping

from pipeline import landcover
from pipeline.drawn import Drawn, agreed_codes, keep_drawn
from pipeline.grid import Tile
from pipeline.landcover.fuse import correct
from pipeline.raster import Raster, read_raster, write_raster
from pipeline.settings import CampaignSettings

RESOLUTION = 120
WEST, EAST = (Tile.parse(name) for name in ("33TUL", "33TVL"))
SHIFT = round((EAST.left - WEST.left) / RESOLUTION)
SIZE = 915
TREE, WATER, BARREN = 3, 1, 6


@pytest.fixture
def settings():
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", RESOLUTION)
    return coarse


def area(tile, rows, cols, code):
    """A rectangle of pixels of a tile with the class that it was told."""
    affine = tile.geobox(RESOLUTION).affine
    (left, top), (right, bottom) = affine @ (cols[0], rows[0]), affine @ (cols[1], rows[1])
    into = Transformer.from_crs(tile.epsg, 4326, always_xy=True)
    ground = box(left, bottom, right, top).segmentize(RESOLUTION)
    outline = shapely.transform(ground, lambda points: np.column_stack(into.transform(*points.T)))
    return {"class": code, "geometry": mapping(outline)}


@pytest.fixture
def revised(tmp_path, settings):
    """Both tiles all trees, with what was drawn on each; gives landcover and confidence of each."""

    def revised(**drawn):
        builds = {tile.name: tmp_path / tile.name for tile in (WEST, EAST)}
        for tile in (WEST, EAST):
            stored = np.zeros((6, SIZE, SIZE), np.uint8)
            stored[TREE - 1], stored[BARREN - 1] = 200, 55
            areas = drawn.get(tile.name, [])
            keep_drawn(builds[tile.name], {"classes": areas} if areas else {})
            codes = agreed_codes(
                [Drawn.read(builds[tile.name]).classes], tile.geobox(RESOLUTION), Window(0, 0, SIZE, SIZE)
            )
            correct(stored, codes)
            write_raster(builds[tile.name] / "probabilities.tif", Raster(stored, tile.geobox(RESOLUTION)))
        found = []
        for tile in (WEST, EAST):
            out = tmp_path / "r" / tile.name
            landcover.blend(tile, builds, settings, out)
            found.append([read_raster(out / f"{name}.tif").data[0] for name in ("landcover", "confidence")])
        return found

    return revised


ROWS, COLS = (300, 360), (SIZE - 70, SIZE - 2)


def test_what_was_corrected_on_one_tile_is_so_up_to_its_edge_and_on_the_other(revised):
    (west, sure), (east, sure_too) = revised(**{WEST.name: [area(WEST, ROWS, COLS, WATER)]})
    assert COLS[0] > SHIFT, "it lies where the tiles overlap"
    inside = np.zeros((SIZE, SIZE), bool)
    inside[slice(*ROWS), slice(*COLS)] = True
    assert (west[inside] == WATER).all() and (sure[inside] == 100).all()
    assert (west[~inside] == TREE).all()
    assert np.array_equal(west[:, SHIFT:], east[:, : SIZE - SHIFT])
    assert np.array_equal(sure[:, SHIFT:], sure_too[:, : SIZE - SHIFT])
    assert (sure[~inside] < 90).all()


def test_where_tiles_were_told_different_classes_both_still_agree(revised):
    on_east = (COLS[0] - SHIFT, COLS[1] - SHIFT)
    (west, _), (east, _) = revised(
        **{
            WEST.name: [area(WEST, ROWS, COLS, WATER)],
            EAST.name: [area(EAST, ROWS, on_east, BARREN)],
        }
    )
    inside = west[slice(*ROWS), slice(*COLS)]
    assert set(np.unique(inside)) <= {WATER, BARREN}
    assert np.array_equal(west[:, SHIFT:], east[:, : SIZE - SHIFT])


def test_the_last_of_one_tile_counts(revised):
    (west, _), _ = revised(
        **{WEST.name: [area(WEST, ROWS, COLS, WATER), area(WEST, ROWS, COLS, BARREN)]},
    )
    assert (west[slice(*ROWS), slice(*COLS)] == BARREN).all()
