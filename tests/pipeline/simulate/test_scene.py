import datetime as dt

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.simulate import World, scene_arrays
from pipeline.simulate.orbit import across_track, seen
from pipeline.simulate.plan import plan

DATE = dt.date(2023, 7, 5)
TILE = Tile.parse("33TWL")


def test_the_same_seed_gives_the_same_scene_and_another_date_another():
    box = TILE.geobox(60)[500:700, 500:700]
    first, again = (scene_arrays(World(4, "33TWL"), box, DATE, cloud_cover=30) for _ in range(2))
    np.testing.assert_array_equal(first.reflectance, again.reflectance)
    other = scene_arrays(World(4, "33TWL"), box, DATE + dt.timedelta(5), cloud_cover=30)
    assert np.mean(first.cloud != other.cloud) > 0.05


def test_clouds_go_on_over_the_overlap_of_two_tiles():
    world, east = World(4, "33TWL"), Tile.parse("33TXL")
    columns = (TILE.left + 109_800 - east.left) // 60
    one = scene_arrays(
        world, TILE.geobox(60)[200:1700, -columns:], DATE, cloud_cover=45, orbit=0, tile="33TWL"
    )
    two = scene_arrays(
        world, east.geobox(60)[200:1700, :columns], DATE, cloud_cover=45, orbit=0, tile="33TXL"
    )
    np.testing.assert_array_equal(one.cloud, two.cloud)
    np.testing.assert_array_equal(one.clear, two.clear)
    assert 0.005 < np.mean(one.cloud == 1) < 0.995
    assert not np.array_equal(one.reflectance, two.reflectance), "each tile has a radiometry of its own"


@pytest.mark.parametrize("cover", [0, 10, 40, 80])
def test_the_cloud_cover_asked_for_is_about_what_comes(cover):
    found = scene_arrays(World(4, "33TWL"), TILE.geobox(600), DATE, cloud_cover=cover, orbit=0)
    assert abs(100 * np.mean(found.cloud == 1) - cover) < 18
    assert (cover == 0) == (not (found.cloud == 1).any())


@pytest.mark.parametrize("date", [dt.date(2023, 3, 20), dt.date(2023, 6, 30), dt.date(2023, 10, 2)])
def test_shadows_lie_on_the_side_away_from_the_sun(date):
    found = scene_arrays(
        World(8, "33TWL"), TILE.geobox(60)[:900, :900], date, cloud_cover=12, orbit=0, hazy=False
    )
    cloud, shadow = (found.cloud == 1).astype(float), (found.cloud == 2).astype(float)
    spectrum = np.conj(np.fft.rfft2(cloud - cloud.mean())) * np.fft.rfft2(shadow - shadow.mean())
    match = np.fft.irfft2(spectrum, cloud.shape)
    down, right = np.unravel_index(match.argmax(), match.shape)
    down, right = ((v + 450) % 900 - 450 for v in (int(down), int(right)))
    bearing = np.degrees(np.arctan2(right, -down)) % 360
    away = abs((bearing - found.sun_azimuth - 180 + 180) % 360 - 180)
    assert away < 25, f"shadows at {bearing:.0f} degrees, sun at {found.sun_azimuth:.0f}"
    assert np.hypot(down, right) * 60 > 400


def test_truth_tells_where_the_ground_is_changed():
    found = scene_arrays(
        World(8, "33TWL"), TILE.geobox(60)[:600, :600], DATE, cloud_cover=30, orbit=0, hazy=False
    )
    ratio = found.reflectance[3] / found.clear[3]
    land = found.classes != 1
    assert np.median(ratio[(found.cloud == 2) & land]) < 0.75
    assert 0.85 < np.median(ratio[(found.cloud == 0) & land]) < 1.15
    assert np.median(found.reflectance[2][found.cloud == 1]) > 0.3


def test_haze_brightens_blue_most_and_takes_contrast():
    box = TILE.geobox(60)[300:600, 300:600]
    clear, hazy = (
        scene_arrays(World(8, "33TWL"), box, DATE, cloud_cover=0, orbit=0, hazy=h) for h in (False, True)
    )
    added = (hazy.reflectance - clear.reflectance).mean(axis=(1, 2))
    assert added[2] > added[1] > added[0] > 0.01
    assert hazy.reflectance[0].std() < clear.reflectance[0].std()
    assert hazy.haze.mean() > 0.5 > 0.15 > clear.haze.mean() and hazy.hazy and not clear.hazy


def test_one_orbit_sees_a_part_only_and_its_edge_is_straight_and_slanted():
    found = scene_arrays(World(4, "33TWL"), TILE.geobox(600), DATE, cloud_cover=20, orbit=1)
    empty = np.isnan(found.reflectance).all(axis=0)
    assert 0.02 < empty.mean() < 0.5
    np.testing.assert_array_equal(empty, found.cloud == 255)
    edge = empty.sum(axis=1)
    slope, start = np.polyfit(np.arange(len(edge)), edge, 1)
    inside = edge > 0
    assert np.abs(edge - (start + slope * np.arange(len(edge))))[inside].max() < 2
    assert slope < -0.1


def test_every_place_is_seen_by_one_orbit_at_least():
    for name in ("33TUL", "33TVM", "33TWN", "33TXL", "34TCR", "33UWP"):
        places = World(4, "33TWL").places(Tile.parse(name).geobox(1200))
        assert np.logical_or(*(seen(across_track(World(4, "33TWL"), places, k)) for k in (0, 1))).all()


def test_l1c_has_more_blue_than_l2a_and_other_levels_are_refused():
    box = TILE.geobox(60)[:64, :64]
    l2a, l1c = (
        scene_arrays(World(4, "33TWL"), box, DATE, cloud_cover=0, hazy=False, orbit=0, level=v)
        for v in ("L2A", "L1C")
    )
    assert np.median(l1c.reflectance[2] - l2a.reflectance[2]) > 0.04
    with pytest.raises(UsageError, match="L3X"):
        scene_arrays(World(4, "33TWL"), box, DATE, level="L3X")


@pytest.mark.parametrize("dates", [1, 2, 6, 15])
def test_a_season_has_distinct_days_in_its_range(dates):
    start, end = dt.date(2023, 6, 1), dt.date(2023, 6, 20)
    found = plan(World(4, "33TWL"), dates, start, end)
    days = [a.date for a in found]
    assert days == sorted(set(days)) and len(days) == dates
    assert start <= days[0] and days[-1] <= end
    assert sum(a.hazy for a in found) == (dates + 2) // 6


def test_a_season_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="do not fit"):
        plan(World(4, "33TWL"), 6, dt.date(2023, 6, 1), dt.date(2023, 6, 3))
    with pytest.raises(UsageError, match="At least one date"):
        plan(World(4, "33TWL"), 0, dt.date(2023, 6, 1), dt.date(2023, 6, 3))
