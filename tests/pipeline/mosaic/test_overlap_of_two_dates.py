"""Two neighbours of scenes of two dates: the overlap is neither blurred nor stepped."""

from datetime import date

import numpy as np
import pytest
from rasterio.windows import Window
from scipy.ndimage import laplace

from pipeline.balance import Balance
from pipeline.blending import blend_window
from pipeline.catalog import open_catalog, read_scene
from pipeline.contributor import Prepare, contributors
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic.blend import toned
from pipeline.ramps import Ramps
from pipeline.raster import QUANTIFICATION, Raster, decode, encode, filled, window_geobox, write_raster
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World
from pipeline.tone import load_tone

WEST, EAST = Tile.parse("33UVR"), Tile.parse("33UWR")
NORTH, SOUTH = Tile.parse("33TWM"), Tile.parse("33TWL")
ALONG, ACROSS, MARGIN, FIRST = 330, 326, 90, 700
OVERLAP = 9_780 // 60
TONE = load_tone("default")


def pictures(folder, scenes, corners, whole):
    """Toned pictures of each of two corrected scenes, which are parts of their tiles, and of their blend.

    Args:
        folder: to write to.
        scenes: stored reflectance and its grid by tile.
        corners: first row and column in its tile of each.
        whole: the grid of the pictures.
    """
    paths, cells = {}, {}
    for tile, (stored, grid) in scenes.items():
        paths[tile.name] = folder / f"{tile.name}.tif"
        write_raster(paths[tile.name], Raster(stored, grid), nodata=0)
        sums = CellSums(grid)
        sums.add(decode(stored), filled(stored), grid)
        cells[tile.name] = sums.cells()
    balance = Balance(cells)
    prepare = {tile.name: at_its_place(balance.of(tile), corners[tile]) for tile in scenes}
    shown = []
    for names in (*([name] for name in paths), list(paths)):
        with contributors({name: paths[name] for name in names}, prepare, Ramps()) as sources:
            shown.append(toned(blend_window(whole, sources, 4), TONE).astype(float))
    return shown


def at_its_place(correction, corner):
    """Corrected reflectance of a raster that is a part of its tile."""

    def values(stored, window):
        south = (corner[0] + window.row_off + 0.5 + np.arange(window.height)) * 60.0
        east = (corner[1] + window.col_off + 0.5 + np.arange(window.width)) * 60.0
        return correction.apply((stored.astype(np.float64) - 1) / QUANTIFICATION, south, east)

    return Prepare(filled, values, sharp=True)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """West, east and blend of simulated scenes of two dates, the overlap in the middle columns."""
    world, scenes = World(9006, WEST.name), {}
    corners = {WEST: (FIRST, 1830 - ACROSS), EAST: (FIRST, 0)}
    for tile, day in ((WEST, date(2023, 7, 10)), (EAST, date(2023, 7, 20))):
        grid = window_geobox(tile.geobox(60), Window(*corners[tile][::-1], ACROSS, ALONG))
        sky = {"cloud_cover": 0, "hazy": False, "orbit": 0, "tile": tile.name}
        scenes[tile] = encode(scene_arrays(world, grid, day, **sky).reflectance), grid
    whole = window_geobox(scenes[WEST][1], Window(0, MARGIN, 2 * ACROSS - OVERLAP, ALONG - 2 * MARGIN))
    return pictures(tmp_path_factory.mktemp("simulated"), scenes, corners, whole)


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    """North, south and blend of real scenes of two dates, the overlap in the middle rows."""
    catalog, scenes = open_catalog(str(shared_data / "alpine_33TWL_33TWM" / "catalog.json"), "L2A"), {}
    corners = {NORTH: (1830 - ACROSS, 165), SOUTH: (0, 165)}
    for tile, day in ((NORTH, date(2023, 8, 13)), (SOUTH, date(2023, 8, 15))):
        grid = window_geobox(tile.geobox(60), Window(*corners[tile][::-1], 1500, ACROSS))
        (scene,) = catalog.search(tile.name, day, day, 100)
        scenes[tile] = read_scene(scene, grid), grid
    whole = window_geobox(scenes[NORTH][1], Window(MARGIN, 0, 1500 - 2 * MARGIN, 2 * ACROSS - OVERLAP))
    turned = pictures(tmp_path_factory.mktemp("real"), scenes, corners, whole)
    return [picture.transpose(0, 2, 1) for picture in turned]


def detail(picture):
    """Variance of the Laplacian by band."""
    return np.array([laplace(band)[1:-1, 1:-1].var() for band in picture])


@pytest.mark.parametrize("dates", ["simulated", "real"])
def test_the_blend_is_as_sharp_as_what_it_is_made_of(dates, request):
    common = slice(None), slice(None), slice(ACROSS - OVERLAP, ACROSS)
    first, second, both = (detail(picture[common]) for picture in request.getfixturevalue(dates))
    assert np.all(both >= 0.9 * (first + second) / 2), both / (first + second) * 2


@pytest.mark.parametrize("dates", ["simulated", "real"])
def test_the_means_on_both_sides_of_a_border_differ_by_at_most_a_level(dates, request):
    """The borders are those of the two tiles and the seam between them; the ground has steps of its own."""
    first, second, both = (picture.mean(axis=1) for picture in request.getfixturevalue(dates))
    for border in (ACROSS - OVERLAP, ACROSS - OVERLAP // 2, ACROSS):
        shown, truth = both[:, near(border)], (first if border < ACROSS else second)[:, near(border)]
        step, own = (part[:, 5:].mean(axis=1) - part[:, :5].mean(axis=1) for part in (shown, truth))
        assert np.abs(step - own).max() <= 1, (border, step, own)


def near(border):
    """Columns up to 300 m on either side of a border."""
    return slice(border - 5, border + 5)
