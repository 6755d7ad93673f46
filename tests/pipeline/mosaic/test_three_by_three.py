"""Nine tiles of a zone: what neighbours show of common ground, and what a changed composite changes."""

from dataclasses import replace

import numpy as np
import pytest
from rasterio.windows import Window

from pipeline.balance import Balance
from pipeline.blending import blend_window
from pipeline.contributor import contributors
from pipeline.grid import Tile
from pipeline.ground import Cells, cell_size, southing
from pipeline.inputs import contributor_names
from pipeline.landcover.blend import SHARES
from pipeline.landcover.combine import classify
from pipeline.mosaic.blend import corrected, toned
from pipeline.ramps import Ramps
from pipeline.raster import encode, raster_writer, window_geobox
from pipeline.tone import load_tone

RESOLUTION = 60
PIXELS = 1830
RIM = 164
NINE = ("33TUK", "33TUL", "33TUM", "33TVK", "33TVL", "33TVM", "33TWK", "33TWL", "33TWM")
COLUMN = ("33TVG", "33TVH", "33TVJ", "33TVK", "33TVL", "33TVM")


def ground(x, south):
    """Reflectance (4, h, w) of land by absolute place, metres."""
    wave = np.sin(x / 2_900.0)[None, :] * np.cos(south / 1_700.0)[:, None] + np.sin(
        (x[None, :] + south[:, None]) / 910.0
    )
    return np.array([0.06, 0.07, 0.05, 0.3])[:, None, None] * (1 + 0.2 * wave)


def drawn(rng):
    """A gain and an offset by band."""
    return rng.normal(1, 0.05, (4, 1, 1)), rng.normal(0, 0.002, (4, 1, 1))


def cells_of(name, radiometry):
    """Cell means of a tile whose ground is all clear, with a gain and an offset of its own."""
    tile, size = Tile.parse(name), cell_size(RESOLUTION)
    top = float(southing(tile.epsg, float(tile.top)))
    row, column = int(np.ceil(top / size)), int(np.ceil(tile.left / size))
    steps = (np.arange(228) + 0.5) * size
    gain, offset = radiometry
    mean = ground(column * size + steps, row * size + steps) * gain + offset
    count = np.full((228, 228), 64, np.int32)
    return Cells(
        tile.epsg, size, column, row, mean.astype(np.float32), count, np.ones((228, 228), np.float32), 64
    )


def rim_windows():
    """The strips of a tile that neighbours see."""
    inner = PIXELS - 2 * RIM
    yield from (Window(0, 0, PIXELS, RIM), Window(0, PIXELS - RIM, PIXELS, RIM))
    yield from (Window(0, RIM, RIM, inner), Window(PIXELS - RIM, RIM, RIM, inner))


def write_rim(folder, name, radiometry, seed):
    """composite.tif and probabilities.tif of a tile, with holes, and nothing but the rim that others see."""
    tile, rng = Tile.parse(name), np.random.default_rng(seed)
    grid = tile.geobox(RESOLUTION)
    top = float(southing(tile.epsg, float(tile.top)))
    gain, offset = radiometry
    with (
        raster_writer(folder / name / "composite.tif", grid, 4, "uint16", nodata=0) as composite,
        raster_writer(folder / name / "probabilities.tif", grid, 6, "uint8") as probabilities,
    ):
        for window in rim_windows():
            x = tile.left + (window.col_off + 0.5 + np.arange(window.width)) * RESOLUTION
            south = top + (window.row_off + 0.5 + np.arange(window.height)) * RESOLUTION
            valid = np.ones((window.height, window.width), bool)
            for top_row, left_col in zip(
                rng.integers(0, window.height, 9), rng.integers(0, window.width, 9), strict=True
            ):
                valid[top_row : top_row + 30, left_col : left_col + 40] = False
            noise = rng.normal(0, 0.002, (4, *valid.shape))
            composite.write(encode(ground(x, south) * gain + offset + noise, valid), window=window)
            shares = rng.integers(1, 40, (6, *valid.shape)) * valid
            probabilities.write(shares.astype(np.uint8), window=window)


