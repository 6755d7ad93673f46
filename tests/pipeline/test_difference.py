"""What changed between two revisions of a tile."""

import numpy as np
import pytest

from pipeline.difference import difference, largest_patch
from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.raster import Raster, write_raster

TILE = Tile.parse("33TWL")
RESOLUTION = 600
PATCH_OF_A_PIXEL = 36.0


def write(folder, mosaic, classes, resolution=RESOLUTION):
    geobox = TILE.geobox(resolution)
    write_raster(folder / "mosaic.tif", Raster(mosaic, geobox), nodata=0)
    write_raster(folder / "landcover.tif", Raster(classes[None], geobox), nodata=0)
    return folder


@pytest.fixture
def plain(tmp_path):
    mosaic = np.full((4, 183, 183), 100, np.uint8)
    classes = np.full((183, 183), 2, np.uint8)
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    return tmp_path / "before", tmp_path / "after", mosaic, classes


def test_what_is_equal_has_no_difference(plain):
    before, after, mosaic, classes = plain
    found = difference(write(before, mosaic, classes), write(after, mosaic, classes))
    assert (found.moved, found.reclassed, found.patch) == (0, 0, 0)
    assert found.classes[2, 2] == 183**2 == found.classes.sum()
    assert found.is_small


def test_two_levels_are_not_counted_and_three_are(plain):
    before, after, mosaic, classes = plain
    write(before, mosaic, classes)
    other = mosaic.copy()
    other[1, 0, :] += 2
    other[3, 1, :] -= 3
    found = difference(before, write(after, other, classes))
    assert found.moved == pytest.approx(1 / 183)


def test_a_hole_that_comes_or_goes_has_moved(plain):
    before, after, mosaic, classes = plain
    dark = np.full_like(mosaic, 1)
    write(before, dark, classes)
    holed = dark.copy()
    holed[:, :10, :10] = 0
    assert difference(before, write(after, holed, classes)).moved == pytest.approx(100 / 183**2)


def test_classes_are_counted_by_pairs_and_patches_by_area(plain):
    before, after, mosaic, classes = plain
    write(before, mosaic, classes)
    other = classes.copy()
    other[5:7, 5:7] = 3
    other[50, 50] = 1
    found = difference(before, write(after, mosaic, other))
    assert found.classes[2, 3] == 4 and found.classes[2, 1] == 1
    assert found.patch == pytest.approx(4 * PATCH_OF_A_PIXEL)
    assert found.reclassed == pytest.approx(5 / 183**2)
    assert not found.is_small
    assert found.to_json()["classes"][2][3] == 4


def test_pixels_that_touch_by_a_corner_alone_are_two_patches():
    cells = np.zeros((4, 4), bool)
    cells[0, 0] = cells[1, 1] = True
    assert largest_patch(cells) == 1


def test_other_grids_are_refused(plain):
    before, after, mosaic, classes = plain
    write(before, mosaic, classes)
    small = np.full((4, 366, 366), 100, np.uint8)
    write(after, small, np.full((366, 366), 2, np.uint8), 300)
    with pytest.raises(SourceError, match="different grids"):
        difference(before, after)
