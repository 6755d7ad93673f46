from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.blending import alone, blend_window
from pipeline.contributor import Contributor, Prepare, contributors
from pipeline.distance import distance_to_false
from pipeline.errors import StorageError
from pipeline.grid import Tile
from pipeline.inputs import contributor_names, input_hashes
from pipeline.ramps import Ramps, smoothstep, zone_weight
from pipeline.raster import Raster, read_raster, window_geobox, windows, write_raster

RESOLUTION = 60.0
SMALL = Ramps(edge=600.0, hole=300.0, zone=3_000.0)


def grid(left, top, cols, rows, epsg=32633):
    return GeoBox((rows, cols), Affine(RESOLUTION, 0, left, 0, -RESOLUTION, top), f"EPSG:{epsg}")


prepare = Prepare(lambda stored: (stored != 0).all(axis=0), lambda stored, window: stored.astype(np.float64))
sharp = replace(prepare, sharp=True)


def put(folder, name, geobox, data):
    path = folder / f"{name}.tif"
    write_raster(path, Raster(data, geobox), nodata=0)
    return path


def blend_all(paths, target, size, ramps=SMALL, prepare=prepare):
    bands = 2
    out, valid = np.zeros((bands, *target.shape)), np.zeros(target.shape, bool)
    with contributors(paths, dict.fromkeys(paths, prepare), ramps) as sources:
        for window in windows(target.shape, size):
            part = blend_window(window_geobox(target, window), sources, bands)
            out[(slice(None), *window.toslices())] = part.values
            valid[window.toslices()] = part.valid
    return out, valid


def quilt(folder, seed, holes=True, epsg=32633):
    """Nine rasters of 60 x 60 pixels, 45 apart, each with its own brightness and holes."""
    rng = np.random.default_rng(seed)
    grids, paths = {}, {}
    for row in range(3):
        for col in range(3):
            name = f"t{row}{col}"
            grids[name] = grid(500_000 + col * 45 * 60, 5_100_000 - row * 45 * 60, 60, 60, epsg)
            data = rng.integers(100, 9_000, (2, 60, 60)).astype(np.uint16)
            if holes:
                for _ in range(4):
                    top, left = rng.integers(0, 60, 2)
                    data[:, top : top + rng.integers(1, 20), left : left + rng.integers(1, 20)] = 0
            paths[name] = put(folder, name, grids[name], data)
    return grids, paths


def common(first, second):
    """Slices of the overlap of two aligned grids in each of them."""
    col = round((second.affine.c - first.affine.c) / RESOLUTION)
    row = round((first.affine.f - second.affine.f) / RESOLUTION)
    rows, cols = first.shape

    def cut(offset, length):
        return slice(max(offset, 0), min(length + offset, length))

    return (cut(row, rows), cut(col, cols)), (cut(-row, rows), cut(-col, cols))


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
@pytest.mark.parametrize("seed", range(3))
def test_all_neighbours_of_a_quilt_agree_bit_for_bit_on_every_overlap(tmp_path, seed, how):
    grids, paths = quilt(tmp_path, seed)
    sizes = dict(zip(sorted(grids), (60, 17, 31, 7, 60, 23, 13, 41, 29), strict=True))
    made = {}
    for position, name in enumerate(sorted(grids)):
        near = {
            other: paths[other] for other in sorted(paths, reverse=bool(position % 2)) if meet(name, other)
        }
        made[name] = blend_all(near, grids[name], sizes[name], prepare=how)
    for name in grids:
        for other in grids:
            if name < other and meet(name, other):
                here, there = common(grids[name], grids[other])
                assert np.array_equal(made[name][1][here], made[other][1][there])
                assert np.array_equal(
                    made[name][0][(slice(None), *here)], made[other][0][(slice(None), *there)]
                )


def meet(name, other):
    return all(abs(int(a) - int(b)) <= 1 for a, b in zip(name[1:], other[1:], strict=True))


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
def test_what_one_tile_has_to_itself_is_the_same_in_windows_that_others_meet(tmp_path, how):
    grids, paths = quilt(tmp_path, 8)
    thirds = Prepare(prepare.valid, lambda stored, window: stored / 3e4, sharp=how.sharp)
    with contributors(paths, dict.fromkeys(paths, thirds), SMALL) as sources:
        whole = blend_window(grids["t11"], sources, 2)
        window = Window(17, 17, 26, 26)
        source, own = alone(window_geobox(grids["t11"], window), sources)
        part = blend_window(window_geobox(grids["t11"], window), sources, 2)
        assert source.name == "t11" and own == window
        assert alone(window_geobox(grids["t11"], Window(14, 17, 26, 26)), sources) is None
    inner = window.toslices()
    assert np.array_equal(part.values, whole.values[(slice(None), *inner)])
    assert np.array_equal(part.valid, whole.valid[inner]) and not part.valid.all()
    assert np.array_equal(part.footprints, whole.footprints[inner])


