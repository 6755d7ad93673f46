import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline.balance import Balance, corner, corrections, fit, pairs_of, solve
from pipeline.errors import StorageError
from pipeline.grid import Tile
from pipeline.ground import Cells, CellSums, land
from pipeline.raster import window_geobox, windows
from pipeline.shared_ground import shared_ground, shared_means
from pipeline.smooth import SmoothCorrection

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


def after(pair, shared, found):
    """Corrected means (2, 4, n) of two tiles on their shared ground."""
    return np.stack(
        [
            found[name].at(shared.means[i], *(shared.places[i] - np.array(corner(name))[:, None]))
            for i, name in enumerate(pair)
        ]
    )


def step(pair, shared, found):
    """How far the median ratio of two corrected tiles is from 1, by band."""
    first, second = after(pair, shared, found)
    return np.abs(np.median(first / second, axis=1) - 1)


def step_of_two(cells, found):
    pair = sorted(cells)
    return step(pair, shared_ground(*(cells[name] for name in pair)), found)


def identities(names):
    return dict.fromkeys(names, SmoothCorrection.identity())


def test_cells_of_one_zone_lie_on_the_same_ground():
    first, second = Tile.parse("33TWM"), Tile.parse("33TWL")
    a, b = shared_means(cells_of(first, resolution=60), cells_of(second, resolution=60))
    assert a.shape == b.shape and a.shape[1] > 4_500
    np.testing.assert_allclose(a, b, atol=2e-7)


def test_cells_across_a_zone_edge_are_compared_at_the_same_place():
    first = Tile.parse("33TXM")
    other = next(tile for tile in first.neighbours() if tile.zone == 34)
    a, b = shared_means(cells_of(first), cells_of(other))
    assert a.shape[1] > 700
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
    other.mean[:, : other.count.shape[0] // 2, : other.count.shape[1] // 2] += 0.4
    clean = fit(reference, cells_of(tile, 1.2))
    np.testing.assert_allclose(fit(reference, other).gain, clean.gain, atol=0.06)


def test_two_neighbours_meet_in_the_middle():
    cells = {"33TWM": cells_of(Tile.parse("33TWM")), "33TWL": cells_of(Tile.parse("33TWL"), 1.2)}
    found = {name: corrections(Tile.parse(name), cells) for name in cells}
    assert step_of_two(cells, identities(cells)).min() > 0.15
    assert step_of_two(cells, found).max() < 0.005
    shared = shared_ground(*cells.values())
    before = shared.means.mean(axis=2)
    met = after(list(cells), shared, found)[0].mean(axis=1)
    share = (met - before[0]) / (before[1] - before[0])
    assert np.all((share > 0.35) & (share < 0.65))


@settings(max_examples=6, deadline=None)
@given(st.floats(0.85, 1.15), st.floats(-0.004, 0.004))
def test_a_step_that_is_additive_and_multiplicative_goes(gain, offset):
    cells = {"33TWM": cells_of(Tile.parse("33TWM")), "33TWL": cells_of(Tile.parse("33TWL"), gain, offset)}
    found = {name: corrections(Tile.parse(name), cells) for name in cells}
    assert step_of_two(cells, found).max() < 0.005


def test_what_an_overlap_asks_for_fades_away_from_it():
    cells = {"33TWM": cells_of(Tile.parse("33TWM")), "33TWL": cells_of(Tile.parse("33TWL"), 1.2)}
    found = corrections(Tile.parse("33TWM"), cells)
    level = found.gain[3] * 0.3 + found.offset[3]
    from_south = np.abs(level / 0.3 - 1).mean(axis=1)[::-1]
    assert from_south[0] > 0.05 and from_south[2] < 0.25 * from_south[0]
    assert np.all(np.diff(from_south) < 0)


def test_noise_draws_no_gain_towards_nothing():
    rng = np.random.default_rng(2)
    cells = {name: cells_of(Tile.parse(name)) for name in ("33TWM", "33TWL")}
    for image in cells.values():
        image.mean[:] *= rng.lognormal(0, 0.15, image.mean.shape).astype(np.float32)
    found = [corrections(Tile.parse(name), cells) for name in cells]
    gain, offset = (
        np.mean([getattr(one, part) for one in found], axis=(0, 2, 3)) for part in ("gain", "offset")
    )
    np.testing.assert_allclose(gain + offset / [0.09, 0.08, 0.06, 0.3], 1, atol=0.004)


def test_a_cloud_over_a_part_of_the_overlap_does_not_count():
    cells = {"33TWM": cells_of(Tile.parse("33TWM")), "33TWL": cells_of(Tile.parse("33TWL"), 1.1)}
    clean = corrections(Tile.parse("33TWM"), cells)
    cells["33TWL"].mean[:, :, : cells["33TWL"].count.shape[1] // 4] += 0.3
    found = corrections(Tile.parse("33TWM"), cells)
    ground = np.array([0.09, 0.08, 0.06, 0.3])[:, None, None]
    south = slice(1, 3), slice(1, 3)
    difference = (found.gain - clean.gain) + (found.offset - clean.offset) / ground
    assert np.abs(difference[:, *south]).max() < 0.01


def test_neighbours_across_a_zone_edge_meet_too():
    first = Tile.parse("33TXM")
    other = next(tile for tile in first.neighbours() if tile.zone == 34)
    cells = {first.name: cells_of(first), other.name: cells_of(other, 1.2)}
    balance = Balance(cells)
    found = {name: balance.of(Tile.parse(name)) for name in cells}
    assert step_of_two(cells, found).max() < 0.01


@pytest.fixture(scope="module")
def many():
    """The tiles within four steps of 33NVA, 9 x 9 and those across the zone's edges, of random radiometry."""
    rng = np.random.default_rng(7)
    middle = Tile.parse("33NVA")
    tiles = [middle, *middle.ring(4)]
    cells = {
        tile.name: cells_of(
            tile, rng.normal(1, 0.03, (4, 1, 1)), rng.normal(0, 0.0015, (4, 1, 1)), resolution=480
        )
        for tile in tiles
    }
    balance = Balance(cells)
    found = {tile.name: balance.of(tile) for tile in tiles}
    balance.rings = 9
    return cells, found, balance.solution(middle)


def test_nine_by_nine_tiles_of_random_radiometry_meet(many):
    cells, found, _ = many
    before, left = [], []
    for pair in pairs_of([Tile.parse(name) for name in cells], cells):
        shared = shared_ground(cells[pair[0]], cells[pair[1]])
        if shared.means.shape[2] >= 200:
            before.append(step(pair, shared, identities(cells)))
            left.append(step(pair, shared, found))
    assert len(cells) >= 81 and len(left) > 250
    assert np.max(before) > 0.1 and np.median(before) > 0.03
    assert np.max(left) <= 0.005


def test_two_rings_give_the_corrections_of_the_global_solution(many):
    cells, found, whole = many
    ground = np.array([0.09, 0.08, 0.06, 0.3])[:, None, None]
    assert set(whole) == set(cells)
    for name, (gain, offset) in whole.items():
        here = found[name].gain * ground + found[name].offset
        np.testing.assert_allclose(here, gain * ground + offset, rtol=0.003)


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


def test_neighbours_without_common_clear_land_ask_nothing_of_each_other():
    cells = {"33TWM": cells_of(Tile.parse("33TWM")), "33TWL": cells_of(Tile.parse("33TWL"), 1.2)}
    cells["33TWL"].count[:] = 0
    for name in cells:
        assert not corrections(Tile.parse(name), cells).changes