@pytest.fixture(scope="module")
def nine(tmp_path_factory):
    """Folder, cells and radiometry of nine tiles."""
    folder, rng = tmp_path_factory.mktemp("nine"), np.random.default_rng(5)
    radiometry = {name: drawn(rng) for name in NINE}
    for seed, name in enumerate(NINE):
        write_rim(folder, name, radiometry[name], seed)
    return folder, {name: cells_of(name, radiometry[name]) for name in NINE}


def mosaic_of(name, nine, order, windows):
    """The mosaic's pixels of some windows of a tile, from builds given in an order of their own."""
    folder, cells = nine
    builds = {other: folder / other for other in order}
    balance = Balance({other: cells[other] for other in order})
    names = contributor_names(Tile.parse(name), builds)
    prepare = {other: corrected(balance.of(Tile.parse(other)), RESOLUTION) for other in names}
    paths = {other: builds[other] / "composite.tif" for other in names}
    grid = Tile.parse(name).geobox(RESOLUTION)
    with contributors(paths, prepare, Ramps()) as sources:
        return [
            toned(blend_window(window_geobox(grid, window), sources, 4), load_tone("default"))
            for window in windows
        ]


def landcover_of(name, nine, order, windows):
    builds = {other: nine[0] / other for other in order}
    names = contributor_names(Tile.parse(name), builds)
    paths = {other: builds[other] / "probabilities.tif" for other in names}
    grid = Tile.parse(name).geobox(RESOLUTION)
    with contributors(paths, dict.fromkeys(paths, SHARES), Ramps()) as sources:
        blended = [blend_window(window_geobox(grid, window), sources, 6) for window in windows]
    return [np.stack(classify(part.values, part.valid)) for part in blended]


def common_windows(first, second, rng):
    """Windows of 48 x 48 pixels of the common ground of two tiles, in each of them."""
    left, bottom, right, top = first.overlap(second)
    pairs = []
    for _ in range(3):
        x = left + RESOLUTION * int(rng.integers(0, (right - left) // RESOLUTION - 48))
        y = top - RESOLUTION * int(rng.integers(0, (top - bottom) // RESOLUTION - 48))
        pairs.append(
            [Window((x - t.left) // RESOLUTION, (t.top - y) // RESOLUTION, 48, 48) for t in (first, second)]
        )
    return zip(*pairs, strict=True)


@pytest.mark.parametrize("made", [mosaic_of, landcover_of])
def test_all_neighbours_agree_to_the_bit_whatever_the_order_of_builds(nine, made):
    rng, compared = np.random.default_rng(1), 0
    for i, one in enumerate(NINE):
        for other in NINE[i + 1 :]:
            first, second = Tile.parse(one), Tile.parse(other)
            if not first.overlap(second):
                continue
            here, there = common_windows(first, second, rng)
            a = made(one, nine, rng.permutation(NINE), here)
            b = made(other, nine, rng.permutation(NINE), there)
            assert all(np.array_equal(*both) for both in zip(a, b, strict=True)), (one, other)
            assert any(part.any() for part in a)
            compared += 1
    assert compared == 20


def test_a_changed_composite_changes_no_correction_beyond_two_rings():
    rng = np.random.default_rng(8)
    cells = {name: cells_of(name, drawn(rng)) for name in COLUMN}
    changed = cells | {"33TVG": replace(cells["33TVG"], mean=cells["33TVG"].mean * np.float32(1.15))}
    before, after = Balance(cells), Balance(changed)
    two_rings = {"33TVG"} | {tile.name for tile in Tile.parse("33TVG").ring(2)}
    differs = {
        name
        for name in COLUMN
        if before.of(Tile.parse(name)).to_json() != after.of(Tile.parse(name)).to_json()
    }
    assert {"33TVG", "33TVH"} <= differs <= two_rings


def test_the_composites_within_three_rings_are_all_that_a_mosaic_depends_on():
    rng = np.random.default_rng(9)
    cells = {name: cells_of(name, drawn(rng)) for name in COLUMN}
    tile = Tile.parse("33TVG")
    near = {other.name for other in tile.ring(3)} | {tile.name}
    assert set(COLUMN) - near == {"33TVL", "33TVM"}
    whole, part = Balance(cells), Balance({name: cells[name] for name in near & set(COLUMN)})
    for contributor in (tile, *tile.neighbours()):
        assert whole.of(contributor).to_json() == part.of(contributor).to_json()
