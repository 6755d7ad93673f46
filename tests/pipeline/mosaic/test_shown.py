"""A mosaic shows the fills of its contributors where no composite has data, and nowhere else."""

from datetime import date
from itertools import combinations

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from pipeline.grid import Tile
from pipeline.ground import Cells
from pipeline.mosaic import blend
from pipeline.mosaic.fill import FEATHER
from pipeline.raster import Raster, encode, filled, read_raster, write_raster
from pipeline.settings import CampaignSettings
from tests.pipeline.mosaic.test_blend import RESOLUTION, SQUARE, cut, ground, write_build

RIM = 4


@pytest.fixture(scope="module")
def settings():
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", RESOLUTION)
    return coarse


def punch(folder, tile, valid):
    """Holes in all tiles at once: around their common corner, and in the overlap of the two in the west."""
    (south, north, _, east) = (Tile.parse(name) for name in SQUARE)
    for left, bottom, right, top in (south.overlap(east), south.overlap(north)):
        x, y = (left + right) // 2, (bottom + top) // 2
        box = [round(edge / 1200) * 1200 for edge in (x - 3_000, y - 2_400, x + 3_000, y + 2_400)]
        bounds = tile.bounds
        meets = box[0] < bounds[2] and box[2] > bounds[0] and box[1] < bounds[3] and box[3] > bounds[1]
        if meets:
            valid[clipped(cut(tile, box))] = False
    composite = read_raster(folder / "composite.tif")
    write_raster(folder / "composite.tif", Raster(composite.data * valid, composite.geobox), nodata=0)


def clipped(place):
    return tuple(slice(max(part.start, 0), max(part.stop, 0)) for part in place)


def write_fill(folder, tile, valid, older):
    """fill.tif of a build: older ground in the holes and on their rim, where the older date is clear."""
    near = distance_transform_edt(valid) <= RIM
    geobox = tile.geobox(RESOLUTION)
    write_raster(folder / "fill.tif", Raster(encode(ground(tile) * 0.8, near & older), geobox), nodata=0)
    ranks = np.where(~valid & older, 201, 0)
    origin = np.stack([ranks, np.where(ranks > 0, 4, 0)]).astype(np.uint8)
    write_raster(folder / "fill_provenance.tif", Raster(origin, geobox))


@pytest.fixture(scope="module")
def square(tmp_path_factory, settings):
    """Four tiles around a corner, three of them with fills: mosaics without and with them."""
    folder = tmp_path_factory.mktemp("filled")
    builds = {name: folder / name for name in SQUARE}
    valid = {
        name: write_build(builds[name], Tile.parse(name), 1.0 + 0.04 * seed, seed)
        for seed, name in enumerate(SQUARE)
    }
    for name in SQUARE:
        punch(builds[name], Tile.parse(name), valid[name])
    made, older = {}, {}
    for kind in ("plain", "filled"):
        for name in SQUARE:
            made[kind, name] = blend(Tile.parse(name), builds, settings, folder / kind / name)
        for seed, name in enumerate(SQUARE[:3]):
            older[name] = np.random.default_rng(seed + 50).random(valid[name].shape[:1]) < 0.9
            older[name] = np.repeat(older[name][:, None], valid[name].shape[1], axis=1)
            write_fill(builds[name], Tile.parse(name), valid[name], older[name])
    return folder, valid, older, made


def mosaic_of(square, kind, name):
    return read_raster(square[0] / kind / name / "mosaic.tif").data


def on_tile(square, name, layer):
    """What any tile has of a tile's ground, and how far the nearest lack of it is, in pixels."""
    tile, found = Tile.parse(name), np.zeros_like(square[1][name])
    far = np.zeros(found.shape)
    for other in map(Tile.parse, SQUARE):
        if other.name in layer:
            bounds = tile.overlap(other) if other != tile else tile.bounds
            here, there = cut(tile, bounds), cut(other, bounds)
            found[here] |= layer[other.name][there]
            depth = distance_transform_edt(np.pad(layer[other.name], 1))[1:-1, 1:-1]
            far[here] = np.maximum(far[here], depth[there])
    return found, far


