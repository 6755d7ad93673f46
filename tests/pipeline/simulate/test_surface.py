import datetime as dt

import numpy as np
import pytest
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.simulate import World, surface

SUMMER, AUTUMN = dt.date(2023, 7, 15), dt.date(2023, 10, 10)


def overlap_slices(
    one: Tile, other: Tile, resolution: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the common ground of two tiles of one zone lies in each of them."""
    left, bottom, right, top = one.overlap(other)

    def slices(tile: Tile) -> tuple[slice, slice]:
        rows = slice((tile.top - top) // resolution, (tile.top - bottom) // resolution)
        return rows, slice((left - tile.left) // resolution, (right - tile.left) // resolution)

    return slices(one), slices(other)


@pytest.mark.parametrize("seed", [1, 2, 77])
def test_a_tile_has_all_six_classes_in_sensible_shares(seed):
    classes = surface(World(seed, "33TWL"), Tile.parse("33TWL").geobox(240)).classes
    shares = np.bincount(classes.ravel(), minlength=7) / classes.size
    assert shares[0] == 0
    for code, (low, high) in enumerate([(3, 18), (30, 60), (15, 40), (4, 13), (1, 7), (4, 18)], start=1):
        assert low <= 100 * shares[code] <= high, f"class {code}: {100 * shares[code]:.1f} %"


@pytest.mark.parametrize("other", ["33TXL", "33TWM"])
@pytest.mark.parametrize("resolution", [60, 20])
def test_neighbours_of_one_zone_share_their_ground_to_the_bit(other, resolution):
    world, one, other = World(5, "33TWL"), Tile.parse("33TWL"), Tile.parse(other)
    here, there = overlap_slices(one, other, resolution)
    rows, columns = (slice(s.start, min(s.stop, s.start + 200)) for s in here)
    first = surface(world, one.geobox(resolution)[rows, columns])
    rows, columns = (slice(s.start, min(s.stop, s.start + 200)) for s in there)
    second = surface(world, other.geobox(resolution)[rows, columns])
    assert first.classes.shape[0] > 100
    np.testing.assert_array_equal(first.reflectance, second.reflectance)
    np.testing.assert_array_equal(first.classes, second.classes)


def test_a_window_is_a_part_of_the_whole_to_the_bit():
    world, box = World(5, "33TWL"), Tile.parse("33TWL").geobox(60)[300:900, 200:700]
    whole, part = surface(world, box), surface(world, box[213:461, 97:333])
    np.testing.assert_array_equal(whole.reflectance[:, 213:461, 97:333], part.reflectance)
    np.testing.assert_array_equal(whole.classes[213:461, 97:333], part.classes)


def test_the_ground_is_the_same_place_on_earth_across_a_zone_edge():
    world, home, abroad = World(5, "33TWL"), Tile.parse("33TVL"), Tile.parse("32TQR")
    middle = home.geobox(20).pix2wld(150, 2700)
    x, y = Transformer.from_crs(home.epsg, abroad.epsg, always_xy=True).transform(*middle)
    here = surface(world, home.geobox(20)[2600:2800, 50:250])
    box = GeoBox((300, 300), abroad.transform(20), f"EPSG:{abroad.epsg}").translate_pix(
        round((x - abroad.left) / 20) - 150, round((abroad.top - y) / 20) - 150
    )
    there = surface(world, box)
    rows, columns = np.mgrid[40:160:7, 40:160:7]
    east, north = home.geobox(20)[2600:2800, 50:250].pix2wld(columns + 0.5, rows + 0.5)
    east, north = Transformer.from_crs(home.epsg, abroad.epsg, always_xy=True).transform(east, north)
    across, down = (np.floor(v).astype(int) for v in box.wld2pix(east, north))
    assert np.mean(here.classes[rows, columns] == there.classes[down, across]) > 0.85
    difference = np.abs(here.reflectance[:, rows, columns] - there.reflectance[:, down, across])
    elsewhere = np.abs(here.reflectance[:, rows, columns] - there.reflectance[:, down[::-1], across])
    assert np.median(difference) < 0.012
    assert np.median(difference) < 0.5 * np.median(elsewhere)


def test_tiles_on_both_sides_of_the_equator_are_one_zone():
    north, south = Tile.parse("33NVA"), Tile.parse("33MVV")
    world = World(5, north.name)
    left, _, _, top = north.overlap(south)
    first = surface(
        world,
        GeoBox((60, 80), north.transform(60), "EPSG:32633").translate_pix(
            (left - north.left) // 60, (north.top - top) // 60
        ),
    )
    second = surface(
        world,
        GeoBox((60, 80), south.transform(60), "EPSG:32733").translate_pix(
            (left - south.left) // 60, (south.top - top - 10_000_000) // 60
        ),
    )
    np.testing.assert_array_equal(first.classes, second.classes)
    np.testing.assert_array_equal(first.reflectance, second.reflectance)


def test_seeds_differ_and_the_same_seed_repeats():
    box = Tile.parse("33TWL").geobox(60)[:200, :200]
    first = surface(World(1, "33TWL"), box)
    np.testing.assert_array_equal(first.reflectance, surface(World(1, "33TWL"), box).reflectance)
    assert np.mean(first.classes != surface(World(2, "33TWL"), box).classes) > 0.2


def test_classes_look_as_their_names_say():
    found = surface(World(3, "33TWL"), Tile.parse("33TWL").geobox(60)[400:1000, 400:1000])
    mean = {code: found.reflectance[:, found.classes == code].mean(axis=1) for code in range(1, 7)}
    assert mean[1][3] < 0.06
    vegetation = {code: (m[3] - m[0]) / (m[3] + m[0]) for code, m in mean.items()}
    assert vegetation[2] > 0.5 and vegetation[3] > 0.7
    assert vegetation[5] < 0.25 and vegetation[6] < 0.35
    assert mean[3][0] < mean[2][0] < mean[5][0]


def test_the_season_changes_fields_more_than_water():
    world, box = World(3, "33TWL"), Tile.parse("33TWL").geobox(60)[400:800, 400:800]
    summer, autumn = surface(world, box, SUMMER), surface(world, box, AUTUMN)
    moved = np.abs(summer.reflectance - autumn.reflectance).mean(axis=0)
    assert moved[summer.classes == 2].mean() > 5 * moved[summer.classes == 1].mean()
    np.testing.assert_array_equal(summer.classes, autumn.classes)


def test_a_grid_in_degrees_is_refused():
    box = GeoBox.from_bbox((15, 45, 15.1, 45.1), "EPSG:4326", resolution=0.001)
    with pytest.raises(UsageError, match="UTM"):
        surface(World(1, "33TWL"), box)
