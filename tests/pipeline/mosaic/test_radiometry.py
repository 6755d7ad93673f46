import numpy as np
import pytest

from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic.radiometry import Nodes, SmoothCorrection, fit, scene_corrections
from pipeline.raster import windows

GRID = Tile.parse("33TWM").geobox(300)


def ground(seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.uniform(0.5, 2.5, GRID.shape)
    return np.array([0.05, 0.06, 0.04, 0.25])[:, None, None] * kind[None] + 0.01


def cells(reflectance, use=None):
    sums = CellSums(GRID)
    assert len(list(windows(GRID.shape.yx))) == 1
    sums.add(reflectance, np.ones(GRID.shape, bool) if use is None else use, GRID)
    return sums.cells()


def tilted(reflectance):
    """Darker by 2 % from west to east, with haze that grows to the south by 0.006 in all bands."""
    rows, cols = (np.linspace(0, 1, length) for length in GRID.shape)
    return reflectance * (1.05 - 0.02 * cols) + 0.006 * rows[:, None]


def test_a_smooth_difference_is_taken_off_everywhere():
    made = ground()
    found = fit(cells(made), cells(tilted(made)), Nodes.over(GRID))
    error = found.apply(tilted(made).astype(np.float32), GRID) / made - 1
    assert np.abs(np.median(error, axis=(1, 2))).max() < 0.002
    blocks = error[:, :360, :360].reshape(4, 6, 60, 6, 60).mean(axis=(2, 4))
    assert np.abs(blocks).max() < 0.02


def test_a_fifth_of_the_ground_that_changed_does_not_draw_the_correction_away():
    made, other = ground(), tilted(ground())
    patches = np.random.default_rng(5).random((31, 31)) < 0.2
    changed = patches.repeat(12, axis=0).repeat(12, axis=1)[: GRID.shape[0], : GRID.shape[1]]
    other[:, changed] *= np.array([2.0, 1.6, 1.4, 0.7])[:, None]
    found = fit(cells(made), cells(other), Nodes.over(GRID))
    error = found.apply(tilted(made).astype(np.float32), GRID) / made - 1
    assert np.abs(np.median(error, axis=(1, 2))).max() < 0.01


def test_scenes_that_share_no_ground_and_the_first_stay_as_they_are():
    west = np.zeros(GRID.shape, bool)
    west[:, :100] = True
    found = scene_corrections([cells(ground(), west), cells(ground() * 1.2, ~west)], GRID)
    assert not found[0].changes and not found[1].changes


def test_a_scene_is_led_to_the_first_over_one_between():
    rows = np.arange(GRID.shape[1])[None, :] * np.ones((GRID.shape[0], 1))
    west, middle, east = rows < 150, (rows > 100) & (rows < 260), rows > 210
    scenes = [cells(ground(), west), cells(ground() * 1.1, middle), cells(ground() * 0.9, east)]
    gains = [one.to_json()["gain"] for one in scene_corrections(scenes, GRID)]
    assert gains[0] == [1, 1, 1, 1]
    made = ground()[:, :, 280:].astype(np.float32)
    last = scene_corrections(scenes, GRID)[2].apply((ground() * 0.9).astype(np.float32), GRID)[:, :, 280:]
    np.testing.assert_allclose(np.median(last / made, axis=(1, 2)), 1, atol=0.01)


def test_a_correction_does_not_depend_on_the_window():
    nodes = Nodes.over(GRID)
    rng = np.random.default_rng(1)
    made = SmoothCorrection(
        nodes, rng.uniform(0.9, 1.1, (4, *nodes.shape)), rng.normal(0, 0.01, (4, *nodes.shape))
    )
    values = ground().astype(np.float32)
    whole, part = made.apply(values, GRID), made.apply(values[:, 37:80, 200:], GRID[37:80, 200:])
    np.testing.assert_allclose(part, whole[:, 37:80, 200:], rtol=1e-6)


def test_in_the_south_the_nodes_lie_where_the_tile_is():
    south = Tile.parse("33LWC").geobox(300)
    sums = CellSums(south)
    sums.add(ground()[:, : south.shape[0], : south.shape[1]], np.ones(south.shape, bool), south)
    first = sums.cells()
    sums = CellSums(south)
    rows = np.linspace(0, 1, south.shape[0])[:, None]
    hazy = ground() + 0.01 * rows
    sums.add(hazy, np.ones(south.shape, bool), south)
    found = fit(first, sums.cells(), Nodes.over(south))
    fixed = found.apply(hazy.astype(np.float32), south) - ground()
    assert np.abs(np.median(fixed[0, :60])) < 1e-3 and np.abs(np.median(fixed[0, -60:])) < 1e-3


@pytest.mark.parametrize("name", ["gain", "offset", "gain_range", "offset_range"])
def test_the_report_has_a_figure_for_each_band(name):
    assert len(SmoothCorrection.identity(Nodes.over(GRID)).to_json()[name]) == 4