@pytest.mark.parametrize("pair", list(combinations(SQUARE, 2)))
def test_neighbours_agree_bit_for_bit_also_where_holes_are_filled(square, pair):
    first, second = (Tile.parse(name) for name in pair)
    overlap = first.overlap(second)
    here, there = cut(first, overlap), cut(second, overlap)
    a = mosaic_of(square, "filled", first.name)[(slice(None), *here)]
    b = mosaic_of(square, "filled", second.name)[(slice(None), *there)]
    assert np.array_equal(a, b)
    if pair in (("33TUK", "33TUL"), ("33TUK", "33TVL")):
        before = mosaic_of(square, "plain", first.name)[(slice(None), *here)]
        assert (filled(a) & ~filled(before)).sum() > 20


@pytest.mark.parametrize("name", SQUARE)
def test_only_holes_that_no_composite_covers_are_filled(square, name):
    covered, _ = on_tile(square, name, square[1])
    lacking = {other: ~square[1][other] & square[2][other] for other in SQUARE[:3]}
    older, _ = on_tile(square, name, lacking)
    plain, shown = (filled(mosaic_of(square, kind, name)) for kind in ("plain", "filled"))
    assert np.array_equal(plain, covered)
    rim = {other: _rim(square, other) for other in SQUARE[:3]}
    assert not (shown & ~(covered | on_tile(square, name, rim)[0])).any()
    assert shown[covered | older].all()
    report = square[3]["filled", name]
    assert report["coverage"] == square[3]["plain", name]["coverage"] == pytest.approx(covered.mean())
    assert report["filled"] == pytest.approx((shown & ~covered).mean())
    assert square[3]["plain", name]["filled"] == 0


def _rim(square, name):
    return (distance_transform_edt(square[1][name]) <= RIM) & square[2][name]


@pytest.mark.parametrize("name", SQUARE)
def test_ground_beyond_the_feather_of_all_holes_stays_as_it_is(square, name):
    _, far = on_tile(square, name, square[1])
    beyond = far * RESOLUTION > FEATHER + RESOLUTION
    plain, shown = (mosaic_of(square, kind, name) for kind in ("plain", "filled"))
    assert beyond.mean() > 0.8
    assert np.array_equal(plain[:, beyond], shown[:, beyond])


def test_the_report_names_the_tiles_whose_fills_show_and_hashes_them(square):
    report = square[3]["filled", "33TVL"]
    assert "33TVL" not in report["filled_from"] and report["filled_from"]
    assert set(report["filled_from"]) <= set(SQUARE[:3])
    assert {name for name, known in report["inputs"].items() if "fill.tif" in known} == set(SQUARE[:3])
    assert square[3]["plain", "33TVL"]["filled_from"] == []


def test_a_fill_comes_in_softly(tmp_path):
    tile = Tile.parse("33TUL")
    settings = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    geobox = tile.geobox(60)
    valid = np.ones(geobox.shape, bool)
    valid[:, 900:940] = False
    flat = np.broadcast_to(np.array([0.06, 0.07, 0.05, 0.3])[:, None, None], (4, *geobox.shape))
    write_raster(tmp_path / "composite.tif", Raster(encode(flat, valid), geobox), nodata=0)
    near = distance_transform_edt(valid) <= 8
    write_raster(tmp_path / "fill.tif", Raster(encode(flat * 1.5, near), geobox), nodata=0)
    for name in ("provenance.tif", "fill_provenance.tif"):
        write_raster(tmp_path / name, Raster(np.zeros((2, *geobox.shape), np.uint8), geobox))
    nothing = np.zeros((4, 228, 228), np.float32)
    counts = np.zeros((228, 228), np.int32)
    Cells(32633, 480, 0, 0, nothing, counts, counts.astype(np.float32), 64).save(tmp_path / "balance.npz")
    blend(tile, {tile.name: tmp_path}, settings, tmp_path / "r")
    line = read_raster(tmp_path / "r" / "mosaic.tif").data[0, 915, 880:921].astype(int)
    assert (np.diff(line) >= 0).all()
    whole = line[-1] - line[0]
    assert line[0] == line[15] and line[20] == line[-1], "pure on both sides"
    assert np.diff(line).max() < 0.6 * whole