def test_every_pixel_that_anyone_has_is_filled_and_no_other(tmp_path):
    grids, paths = quilt(tmp_path, 5)
    middle = grids["t11"]
    _, valid = blend_all(paths, middle, 60)
    expected = np.zeros(middle.shape, bool)
    for name, path in paths.items():
        here, there = common(middle, grids[name])
        expected[here] |= (read_raster(path).data != 0).all(axis=0)[there]
    assert np.array_equal(valid, expected)


def test_where_one_raster_covers_alone_its_own_values_come_out(tmp_path):
    grids, paths = quilt(tmp_path, 7, holes=False)
    values, _ = blend_all(paths, grids["t11"], 60)
    alone = (slice(None), slice(15, 45), slice(15, 45))
    own = read_raster(paths["t11"]).data
    np.testing.assert_allclose(values[alone], own[alone], rtol=1e-12)


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
def test_two_flat_neighbours_meet_without_a_step(tmp_path, how):
    left, right = grid(500_000, 5_100_000, 80, 40), grid(500_000 + 60 * 60, 5_100_000, 80, 40)
    paths = {
        "a": put(tmp_path, "a", left, np.full((2, 40, 80), 1_000, np.uint16)),
        "b": put(tmp_path, "b", right, np.full((2, 40, 80), 2_000, np.uint16)),
    }
    ramps = Ramps(edge=20 * 60.0, hole=300.0)
    values, _ = blend_all(paths, left, 40, ramps, how)
    row = values[0, 20]
    assert row[0] == pytest.approx(1_000) and row[-1] > 1_900
    assert np.abs(np.diff(row)).max() < 100


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
def test_a_hole_is_closed_by_the_neighbour_without_a_step(tmp_path, how):
    place = grid(500_000, 5_100_000, 80, 80)
    torn = np.full((2, 80, 80), 1_000, np.uint16)
    torn[:, 30:50, 30:50] = 0
    paths = {
        "a": put(tmp_path, "a", place, torn),
        "b": put(tmp_path, "b", place, np.full((2, 80, 80), 2_000, np.uint16)),
    }
    values, valid = blend_all(paths, place, 80, Ramps(edge=600.0, hole=600.0), how)
    assert valid.all()
    assert np.all(values[0, 32:48, 32:48] == 2_000)
    assert np.abs(np.diff(values[0, 40])).max() < 120


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
def test_the_result_does_not_depend_on_the_window(tmp_path, how):
    grids, paths = quilt(tmp_path, 11)
    whole = blend_all(paths, grids["t11"], 60, prepare=how)
    for size in (7, 16, 59):
        parts = blend_all(paths, grids["t11"], size, prepare=how)
        assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


def smooth_field(geobox, epsg):
    """A smooth function of longitude and latitude, so that two zones can be compared."""
    from pyproj import Transformer

    from pipeline.contributor import pixel_centres

    longitude, latitude = Transformer.from_crs(epsg, 4326, always_xy=True).transform(*pixel_centres(geobox))
    value = 3_000 + 1_000 * np.sin(longitude * 60) + 800 * np.cos(latitude * 50)
    return np.stack([value, value + 500]).round().astype(np.uint16)


def zone_pair(folder, offsets=(0, 0)):
    """Two rasters of 200 x 200 around the meridian 18 E, in the zones 33 and 34."""
    from pyproj import Transformer

    paths, grids = {}, {}
    for name, epsg, offset in (("a", 32633, offsets[0]), ("b", 32634, offsets[1])):
        x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(18.0, 46.0)
        left, top = round(x / 60) * 60 - 100 * 60, round(y / 60) * 60 + 100 * 60
        grids[name] = grid(left, top, 200, 200, epsg)
        paths[name] = put(folder, name, grids[name], smooth_field(grids[name], epsg) + np.uint16(offset))
    return grids, paths


def test_across_a_zone_edge_both_sides_agree_within_resampling(tmp_path):
    grids, paths = zone_pair(tmp_path, (0, 400))
    seen = {name: blend_all(paths, grids[name], 200) for name in paths}
    there = put(tmp_path, "seen_b", grids["b"], seen["b"][0].round().astype(np.uint16))
    with contributors({"x": there}, {"x": prepare}, SMALL) as (source,):
        part = source.part(grids["a"])
    inside = part.weight == 1
    inside[:12] = inside[-12:] = False
    inside[:, :12] = inside[:, -12:] = False
    assert inside.mean() > 0.6
    difference = np.abs(part.values[:, inside] - seen["a"][0][:, inside])
    assert difference.max() < 5 and difference.mean() < 1


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
def test_the_zone_ramp_leaves_no_step_at_the_meridian(tmp_path, how):
    grids, paths = zone_pair(tmp_path, (0, 400))
    values, _ = blend_all(paths, grids["a"], 200, prepare=how)
    extra = values[0] - smooth_field(grids["a"], 32633)[0]
    assert extra[100, 20] < 100 < 300 < extra[100, 180]
    assert np.abs(np.diff(extra[100, 10:190])).max() < 40


