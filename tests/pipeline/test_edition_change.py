"""What changed between two editions, each place counted once."""

import numpy as np
import pytest

from pipeline.edition_change import Changed, change_on_own_ground, ground_of
from pipeline.errors import SourceError
from pipeline.grid import SIZE, Tile
from pipeline.raster import Raster, write_raster

RESOLUTION = 600
PIXELS = SIZE // RESOLUTION
WEST, EAST = (Tile.parse(name) for name in ("33TUL", "33TVL"))
SHIFT = round((EAST.left - WEST.left) / RESOLUTION)


def revision(folder, tile, codes, level=100):
    geobox = tile.geobox(RESOLUTION)
    write_raster(folder / "landcover.tif", Raster(codes[None].astype(np.uint8), geobox))
    write_raster(folder / "mosaic.tif", Raster(np.full((4, PIXELS, PIXELS), level, np.uint8), geobox))
    return folder


def pair(tmp_path, tile, before, after, level=100):
    one = revision(tmp_path / f"{tile.name}-1", tile, before)
    return one, revision(tmp_path / f"{tile.name}-2", tile, after, level)


def grass():
    return np.full((PIXELS, PIXELS), 2)


def test_changes_are_counted_by_class_before_and_after(tmp_path):
    after = grass()
    after[:10, :20] = 1
    after[50:60, :5] = 0
    found = change_on_own_ground(WEST, *pair(tmp_path, WEST, grass(), after, 103))
    assert found.classes[2, 1] == 200 and found.classes[2, 0] == 50
    assert found.classes.sum() == PIXELS**2 and found.moved == PIXELS**2
    assert found.pixel_area == RESOLUTION**2
    assert (Changed.from_json(found.to_json()).classes == found.classes).all()


def test_two_levels_do_not_count_as_moved(tmp_path):
    assert change_on_own_ground(WEST, *pair(tmp_path, WEST, grass(), grass(), 102)).moved == 0


def test_where_tiles_overlap_the_first_by_name_counts(tmp_path):
    whole = np.full((PIXELS, PIXELS), 1)
    found = {
        tile: change_on_own_ground(tile, *pair(tmp_path, tile, grass(), whole), [WEST, EAST])
        for tile in (WEST, EAST)
    }
    assert found[WEST].classes[2, 1] == PIXELS**2
    assert found[EAST].classes[2, 1] == PIXELS * SHIFT
    alone = change_on_own_ground(EAST, *pair(tmp_path, EAST, grass(), whole), [EAST])
    assert alone.classes[2, 1] == PIXELS**2


def test_across_zones_a_place_is_counted_once(tmp_path):
    other = next(tile for tile in Tile.parse("32TQR").neighbours() if tile.zone == 33)
    tile = Tile.parse("32TQR")
    first, second = sorted((tile, other), key=lambda one: one.name)
    whole = np.full((PIXELS, PIXELS), 1)
    found = change_on_own_ground(second, *pair(tmp_path, second, grass(), whole), [first])
    ground = ground_of(first, second.epsg).intersection(ground_of(second, second.epsg))
    expected = PIXELS**2 - ground.area / RESOLUTION**2
    assert ground.area > 0 and found.classes[2, 1] == pytest.approx(expected, abs=2 * PIXELS)


def test_a_missing_file_and_another_grid_are_told(tmp_path):
    one, other = pair(tmp_path, WEST, grass(), grass())
    with pytest.raises(SourceError, match="different grids"):
        change_on_own_ground(WEST, one, revision(tmp_path / "x", EAST, grass()))
    (other / "landcover.tif").unlink()
    with pytest.raises(SourceError):
        change_on_own_ground(WEST, one, other)
