"""The stratified random sample of a map of several tiles."""

import numpy as np
import pytest
import shapely

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.raster import Raster, write_raster
from pipeline.sampling import draw_sample

RESOLUTION = 600
WEST, EAST = "33TWL", "33TXL"


def write(folder, name, codes):
    path = folder / f"{name}.tif"
    write_raster(path, Raster(codes[None], Tile.parse(name).geobox(RESOLUTION)), nodata=0)
    return path


@pytest.fixture
def maps(tmp_path):
    """Grass in the west with a little water, trees in the east; they overlap."""
    west = np.full((183, 183), 2, np.uint8)
    west[:10, :10] = 1
    west[100:, :20] = 0
    return {WEST: write(tmp_path, WEST, west), EAST: write(tmp_path, EAST, np.full((183, 183), 3, np.uint8))}


def shared_pixels():
    west, south, east, north = Tile.parse(WEST).overlap(Tile.parse(EAST))
    return round((east - west) * (north - south) / RESOLUTION**2)


def test_every_place_is_counted_once_and_holes_never(maps):
    found = draw_sample(maps, 90, 10, 1)
    assert found.pixels[1] == 100 and found.area == RESOLUTION**2
    assert found.pixels[2] == 183**2 - 100 - 83 * 20
    assert found.pixels[3] == pytest.approx(183**2 - shared_pixels(), rel=0.01)


def test_points_show_the_class_they_were_drawn_for(maps):
    found = draw_sample(maps, 120, 20, 2)
    assert len(found.points) == 120 == len(set(found.points))
    by_class = {code: [point for point in found.points if point.code == code] for code in (1, 2, 3)}
    assert len(by_class[1]) >= 20 and {point.tile for point in by_class[3]} == {EAST}
    water = Tile.parse(WEST).geobox(RESOLUTION)[:10, :10].geographic_extent.boundingbox
    for point in by_class[1]:
        assert water.left <= point.lon <= water.right and water.bottom <= point.lat <= water.top
    classes = [point.code for point in found.points]
    assert classes != sorted(classes)


def test_the_same_seed_draws_the_same_and_another_does_not(maps):
    assert draw_sample(maps, 60, 10, 3) == draw_sample(maps, 60, 10, 3)
    assert draw_sample(maps, 60, 10, 3) != draw_sample(maps, 60, 10, 4)


def test_all_ground_of_a_class_has_the_same_chance(maps):
    lons = [point.lon for seed in range(40) for point in draw_sample({EAST: maps[EAST]}, 50, 10, seed).points]
    west, _, east, _ = Tile.parse(EAST).footprint.bounds
    counts, _ = np.histogram(lons, bins=4, range=(west, east))
    assert (np.abs(counts / len(lons) - 0.25) < 0.05).all()


def test_a_sample_is_kept_to_an_area(maps):
    area = shapely.box(15.2, 45.3, 15.6, 45.6)
    found = draw_sample(maps, 40, 10, 5, within=area)
    assert set(found.pixels) == {2}
    assert all(shapely.contains_xy(area, point.lon, point.lat) for point in found.points)
    with pytest.raises(UsageError, match="no ground"):
        draw_sample(maps, 40, 10, 5, within=shapely.box(0, 0, 1, 1))
