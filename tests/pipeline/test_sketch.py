import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.errors import SourceError
from pipeline.evidence import CLEAR, DOUBTFUL, HOLE
from pipeline.grid import Tile
from pipeline.raster import Raster, encode, write_raster
from pipeline.sketch import CellGrid, Sketch, block_sums

CORNER = GeoBox((130, 98), Affine(20, 0, 499980, 0, -20, 5100000), "EPSG:32633")


@pytest.mark.parametrize(("resolution", "pixels"), [(10, 6), (20, 3), (30, 2), (60, 1), (600, 1)])
def test_cells_are_60_m_and_never_smaller_than_a_pixel(resolution, pixels):
    tile = Tile.parse("33TWM")
    grid = CellGrid.of(tile.geobox(resolution))
    assert grid.pixels == pixels and grid.size == max(60, resolution)
    assert grid.geobox.shape[0] * pixels == tile.geobox(resolution).shape[0]


@settings(max_examples=40)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 7), st.integers(0, 2**30))
def test_block_sums_keep_the_total_and_each_block(rows, cols, side, seed):
    values = np.random.default_rng(seed).integers(0, 9, (rows, cols))
    found = block_sums(values, side)
    assert found.sum() == values.sum() and found[0, 0] == values[:side, :side].sum()
    assert found.shape == (-(-rows // side), -(-cols // side))


def sketch_of(tmp_path, stored, cloud):
    place = tmp_path / "scenes" / "a"
    write_raster(place / "reflectance.tif", Raster(stored, CORNER), nodata=0)
    write_raster(place / "cloud.tif", Raster(cloud[None], CORNER), nodata=255)
    return Sketch.make("a", CORNER, tmp_path, tmp_path / "sketch.npy")


def test_a_cell_is_the_mean_of_its_clear_pixels_and_as_sure_as_the_worst(tmp_path):
    reflectance = np.random.default_rng(0).uniform(0.02, 0.4, (4, 130, 98))
    cloud = np.zeros((130, 98), np.uint8)
    cloud[30, 30], cloud[60:63, 60:63], cloud[:, 90:] = 1, 2, 255
    sketch = sketch_of(tmp_path, encode(reflectance), cloud)
    values, level = sketch.read(), sketch.level(margin=60)
    assert values.shape == (4, 44, 33)
    np.testing.assert_allclose(values[:, 2, 3], reflectance[:, 6:9, 9:12].mean(axis=(1, 2)), atol=1e-4)
    part = reflectance[:, 30:33, 30:33].reshape(4, 9)[:, 1:].mean(axis=1)
    np.testing.assert_allclose(values[:, 10, 10], part, atol=1e-4)
    assert level[10, 10] == DOUBTFUL and level[10, 11] == DOUBTFUL and level[10, 12] == CLEAR
    assert level[20, 20] == HOLE and np.isnan(values[:, 20, 20]).all()
    assert np.all(level[:, 30:] == HOLE) and level[0, 29] == CLEAR


def test_cells_in_shadow_alone_are_kept_apart_from_clear_ones(tmp_path):
    reflectance = np.random.default_rng(0).uniform(0.02, 0.4, (4, 130, 98))
    cloud = np.zeros((130, 98), np.uint8)
    cloud[60:63, 60:63], cloud[60, 60], cloud[30, 30], cloud[90:93, 30:33] = 2, 1, 2, 1
    sketch = sketch_of(tmp_path, encode(reflectance), cloud)
    values, shaded = sketch.read_shaded()
    assert np.argwhere(shaded).tolist() == [[20, 20]]
    part = reflectance[:, 60:63, 60:63].reshape(4, 9)[:, 1:].mean(axis=1)
    np.testing.assert_allclose(values[:, 20, 20], part, atol=1e-4)
    clear = sketch.read()
    assert np.isnan(clear[:, 20, 20]).all() and np.isnan(values[:, 30, 10]).all()
    np.testing.assert_array_equal(clear[:, ~shaded], values[:, ~shaded])


def test_the_cells_of_a_window_cover_it():
    grid = CellGrid.of(CORNER)
    assert grid.of_pixels(Window(4, 3, 5, 4)) == Window(1, 1, 2, 2)


def test_cells_of_another_grid_or_a_cut_file_are_refused_with_words(tmp_path):
    sketch = sketch_of(tmp_path, np.ones((4, 130, 98), np.uint16), np.zeros((130, 98), np.uint8))
    with pytest.raises(SourceError, match="cells of another grid"):
        Sketch(sketch.path, CellGrid.of(Tile.parse("33TWM").geobox(60))).read()
    sketch.path.write_bytes(sketch.path.read_bytes()[:500])
    with pytest.raises(SourceError, match="cannot be read as cells"):
        sketch.read()
