import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline.balance import Balance, Correction, corrections, fit, solve
from pipeline.errors import StorageError
from pipeline.grid import Tile
from pipeline.ground import Cells, CellSums, land, shared_means
from pipeline.raster import window_geobox, windows

RESOLUTION = 300


def surface(tile, resolution=RESOLUTION):
    """Reflectance that depends on longitude and latitude alone; all of it land."""
    geobox = tile.geobox(resolution)
    rows, cols = geobox.shape
    x, y = np.meshgrid(
        tile.left + (np.arange(cols) + 0.5) * resolution, tile.top - (np.arange(rows) + 0.5) * resolution
    )
    longitude, latitude = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(x, y)
    wave = 0.5 + 0.25 * np.sin(longitude * 15) + 0.25 * np.cos(latitude * 20)
    return np.stack([0.05 + 0.08 * wave, 0.05 + 0.07 * wave, 0.03 + 0.05 * wave, 0.2 + 0.2 * wave])


def cells_of(tile, gain=1.0, offset=0.0, use=None, resolution=RESOLUTION):
    geobox = tile.geobox(resolution)
    sums = CellSums(geobox)
    field = surface(tile, resolution) * gain + offset
    for window in windows(geobox.shape, 128):
        part = (slice(None), *window.toslices())
        mask = np.ones(part_shape(window), bool) if use is None else use[window.toslices()]
        sums.add(field[part], mask, window_geobox(geobox, window))
    return sums.cells()


def part_shape(window):
    return window.height, window.width


def disagreement(first, second, corrected):
    """Relative difference of two tiles' blue on their shared ground after correction."""
    a, b = shared_means(first[1], second[1])
    a = a * corrected[first[0]].gain[:, None] + corrected[first[0]].offset[:, None]
    b = b * corrected[second[0]].gain[:, None] + corrected[second[0]].offset[:, None]
    return float(np.median(np.abs(a[2] / b[2] - 1)))


def test_cells_of_one_zone_lie_on_the_same_ground():
    first, second = Tile.parse("33TWM"), Tile.parse("33TWL")
    a, b = shared_means(cells_of(first, resolution=60), cells_of(second, resolution=60))
    assert a.shape == b.shape and a.shape[1] > 5_000
    np.testing.assert_allclose(a, b, atol=2e-7)


def test_cells_across_a_zone_edge_are_compared_at_the_same_place():
    first = Tile.parse("33TXM")
    other = next(tile for tile in first.neighbours() if tile.zone == 34)
    a, b = shared_means(cells_of(first), cells_of(other))
    assert a.shape[1] > 1_000
    np.testing.assert_allclose(a, b, atol=3e-3)


def test_cells_do_not_depend_on_the_windows():
    tile = Tile.parse("33TWM")
    geobox = tile.geobox(RESOLUTION)
    field = surface(tile)
    found = []
    for size in (100, 366):
        sums = CellSums(geobox)
        for window in windows(geobox.shape, size):
            part = (slice(None), *window.toslices())
            sums.add(field[part], np.ones(part_shape(window), bool), window_geobox(geobox, window))
        found.append(sums.cells())
    np.testing.assert_allclose(found[0].mean, found[1].mean)
    assert np.array_equal(found[0].count, found[1].count)


def test_water_is_left_out():
    reflectance = np.array([0.03, 0.06, 0.08, 0.02])[:, None, None] * np.ones((4, 2, 2))
    assert not land(reflectance).any()
    reflectance[3] = 0.3
    assert land(reflectance).all()


def test_cells_that_are_partly_hidden_are_not_compared():
    tile = Tile.parse("33TWM")
    half = np.zeros(tile.geobox(60).shape, bool)
    half[:, ::2] = True
    assert not cells_of(tile, use=half, resolution=60).usable.any()


def test_cells_come_back_from_their_file(tmp_path):
    cells = cells_of(Tile.parse("33TWM"))
    cells.save(tmp_path / "balance.npz")
    back = Cells.load(tmp_path / "balance.npz")
    assert np.array_equal(cells.mean, back.mean) and (cells.column, cells.row) == (back.column, back.row)
    with pytest.raises(StorageError):
        Cells.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(StorageError):
        Cells.load(tmp_path / "bad.npz")


