"""Two neighbours of scenes of two dates: the overlap is neither blurred nor stepped."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from rasterio.windows import Window
from scipy.ndimage import laplace

from pipeline.assessment.edges import EdgeFigures
from pipeline.balance import Balance
from pipeline.blending import blend_window
from pipeline.catalog import open_catalog, read_scene
from pipeline.contributor import contributors
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic.blend import corrected, toned
from pipeline.ramps import Ramps
from pipeline.raster import (
    Raster,
    decode,
    encode,
    filled,
    padded,
    window_geobox,
    write_raster,
)
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World
from pipeline.tone import load_tone

WEST, EAST = Tile.parse("33UVR"), Tile.parse("33UWR")
NORTH, SOUTH = Tile.parse("33TWM"), Tile.parse("33TWL")
ALONG, ACROSS, MARGIN, FIRST = 330, 326, 90, 700
OVERLAP = 9_780 // 60
LINE = ACROSS - OVERLAP // 2
TONE = load_tone("default")


def pictures(folder, scenes, corners, whole):
    """Toned pictures of each of two corrected scenes, which are parts of their tiles, and of both.

    Of both there are two: their blend, and their mean by the same weights, which takes detail away.

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
    shown = []
    sharp = {tile.name: at_its_place(balance.of(tile), corners[tile]) for tile in scenes}
    plain = {name: replace(prepare, sharp=False) for name, prepare in sharp.items()}
    for names, prepare in (*(([name], sharp) for name in paths), (list(paths), sharp), (list(paths), plain)):
        with contributors({name: paths[name] for name in names}, prepare, Ramps()) as sources:
            shown.append(toned(blend_window(whole, sources, 4), TONE).astype(float))
    return shown


def at_its_place(correction, corner):
    """What the mosaic prepares a tile with, for a raster that is a part of it."""
    whole = corrected(correction, 60)

    def values(stored, window):
        place = Window(corner[1] + window.col_off, corner[0] + window.row_off, window.width, window.height)
        return whole.values(stored, place)

    return replace(whole, values=values, decoded=False)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """West, east and both of simulated scenes of two dates, the overlap in the middle columns."""
    return two_dates(tmp_path_factory.mktemp("simulated"), 0)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """As `simulated`, but of ground whose texture is another on each date."""
    return two_dates(tmp_path_factory.mktemp("changed"), 0.2)


def two_dates(folder, change):
    world, scenes = World(9006, WEST.name), {}
    corners = {WEST: (FIRST, 1830 - ACROSS), EAST: (FIRST, 0)}
    for tile, day in ((WEST, date(2023, 7, 10)), (EAST, date(2023, 7, 20))):
        grid = window_geobox(tile.geobox(60), Window(*corners[tile][::-1], ACROSS, ALONG))
        sky = {"cloud_cover": 0, "hazy": False, "orbit": 0, "tile": tile.name}
        reflectance = scene_arrays(world, grid, day, **sky).reflectance
        texture = 1 + np.random.default_rng(day.day).normal(0, change, (ALONG, ACROSS))
        scenes[tile] = encode(reflectance * texture), grid
    whole = window_geobox(scenes[WEST][1], Window(0, MARGIN, 2 * ACROSS - OVERLAP, ALONG - 2 * MARGIN))
    return pictures(folder, scenes, corners, whole)


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    """North, south and both of real scenes of two dates, the overlap in the middle rows."""
    catalog, scenes = open_catalog(str(shared_data / "alpine_33TWL_33TWM" / "catalog.json"), "L2A"), {}
    corners = {NORTH: (1830 - ACROSS, 165), SOUTH: (0, 165)}
    for tile, day in ((NORTH, date(2023, 8, 13)), (SOUTH, date(2023, 8, 15))):
        grid = window_geobox(tile.geobox(60), Window(*corners[tile][::-1], 1500, ACROSS))
        (scene,) = catalog.search(tile.name, day, day, 100)
        scenes[tile] = read_scene(scene, grid), grid
    whole = window_geobox(scenes[NORTH][1], Window(MARGIN, 0, 1500 - 2 * MARGIN, 2 * ACROSS - OVERLAP))
    turned = pictures(tmp_path_factory.mktemp("real"), scenes, corners, whole)
    return [picture.transpose(0, 2, 1) for picture in turned]


def sharpness(first, second, both):
    """Variance of the Laplacian of both by that of either, by band, up to 500 m from the line."""
    columns = slice(LINE - 8, LINE + 8)
    own, other, shown = (
        np.array([laplace(band)[1:-1, columns].var() for band in picture])
        for picture in (first, second, both)
    )
    return shown / (own + other) * 2


def figures(first, second, both):
    """Those of the line against what lies 180 to 480 m beside it, in windows of 30 rows."""
    found, rows = EdgeFigures(60), both.shape[1]
    rank = np.where(np.arange(both.shape[2]) < LINE, 1, 2)[None].repeat(rows, axis=0).astype(np.uint8)
    first, second, both = (picture.astype(np.float32) for picture in (first, second, both))
    for top in range(0, rows, 30):
        grown, inner = padded(Window(0, top, both.shape[2], min(30, rows - top)), found.apron, rank.shape)
        place = (slice(None), *grown.toslices())
        found.add(both[place], {1: first[place], 2: second[place]}, rank[grown.toslices()], inner)
    return found.report()


DATES = pytest.mark.parametrize("dates", ["simulated", "changed", "real"])


@DATES
def test_the_blend_is_as_sharp_as_what_it_is_made_of(dates, request):
    first, second, both, _ = request.getfixturevalue(dates)
    assert np.all(sharpness(first, second, both) >= 0.9)
    assert figures(first, second, both)["blur"] >= 0.9


@pytest.mark.parametrize("dates", ["changed", "real"])
def test_a_plain_mean_of_what_differs_would_be_found_out(dates, request):
    first, second, _, mean = request.getfixturevalue(dates)
    assert np.all(sharpness(first, second, mean) < 0.9)
    assert figures(first, second, mean)["blur_95"][1] < 0.9


@DATES
def test_the_line_between_the_tiles_cannot_be_told_from_other_ground(dates, request):
    first, second, both, _ = request.getfixturevalue(dates)
    assert 0.95 <= figures(first, second, both)["seam_score"] <= 1.05


@DATES
def test_the_means_on_both_sides_of_a_border_differ_by_at_most_a_level(dates, request):
    """The borders are those of the two tiles and the seam between them; the ground has steps of its own."""
    first, second, both, _ = (picture.mean(axis=1) for picture in request.getfixturevalue(dates))
    for border in (ACROSS - OVERLAP, LINE, ACROSS):
        shown, truth = both[:, near(border)], (first if border < ACROSS else second)[:, near(border)]
        step, own = (part[:, 5:].mean(axis=1) - part[:, :5].mean(axis=1) for part in (shown, truth))
        assert np.abs(step - own).max() <= 1, (border, step, own)


def near(border):
    """Columns up to 300 m on either side of a border."""
    return slice(border - 5, border + 5)