@pytest.mark.parametrize("how", [prepare, sharp], ids=["mean", "sharp"])
def test_a_window_of_a_warped_neighbour_is_the_same_in_any_window(tmp_path, how):
    grids, paths = zone_pair(tmp_path, (0, 400))
    whole = blend_all(paths, grids["a"], 200, prepare=how)
    parts = blend_all(paths, grids["a"], 37, prepare=how)
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


def test_northern_and_southern_crs_of_a_zone_are_one_zone(tmp_path):
    north = grid(500_000, 1_800, 60, 60, 32633)
    south = grid(500_000, 10_000_000 + 0, 60, 60, 32733)
    data = np.random.default_rng(0).integers(1, 9_000, (2, 60, 60)).astype(np.uint16)
    paths = {"n": put(tmp_path, "n", north, data), "s": put(tmp_path, "s", south, data)}
    seen_north = blend_all(paths, north, 60)[0]
    seen_south = blend_all(paths, south, 60)[0]
    assert np.array_equal(seen_north[:, 30:], seen_south[:, :30])


def test_footprints_tell_who_covers_a_place(tmp_path):
    grids, paths = quilt(tmp_path, 3)
    with contributors(paths, dict.fromkeys(paths, prepare), SMALL) as sources:
        codes = blend_window(grids["t11"], sources, 2).footprints
    own = 1 << sorted(paths).index("t11")
    assert np.all(codes & own) and codes[30, 30] == own
    assert bin(codes[0, 0]).count("1") == 4


def test_contributors_are_the_tile_and_its_neighbours_only(tmp_path):
    tile = Tile.parse("33TWM")
    builds = dict.fromkeys(["33TWM", "33TWL", "33TWK", "33TVM"], tmp_path)
    assert contributor_names(tile, builds) == ["33TVM", "33TWL", "33TWM"]
    with pytest.raises(StorageError, match="33TWM"):
        contributor_names(tile, {"33TWL": tmp_path})


def test_hashes_change_with_the_input(tmp_path):
    (tmp_path / "composite.tif").write_bytes(b"one")
    before = input_hashes({"33TWM": tmp_path}, ["composite.tif"])
    (tmp_path / "composite.tif").write_bytes(b"two")
    assert before != input_hashes({"33TWM": tmp_path}, ["composite.tif"])


@given(st.floats(-0.5, 1.5), st.floats(-0.5, 1.5))
def test_smoothstep_rises_from_0_to_1(first, second):
    low, high = sorted((first, second))
    a, b = smoothstep(np.array([low, high]))
    assert 0 <= a <= b <= 1


@settings(max_examples=40)
@given(st.integers(0, 2**30), st.integers(1, 9))
def test_distances_are_those_to_the_nearest_false_pixel(seed, limit):
    mask = np.random.default_rng(seed).random((9, 11)) > 0.2
    found = distance_to_false(mask, limit)
    holes = np.argwhere(~mask)
    for place in np.ndindex(mask.shape):
        nearest = min((np.hypot(*(hole - place)) for hole in holes), default=np.inf)
        assert found[place] == pytest.approx(min(nearest, limit))


@given(st.floats(-180, 180), st.floats(-79, 83))
def test_the_zones_beside_a_place_always_have_a_say(longitude, latitude):
    zone = int((longitude + 180) // 6) % 60 + 1
    weight = {
        z: zone_weight(z, np.array([longitude]), np.array([latitude]), 10_000)[0]
        for z in (zone, zone % 60 + 1, (zone - 2) % 60 + 1)
    }
    assert weight[zone] >= 0.25 and min(weight.values()) > 0


def test_a_raster_on_another_grid_is_resampled_not_shifted(tmp_path):
    place = grid(500_000, 5_100_000, 60, 60)
    moved = grid(500_030, 5_100_000, 60, 60)
    ramp = np.broadcast_to(1_000 + 10 * np.arange(60), (2, 60, 60)).astype(np.uint16)
    with ExitStack() as stack:
        (source,) = stack.enter_context(
            contributors({"m": put(tmp_path, "m", moved, ramp)}, {"m": prepare}, SMALL)
        )
        assert isinstance(source, Contributor)
        part = source.part(place)
    np.testing.assert_allclose(part.values[0, 30, 1:60], 995 + 10 * np.arange(1, 60))
