from types import SimpleNamespace

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.evidence import CLEAR, DOUBTFUL, HOLE
from pipeline.mosaic.series import CORE, EDGE, SUSPECT, suspicion
from pipeline.mosaic.shade import ALONE, ASKED, DARK, DARK_SUSPECT, IN_SHADOW, LASTING, asked, judged
from pipeline.mosaic.views import _shown_dark
from pipeline.sketch import CellGrid

WATER, SHADED_WATER, CLOUD = (0.05, 0.06, 0.06, 0.04), (0.02, 0.028, 0.034, 0.012), (0.45, 0.45, 0.45, 0.5)


def judged_of(colours, levels, shaded):
    """The levels of the dates of one cell with these colours."""
    views = np.array(colours, np.float32)[:, :, None, None]
    before, dark = np.array(levels, np.uint8)[:, None, None], np.array(shaded)[:, None, None]
    told = asked(before, dark, np.ones((1, 1), bool))
    told += suspicion(views, told > 0)[0]
    return [int(judged(level, one)[0, 0]) for level, one in zip(before, told, strict=True)]


def test_of_dates_in_shadow_the_one_that_another_speaks_against_serves_last():
    assert judged_of([WATER, WATER], [HOLE, HOLE], [True, True]) == [DARK, DARK]
    assert judged_of([WATER, SHADED_WATER], [HOLE, HOLE], [True, True]) == [DARK, DARK_SUSPECT]
    assert judged_of([CLOUD, WATER], [HOLE, HOLE], [True, True]) == [DARK_SUSPECT, DARK]


def test_a_lone_view_in_doubt_is_held_against_dates_in_shadow():
    assert judged_of([CLOUD, WATER], [DOUBTFUL, HOLE], [False, True]) == [SUSPECT, DARK]
    assert judged_of([WATER, SHADED_WATER], [DOUBTFUL, HOLE], [False, True]) == [DOUBTFUL, HOLE]
    assert judged_of([WATER, WATER], [SUSPECT, HOLE], [False, True]) == [DOUBTFUL, DARK]


def test_a_view_that_clear_dates_were_held_against_keeps_its_level():
    levels = judged_of([CLOUD, CLOUD, WATER], [DOUBTFUL, DOUBTFUL, HOLE], [False, False, True])
    assert levels[:2] == [DOUBTFUL, DOUBTFUL]


def test_nothing_is_asked_where_a_date_is_clear_or_only_one_shows_anything():
    level = np.array([[[HOLE, CLEAR]], [[HOLE, HOLE]]], np.uint8)
    shaded = np.array([[[True, False]], [[False, True]]])
    told = asked(level, shaded, np.array([[True, False]]))
    assert not told.any()
    both = asked(level[:, :, :1], np.ones((2, 1, 1), bool), np.ones((1, 1), bool))
    assert np.all(both == ASKED | IN_SHADOW | ALONE | LASTING)


def test_suspicion_spreads_to_less_sure_views_in_shadow_beside():
    told = np.full((1, 4), ASKED | IN_SHADOW | LASTING, np.uint8)
    told[0] += np.array([CORE, EDGE, 0, EDGE], np.uint8)
    assert judged(np.zeros((1, 4), np.uint8), told).tolist() == [[DARK_SUSPECT, DARK_SUSPECT, DARK, DARK]]


def test_the_pixels_of_dark_cells_are_shown_in_windows_that_cut_cells():
    grid = CellGrid.of(GeoBox((30, 30), Affine(20, 0, 0, 0, -20, 600), "EPSG:32633"))
    level = np.zeros((10, 10), np.uint8)
    level[2, 3], level[4, 5], level[6, 7] = DARK, DARK_SUSPECT, DARK_SUSPECT
    rank = np.ones((10, 10), np.uint8)
    rank[6, 7] = 2
    view, assembly = SimpleNamespace(level=level, rank=1), SimpleNamespace(grid=grid, rank=rank)
    whole = np.zeros((30, 30), bool)
    whole[6:9, 9:12] = whole[12:15, 15:18] = True
    for window in (Window(0, 0, 30, 30), Window(10, 7, 7, 8)):
        np.testing.assert_array_equal(_shown_dark(view, assembly, window), whole[window.toslices()])
