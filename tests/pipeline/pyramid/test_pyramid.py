import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rasterio.warp import transform

from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.overlay import well_inside
from pipeline.pyramid import (
    BASE_ZOOM,
    SIDE,
    Chip,
    ChipStore,
    chips_of,
    merged,
    parent_of,
    part_of,
    with_ancestors,
    write_overview,
)
from pipeline.pyramid.parts import BANDS, PARTS, empty, fill, halve

RESOLUTION = 600
WEST, EAST = Tile.parse("33TWL"), Tile.parse("33TXL")
FIJI = Tile.parse("60KZG")


def write(path, tile, bands, nodata):
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    options = {"driver": "GTiff", "dtype": "uint8", "photometric": "MINISBLACK", "nodata": nodata}
    options |= {"count": count, "height": height, "width": width, "transform": tile.transform(RESOLUTION)}
    with rasterio.open(path, "w", crs=f"EPSG:{tile.epsg}", **options) as out:
        out.write(bands)


def products(folder, tile, *, level=100, landcover=3, confidence=80, rank=1, holes=slice(0, 0)):
    """Flat products of a tile in one folder, empty in some columns."""
    side = round(109_800 / RESOLUTION)
    flat = {
        "mosaic.tif": (np.stack([np.full((side, side), level + band, np.uint8) for band in range(4)]), 0),
        "landcover.tif": (np.full((1, side, side), landcover, np.uint8), 0),
        "confidence.tif": (np.full((1, side, side), confidence, np.uint8), 255),
        "provenance.tif": (np.full((1, side, side), rank, np.uint8), 0),
    }
    for name, (bands, nodata) in flat.items():
        bands[:, :, holes] = nodata
        write(folder / name, tile, bands, nodata)
    return folder


def pixel_of(chip, lon, lat):
    xs, ys = transform("EPSG:4326", "EPSG:3857", [lon], [lat])
    col, row = ~chip.geobox.affine @ (xs[0], ys[0])
    return int(row), int(col)


def quarters(rule, values):
    return {part.rule: part for part in PARTS}[rule].halve(np.array(values, np.uint8).reshape(1, 2, 2)).item()


def test_a_hole_that_is_filled_shows_the_older_scene_behind_the_provenance(tmp_path):
    products(tmp_path, WEST, holes=slice(60, 120))
    older = np.full((2, 183, 183), 201, np.uint8)
    write(tmp_path / "fill_provenance.tif", WEST, older, 0)
    with rasterio.open(write_overview(WEST, tmp_path, tmp_path)) as overview:
        ranks, mosaic = overview.read(7), overview.read(1)
    assert set(np.unique(ranks)) == {0, 1, 201}
    assert (ranks[mosaic == 0][ranks[mosaic == 0] > 0] == 201).all() and (ranks == 201).mean() > 0.2


@pytest.mark.parametrize("order", [1, -1])
def test_where_two_tiles_meet_an_own_scene_comes_before_a_fill(order):
    first, second = empty(1, 3), empty(1, 3)
    first[6], second[6] = [[201, 201, 2]], [[3, 0, 202]]
    stacks = [first, second][::order]
    made = empty(1, 3)
    for stack in stacks:
        fill(made, stack)
    assert made[6].tolist() == [[3, 201, 2]]


@pytest.mark.parametrize(
    ("values", "mean"), [([10, 20, 30, 40], 25), ([10, 0, 0, 0], 10), ([10, 11, 0, 0], 11), ([0, 0, 0, 0], 0)]
)
def test_a_mosaic_pixel_is_the_mean_of_those_with_data(values, mean):
    four = np.broadcast_to(np.array(values, np.uint8).reshape(1, 2, 2), (4, 2, 2))
    assert (part_of("mosaic.tif").halve(four) == mean).all()


def test_a_mosaic_pixel_that_is_empty_in_one_band_does_not_count():
    four = np.full((4, 2, 2), 50, np.uint8)
    four[2, 0, 0], four[0, 0, 0] = 0, 250
    assert (part_of("mosaic.tif").halve(four) == 50).all()


