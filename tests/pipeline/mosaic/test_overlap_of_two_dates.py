"""Two neighbours of simulated scenes of two dates: the overlap is neither blurred nor stepped."""

from datetime import date

import numpy as np
import pytest
from rasterio.windows import Window
from scipy.ndimage import laplace

from pipeline.balance import Balance
from pipeline.blending import Prepare, blend_window, contributors
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic.blend import toned
from pipeline.ramps import Ramps
from pipeline.raster import (
    QUANTIFICATION,
    Raster,
    encode,
    filled,
    geobox_of,
    opened,
    window_geobox,
    write_raster,
)
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World
from pipeline.tone import load_tone

WEST, EAST = Tile.parse("33UVR"), Tile.parse("33UWR")
DATES = {WEST.name: date(2023, 7, 10), EAST.name: date(2023, 7, 20)}
ROWS, COLS, MARGIN, FIRST_ROW = 330, 326, 90, 700
OVERLAP = (WEST.left + 109_800 - EAST.left) // 60
TONE = load_tone("default")


@pytest.fixture(scope="module")
def overlap(tmp_path_factory):
    """Toned pictures of the west, the east and their blend around the overlap, away from its ends."""
    folder, world = tmp_path_factory.mktemp("dates"), World(9006, WEST.name)
    paths, cells, corner = {}, {}, {WEST.name: 1830 - COLS, EAST.name: 0}
    for tile in (WEST, EAST):
        grid = window_geobox(tile.geobox(60), Window(corner[tile.name], FIRST_ROW, COLS, ROWS))
        scene = scene_arrays(
            world, grid, DATES[tile.name], cloud_cover=0, hazy=False, orbit=0, tile=tile.name
        )
        paths[tile.name] = folder / f"{tile.name}.tif"
        write_raster(paths[tile.name], Raster(encode(scene.reflectance), grid), nodata=0)
        sums = CellSums(grid)
        sums.add(scene.reflectance, np.isfinite(scene.reflectance).all(axis=0), grid)
        cells[tile.name] = sums.cells()
    balance = Balance(cells)
    prepare = {tile.name: at_its_place(balance.of(tile), corner[tile.name]) for tile in (WEST, EAST)}
    with opened(paths[WEST.name]) as west:
        whole = window_geobox(geobox_of(west), Window(0, MARGIN, 2 * COLS - OVERLAP, ROWS - 2 * MARGIN))
    pictures = {}
    for names in ((WEST.name,), (EAST.name,), (WEST.name, EAST.name)):
        with contributors({name: paths[name] for name in names}, prepare, Ramps()) as sources:
            pictures["+".join(names)] = toned(blend_window(whole, sources, 4), TONE).astype(float)
    return list(pictures.values())


def at_its_place(correction, first_col):
    """Corrected reflectance of a raster that is a part of its tile."""

    def values(stored, window):
        south = (FIRST_ROW + window.row_off + 0.5 + np.arange(window.height)) * 60.0
        east = (first_col + window.col_off + 0.5 + np.arange(window.width)) * 60.0
        return correction.apply((stored.astype(np.float64) - 1) / QUANTIFICATION, south, east)

    return Prepare(filled, values)


def detail(picture):
    """Variance of the Laplacian by band."""
    return np.array([laplace(band)[1:-1, 1:-1].var() for band in picture])


def test_the_blend_is_as_sharp_as_what_it_is_made_of(overlap):
    common = slice(None), slice(None), slice(COLS - OVERLAP, COLS)
    west, east, both = (detail(picture[common]) for picture in overlap)
    assert np.all(both >= 0.9 * (west + east) / 2)


def test_the_means_on_both_sides_of_a_border_differ_by_at_most_a_level(overlap):
    west, east, both = (picture.mean(axis=1) for picture in overlap)
    pixels = 300 // 60
    for border in (COLS - OVERLAP, COLS - OVERLAP // 2, COLS):
        sides = slice(border - pixels, border), slice(border, border + pixels)
        here = [both[:, side].mean(axis=1) for side in sides]
        ground = west if border < COLS else east
        without = [ground[:, side].mean(axis=1) for side in sides]
        step = (here[1] - here[0]) - (without[1] - without[0])
        assert np.abs(step).max() <= 1, border
