"""Which tiles exist, and which of them a campaign of all land takes."""

import csv

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.land import LandLimits, existing_tiles, tiles_of_land

GREENLAND, ANTARCTICA, PITCAIRN, ALPS, ATLANTIC = "24XWP", "19DEA", "09JUN", "33TWL", "25PDR"


def test_the_table_holds_the_tiles_that_are_published():
    assert len(existing_tiles()) == 56_686
    assert list(existing_tiles()) == sorted(existing_tiles())


def test_published_tiles_of_the_sample_are_in_the_table(shared_data):
    with (shared_data / "grid" / "s2_tiles_sample.csv").open() as file:
        names = [row["tile"] for row in csv.DictReader(file)]
    assert len(names) == 400 and set(names) <= existing_tiles().keys()


def test_tiles_inside_a_continent_are_all_land_and_those_of_an_ocean_have_none():
    assert existing_tiles()[ALPS].land == 1.0 and existing_tiles()[ALPS].own_km2 == pytest.approx(
        10_000, rel=0.01
    )
    assert existing_tiles()[ATLANTIC].land == existing_tiles()[ATLANTIC].body_km2 == 0


def test_land_counts_once_although_tiles_overlap():
    """The land surface without the ice south of 80 S, which no tile reaches."""
    assert sum(one.own_km2 for one in existing_tiles().values()) == pytest.approx(145.3e6, rel=0.01)


def test_all_land_leaves_out_poles_and_small_islands():
    names = {one.name for one in tiles_of_land()}
    assert {ALPS, "55HFA", "21MYT"} <= names
    assert not names & {GREENLAND, ANTARCTICA, PITCAIRN, ATLANTIC}
    everything = {one.name for one in tiles_of_land(LandLimits(84, -80, 0))}
    assert {GREENLAND, ANTARCTICA, PITCAIRN} <= everything and names < everything


def test_a_larger_island_is_asked_for_with_fewer_tiles():
    sizes = [len(tiles_of_land(LandLimits(island_km2=size))) for size in (0, 100, 10_000, 1_000_000)]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 4
    assert all(one.body_km2 >= 10_000 for one in tiles_of_land(LandLimits(island_km2=10_000)))


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"north": 90}, "north"),
        ({"south": -90}, "south"),
        ({"island_km2": -1}, "island_km2"),
        ({"island_km2": float("nan")}, "island_km2"),
        ({"north": "x"}, "north"),
        ({"north": 10, "south": 20}, "north"),
    ],
)
def test_limits_out_of_range_are_refused(limits, field):
    with pytest.raises(UsageError) as refused:
        LandLimits(**limits)
    assert refused.value.field == field and str(refused.value).endswith(".")


@pytest.mark.parametrize("name", ["33TWL", "32VKM", "60KXF", "01WCT"])
def test_each_place_calls_for_one_tile(name):
    """Points of a tile's square call for it or, beyond its zone's edge, for a neighbour."""
    tile = Tile.parse(name)
    steps = np.arange(0.5, 100) * 1000
    x, y = (axis.ravel() for axis in np.meshgrid(tile.east + steps, tile.north + steps))
    from pyproj import Transformer

    longitude, latitude = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(x, y)
    calls = tile.calls_for(x, y, latitude, longitude).astype(int)
    for other in tile.neighbours():
        to_other = Transformer.from_crs(4326, other.epsg, always_xy=True)
        calls += other.calls_for(*to_other.transform(longitude, latitude), latitude, longitude)
    assert (calls == 1).mean() > 0.98 and calls.max() <= 2