@pytest.mark.parametrize(
    ("values", "mode"),
    [([3, 1, 1, 2], 1), ([2, 1, 1, 2], 2), ([0, 6, 5, 4], 6), ([0, 0, 0, 5], 5), ([0, 0, 0, 0], 0)],
)
def test_landcover_is_the_commonest_class_and_the_first_of_equals(values, mode):
    assert quarters("mode", values) == mode


def test_confidence_is_a_mean_without_its_no_data():
    part = part_of("confidence.tif")
    assert part.halve(np.array([[[0, 100], [255, 255]]], np.uint8)).item() == 50
    assert part.halve(np.full((1, 2, 2), 255, np.uint8)).item() == 255


@pytest.mark.parametrize(("values", "first"), [([0, 0, 7, 2], 7), ([4, 1, 1, 1], 4), ([0, 0, 0, 0], 0)])
def test_provenance_is_never_mixed(values, first):
    assert quarters("first", values) == first


@settings(max_examples=30, deadline=None)
@given(arrays.arrays(np.uint8, (BANDS, 8, 8), elements=st.sampled_from([0, 1, 2, 3, 200, 255])))
def test_half_the_pixels_hold_data_where_any_of_four_did_and_values_that_were_there(stack):
    half = halve(stack)
    for part in PARTS:
        before, after = part.filled(stack[part.bands]), part.filled(half[part.bands])
        assert (after == before.reshape(4, 2, 4, 2).any(axis=(1, 3))).all()
        values = half[part.bands][:, after]
        known = stack[part.bands][:, before]
        if part.rule == "mean" and values.size:
            assert known.min() <= values.min() and values.max() <= known.max()
        elif values.size:
            assert set(values.ravel()) <= set(known.ravel())


def test_the_chips_of_a_tile_hold_its_corners_and_their_ancestors_reach_the_top():
    chips = chips_of(WEST)
    for lon, lat in np.concatenate([np.asarray(part.exterior.coords) for part in WEST.footprint.geoms]):
        assert any(min(found) >= 0 and max(found) < SIDE for found in (pixel_of(c, lon, lat) for c in chips))
    found = with_ancestors(chips)
    assert found[0] == Chip(0, 0, 0) and found == sorted(found)
    assert {chip.parent for chip in found if chip.z} == {chip for chip in found if chip.z < BASE_ZOOM}


def test_children_and_parents_belong_together():
    chip = Chip(5, 17, 11)
    assert [child.parent for child in chip.children] == [chip] * 4
    left, right = chip.children[:2]
    assert left.geobox.boundingbox.right == pytest.approx(right.geobox.boundingbox.left, abs=1e-6)


def test_an_overview_shows_each_product_in_its_place(tmp_path):
    folder = products(tmp_path / "a", WEST, holes=slice(122, None))
    chip = next(c for c in chips_of(WEST) if all(0 <= n < SIDE for n in pixel_of(c, 15.7, 45.55)))
    stack = merged(chip, [(WEST, write_overview(WEST, folder, folder))])
    row, col = pixel_of(chip, 15.7, 45.55)
    assert stack[:, row, col].tolist() == [100, 101, 102, 103, 3, 80, 1]
    row, col = pixel_of(chip, 16.25, 45.6)
    assert stack[:, row, col].tolist() == [0, 0, 0, 0, 0, 255, 0]


def test_an_overview_is_the_same_every_time(tmp_path):
    folder = products(tmp_path / "a", WEST)
    first = write_overview(WEST, folder, folder).read_bytes()
    assert write_overview(WEST, folder, folder).read_bytes() == first


def test_a_missing_product_is_named(tmp_path):
    folder = products(tmp_path / "a", WEST)
    (folder / "confidence.tif").unlink()
    with pytest.raises(SourceError, match=r"confidence\.tif"):
        write_overview(WEST, folder, folder)