@settings(max_examples=6, deadline=None)
@given(st.floats(0.7, 1.4), st.floats(-0.01, 0.01))
def test_a_scene_is_brought_to_the_reference(gain, offset):
    tile = Tile.parse("33TWM")
    reference, other = cells_of(tile), cells_of(tile, gain, offset)
    found = fit(reference, other)
    after = found.apply(other.mean[:, other.usable].reshape(4, -1, 1))[..., 0]
    before = np.abs(other.mean[:, other.usable] - reference.mean[:, other.usable]).mean()
    assert np.abs(after - reference.mean[:, reference.usable]).mean() < max(0.12 * before, 1e-3)


def test_a_cloudy_quarter_does_not_pull_the_fit():
    tile = Tile.parse("33TWM")
    reference, other = cells_of(tile), cells_of(tile, 1.2)
    other.mean[:, :183, :183] += 0.4
    clean = fit(reference, cells_of(tile, 1.2))
    np.testing.assert_allclose(fit(reference, other).gain, clean.gain, atol=0.06)


def test_two_neighbours_meet_in_the_middle():
    north, south = Tile.parse("33TWM"), Tile.parse("33TWL")
    cells = {"33TWM": cells_of(north), "33TWL": cells_of(south, 1.2)}
    found = {name: corrections(Tile.parse(name), cells) for name in cells}
    pair = [(name, cells[name]) for name in cells]
    before = disagreement(*pair, dict.fromkeys(cells, Correction.identity()))
    after = disagreement(*pair, found)
    assert before > 0.15 and after < 0.02
    assert np.all(found["33TWM"].gain > 1.02) and np.all(found["33TWL"].gain < 0.98)


def test_neighbours_across_a_zone_edge_meet_too():
    first = Tile.parse("33TXM")
    other = next(tile for tile in first.neighbours() if tile.zone == 34)
    cells = {first.name: cells_of(first), other.name: cells_of(other, 1.2)}
    balance = Balance(cells)
    found = {name: balance.of(Tile.parse(name)) for name in cells}
    assert disagreement((first.name, cells[first.name]), (other.name, cells[other.name]), found) < 0.03


def test_the_correction_is_the_same_whoever_asks():
    tile = Tile.parse("33TWM")
    near = [tile, *tile.ring(1)]
    rng = np.random.default_rng(4)
    cells = {item.name: cells_of(item, rng.uniform(0.85, 1.15)) for item in near if item.zone == 33}
    far = Tile.parse("33UVR")
    assert far not in tile.ring(2)
    shuffled = {name: cells[name] for name in sorted(cells, reverse=True)} | {far.name: cells_of(far, 2.0)}
    here, there = corrections(tile, cells), corrections(tile, shuffled)
    assert np.array_equal(here.gain, there.gain) and np.array_equal(here.offset, there.offset)
    assert not np.allclose(here.gain, 1)


def test_corrections_are_rounded():
    cells = {"33TWM": cells_of(Tile.parse("33TWM")), "33TWL": cells_of(Tile.parse("33TWL"), 1.13)}
    found = corrections(Tile.parse("33TWM"), cells)
    assert np.array_equal(np.rint(found.gain * 1024), found.gain * 1024)
    np.testing.assert_allclose(np.rint(found.offset * 1e4), found.offset * 1e4, atol=1e-9)


def test_a_tile_without_neighbours_or_cells_keeps_its_radiometry():
    tile = Tile.parse("33TWM")
    for cells in ({}, {"33TWM": cells_of(tile)}):
        found = corrections(tile, cells)
        assert np.all(found.gain == 1) and np.all(found.offset == 0)


def test_a_fixed_image_keeps_the_identity():
    values = np.random.default_rng(0).uniform(0.05, 0.4, (4, 500))
    found = solve(["a", "b"], {("a", "b"): (values, values * 1.1)}, fixed="b")
    assert np.all(found["b"].gain == 1) and np.all(found["b"].offset == 0)
    np.testing.assert_allclose(
        found["a"].gain[:, None] * values + found["a"].offset[:, None], values * 1.1, atol=3e-3
    )
