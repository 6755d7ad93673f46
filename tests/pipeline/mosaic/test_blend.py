from copy import copy
from datetime import date
from itertools import combinations

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from pipeline.errors import StorageError
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic import blend
from pipeline.raster import Raster, decode, encode, read_raster, window_geobox, windows, write_raster
from pipeline.settings import CampaignSettings
from pipeline.tone import asinh_curve, curve_of_tags, load_tone

RESOLUTION = 120
# Ground that is rough from pixel to pixel: beside a seam there is something to hold it against.
ROUGH = np.random.default_rng(8).normal(1, 0.1, (997, 991))
SQUARE = ("33TUK", "33TUL", "33TVK", "33TVL")


@pytest.fixture(scope="module")
def settings():
    """Settings at 120 m, at which these four tiles are aligned as all tiles are at 60 m."""
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", RESOLUTION)
    return coarse


def ground(tile):
    """The same land for every tile: reflectance by absolute place."""
    rows, cols = tile.geobox(RESOLUTION).shape
    x = tile.left / RESOLUTION + np.arange(cols)[None, :]
    y = tile.top / RESOLUTION - np.arange(rows)[:, None]
    texture = 1 + 0.3 * np.sin(x / 37.0 + np.cos(y / 53.0)) * np.cos(y / 29.0)
    rough = ROUGH[np.ix_(y[:, 0].astype(int) % 997, x[0].astype(int) % 991)]
    return np.array([0.06, 0.07, 0.05, 0.3])[:, None, None] * texture * rough


def write_build(folder, tile, factor, seed):
    """A composite with holes, as stage 3a leaves it."""
    rng = np.random.default_rng(seed)
    geobox = tile.geobox(RESOLUTION)
    valid = np.ones(geobox.shape, bool)
    for _ in range(12):
        top, left = rng.integers(0, 900, 2)
        valid[top : top + rng.integers(2, 60), left : left + rng.integers(2, 60)] = False
    stored = encode(ground(tile) * factor, valid)
    write_raster(folder / "composite.tif", Raster(stored, geobox), nodata=0)
    origin = np.stack([valid, valid]).astype(np.uint8)
    write_raster(folder / "provenance.tif", Raster(origin, geobox))
    sums = CellSums(geobox)
    for window in windows(geobox.shape.yx):
        part = (slice(None), *window.toslices())
        sums.add(decode(stored[part]), valid[window.toslices()], window_geobox(geobox, window))
    sums.cells().save(folder / "balance.npz")
    return valid


@pytest.fixture(scope="module")
def square(tmp_path_factory, settings):
    """Four tiles around a corner, each of its own brightness and blended with the others."""
    folder = tmp_path_factory.mktemp("square")
    builds, valid, reports = {}, {}, {}
    for seed, (name, factor) in enumerate(zip(SQUARE, (1.0, 1.12, 0.93, 1.05), strict=True)):
        builds[name] = folder / name
        valid[name] = write_build(builds[name], Tile.parse(name), factor, seed)
    for position, name in enumerate(SQUARE):
        order = dict(sorted(builds.items(), reverse=bool(position % 2)))
        reports[name] = blend(Tile.parse(name), order, settings, folder / "revisions" / name)
    return folder, valid, reports


def cut(tile, bounds):
    left, bottom, right, top = bounds
    cols = slice(round((left - tile.left) / RESOLUTION), round((right - tile.left) / RESOLUTION))
    return slice(round((tile.top - top) / RESOLUTION), round((tile.top - bottom) / RESOLUTION)), cols


def mosaic_of(square, name):
    return read_raster(square[0] / "revisions" / name / "mosaic.tif").data


@pytest.mark.parametrize("pair", list(combinations(SQUARE, 2)))
def test_neighbours_agree_bit_for_bit_on_their_overlap(square, pair):
    first, second = (Tile.parse(name) for name in pair)
    overlap = first.overlap(second)
    here, there = cut(first, overlap), cut(second, overlap)
    a = mosaic_of(square, first.name)[(slice(None), *here)]
    b = mosaic_of(square, second.name)[(slice(None), *there)]
    assert a.size > 0 and a.any() and np.array_equal(a, b)


def test_a_hole_stays_only_where_no_neighbour_has_data(square):
    tile = Tile.parse("33TUL")
    expected = square[1]["33TUL"].copy()
    for name in SQUARE:
        other = Tile.parse(name)
        bounds = tile.overlap(other)
        expected[cut(tile, bounds)] |= square[1][name][cut(other, bounds)]
    filled = mosaic_of(square, "33TUL").all(axis=0)
    assert np.array_equal(filled, expected)
    assert square[2]["33TUL"]["coverage"] == pytest.approx(expected.mean())


def test_the_brightness_of_the_tiles_is_brought_together(square):
    balance = {name: report["balance"][name] for name, report in square[2].items()}
    near = {
        name: np.array(found["gain"][3]) + np.array(found["offset"][3]) / 0.3
        for name, found in balance.items()
    }
    assert near["33TUL"][1].mean() < 0.99 and near["33TVK"].min() > 1.01
    again = {str(report["balance"]["33TUK"]) for report in square[2].values()}
    assert len(again) == 1


def test_no_step_stands_at_the_border_of_a_neighbour(square):
    for report in square[2].values():
        assert 0.95 <= report["seam_score_tiles"] <= 1.05 and report["seam_pairs"] > 1_000


def test_the_mosaic_is_a_picture_that_can_be_brought_back_to_reflectance(square):
    path = square[0] / "revisions" / "33TUL" / "mosaic.tif"
    with rasterio.open(path) as dataset:
        assert dataset.dtypes == ("uint8",) * 4 and dataset.nodata == 0
        assert dataset.colorinterp[:3] == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        assert dataset.colorinterp[3] == ColorInterp.undefined
        assert dataset.overviews(1)
        assert load_tone("default").tags().items() <= dataset.tags().items()


def test_the_inputs_are_named_with_their_hashes(square):
    inputs = square[2]["33TUL"]["inputs"]
    assert set(inputs) == set(SQUARE)
    assert len({hashes["composite.tif"] for hashes in inputs.values()}) == 4


def test_a_tile_alone_keeps_its_composite(tmp_path, settings):
    tile = Tile.parse("33TUL")
    valid = write_build(tmp_path / "a", tile, 1.0, 3)
    blend(tile, {tile.name: tmp_path / "a"}, settings, tmp_path / "r")
    expected = load_tone("default").apply(encode(ground(tile), valid))
    assert np.array_equal(read_raster(tmp_path / "r" / "mosaic.tif").data, expected)


def test_a_table_of_the_campaign_is_used_and_told_in_the_product(tmp_path, settings):
    tile, own = Tile.parse("33TUL"), asinh_curve("own", 0.3, 0.4, 0.9)
    valid = write_build(tmp_path / "a", tile, 1.0, 3)
    fitted = copy(settings)
    object.__setattr__(fitted, "tone", own)
    blend(tile, {tile.name: tmp_path / "a"}, fitted, tmp_path / "r")
    mosaic = tmp_path / "r" / "mosaic.tif"
    assert np.array_equal(read_raster(mosaic).data, own.apply(encode(ground(tile), valid)))
    with rasterio.open(mosaic) as dataset:
        assert curve_of_tags(dataset.tags()) == own


def test_without_the_own_build_there_is_no_mosaic(tmp_path, settings):
    with pytest.raises(StorageError, match="33TUL"):
        blend(Tile.parse("33TUL"), {}, settings, tmp_path)