def test_tiles_are_merged_by_name_and_fill_each_others_holes(tmp_path):
    first = products(tmp_path / "w", WEST, level=50, holes=slice(100, None))
    second = products(tmp_path / "e", EAST, level=150)
    places = ((WEST, first), (EAST, second))
    overviews = [(tile, write_overview(tile, place, place)) for tile, place in places]
    both = {chip: merged(chip, overviews) for chip in chips_of(WEST) | chips_of(EAST)}
    values = np.concatenate([stack[0].ravel() for stack in both.values()])
    assert set(np.unique(values)) == {0, 50, 150}
    backwards = merged(Chip(8, 139, 91), overviews[::-1])
    assert (backwards == both[Chip(8, 139, 91)]).all(), "no overlap holds two values here"


def test_the_rim_of_an_overview_shows_only_where_no_other_has_anything(tmp_path):
    first, second = products(tmp_path / "w", WEST, level=50), products(tmp_path / "e", EAST, level=50)
    places = ((WEST, first), (EAST, second))
    overviews = [(tile, write_overview(tile, place, place)) for tile, place in places]
    with rasterio.open(overviews[0][1], "r+") as file:
        bands = file.read()
        bands[0][~well_inside(bands[0] > 0, 1) & (bands[0] > 0)] = 250
        file.write(bands)
    lon, lat = 16.39, 45.55
    chip = next(c for c in chips_of(WEST) if all(0 <= n < SIDE for n in pixel_of(c, lon, lat)))
    row, col = pixel_of(chip, lon, lat)
    near = slice(row - 20, row + 20), slice(max(col - 20, 0), col + 20)
    assert merged(chip, overviews[:1])[0][near].max() > 50
    assert set(np.unique(merged(chip, overviews)[0][near])) == {50}


def test_a_tile_over_the_antimeridian_reaches_both_ends_of_the_world(tmp_path):
    assert {0, 2**BASE_ZOOM - 1} == {chip.x for chip in chips_of(FIJI)}
    folder = products(tmp_path / "f", FIJI)
    path = write_overview(FIJI, folder, folder)
    for lon in (179.95, -179.3):
        chip = next(c for c in chips_of(FIJI) if all(0 <= n < SIDE for n in pixel_of(c, lon, -16.7)))
        stack = merged(chip, [(FIJI, path)])
        assert stack[0][pixel_of(chip, lon, -16.7)] == 100
        far = stack[0][:, :400] if chip.x else stack[0][:, 350:]
        assert not far.any()


def test_a_parent_is_its_children_at_half_size():
    rng = np.random.default_rng(4)
    children = [empty(SIDE, SIDE), None, rng.integers(0, 250, (BANDS, SIDE, SIDE)).astype(np.uint8), None]
    made = parent_of(children)
    half = SIDE // 2
    assert (made[:, half:, :half] == halve(children[2])).all()
    for part in PARTS:
        assert not part.filled(made[part.bands][:, :half]).any()


def test_a_chip_comes_back_from_the_store_and_equal_ones_are_one_file(tmp_path):
    store, chip = ChipStore(tmp_path / "pyramid"), Chip(3, 4, 2)
    stack = empty(SIDE, SIDE)
    stack[0:4, 5, 6] = (9, 8, 7, 6)
    key = store.write(chip, stack)
    assert key == store.write(chip, stack.copy()) != store.write(Chip(3, 4, 3), stack)
    assert (store.read(key) == stack).all()
    assert len(list(store.folder.rglob("*.tif"))) == 2
    with rasterio.open(store.path(key)) as dataset:
        assert dataset.crs.to_epsg() == 3857 and dataset.transform == chip.geobox.affine


def test_an_empty_chip_needs_no_file(tmp_path):
    store = ChipStore(tmp_path / "pyramid")
    assert store.write(Chip(0, 0, 0), empty(SIDE, SIDE)) == ""
    assert store.read("") is None and not store.folder.exists()
