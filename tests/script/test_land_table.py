"""How `script/land-table` measures land, on a world of its own."""

import gzip

import numpy as np
import pytest

from script.lib.land_table import Land, fetched, write
from script.lib.say import Trouble

CONTINENT, ISLAND, SEA = "33TWL", "31NEA", "25PDR"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Land from 10 to 20 E and 40 to 50 N, across the antimeridian, and an island of 0.1 degrees."""
    mask = np.ones((21_600, 43_200), bool)
    mask[40 * 120 : 50 * 120, 190 * 120 : 200 * 120] = False
    mask[80 * 120 : 81 * 120, : 2 * 120] = mask[80 * 120 : 81 * 120, -120:] = False
    mask[round(89.6 * 120) : round(89.7 * 120), round(183.2 * 120) : round(183.3 * 120)] = False
    path = tmp_path_factory.mktemp("land") / "mask.npz"
    np.savez_compressed(path, mask=mask)
    return Land(path)


def test_a_tile_inside_a_continent_is_all_land(world):
    name, land, own, body = world.row(CONTINENT)
    assert (name, land) == (CONTINENT, 1.0) and own == pytest.approx(10_000, rel=0.01)
    assert body == pytest.approx(10 * 10 * 111.195**2 * np.cos(np.radians(45)), rel=0.01)


def test_an_island_has_its_own_area(world):
    _, land, own, body = world.row(ISLAND)
    assert own == pytest.approx(123.6, rel=0.1) and body == pytest.approx(123.6, rel=0.02)
    assert land == pytest.approx(own / 109.8**2, rel=0.01)


def test_land_on_both_sides_of_the_antimeridian_is_one_body(world):
    both = 3 * 111.195**2 * np.cos(np.radians(9.5))
    for name in ("01PAL", "60PZR"):
        assert world.row(name)[3] in (0.0, pytest.approx(both, rel=0.01))
    assert max(world.km2) > both and any(size == pytest.approx(both, rel=0.01) for size in world.km2)


def test_land_that_calls_for_a_tile_that_is_not_published_is_its_neighbours(world):
    rows = {name: (name, 0.0, 0.0, 0.0) for name in ("33TWM", "33TVL")}
    left = world.hand_over(CONTINENT, rows)
    assert 0 < rows["33TWM"][2] < 1200 and 0 < rows["33TVL"][2] < 1200 and rows["33TWM"][3] > 8e5
    assert left + rows["33TVL"][2] + rows["33TWM"][2] == pytest.approx(world.row(CONTINENT)[2])


def test_sea_has_none(world):
    assert world.row(SEA) == (SEA, 0.0, 0.0, 0.0)


def test_the_same_rows_make_the_same_bytes(tmp_path):
    rows = [("33TWL", 1.0, 9980.4, 8e7), ("25PDR", 0.0, 0.0, 0.0)]
    write(tmp_path / "one.gz", rows)
    write(tmp_path / "two.gz", rows)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    text = gzip.decompress((tmp_path / "one.gz").read_bytes()).decode()
    assert text == "tile,land,own_km2,body_km2\n33TWL,1,9980,80000000\n25PDR,0,0,0\n"


def test_a_package_that_changed_is_refused(tmp_path):
    (tmp_path / "some_land-1.0-py3-none-any.whl").write_bytes(b"another")
    with pytest.raises(Trouble, match="has another sha256"):
        fetched(tmp_path, "some-land", "1.0", "0" * 64, "mask.npz")
