"""Scenes come onto a grid in one radiometry, without bleeding and without the ringing edge."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog import read_scene, scene_reader
from pipeline.catalog.sampling import TRIM, axis, bilinear
from pipeline.errors import SourceError
from pipeline.grid import Tile
from tests.pipeline.catalog.making import NAMES, SIDE, scene_of, surface, write_band, write_bands

TILE = Tile.parse("33TWL")
GRID = TILE.geobox(600)


def swath(side: int = SIDE, first: int = 40) -> np.ndarray:
    """A surface whose west, up to a slanted line, was not seen."""
    counts = surface(side=side)
    counts[:, np.arange(side)[:, np.newaxis] // 4 + first > np.arange(side)] = 0
    return counts


def test_the_sources_own_pixels_are_taken_as_they_are(tmp_path):
    counts = surface()
    stored = read_scene(scene_of(write_bands(tmp_path, counts)), GRID)
    assert stored.dtype == np.uint16
    np.testing.assert_array_equal(stored, counts + 1)


def test_mixed_baselines_give_one_radiometry(tmp_path):
    ground = surface()
    old = scene_of(write_bands(tmp_path / "old", ground), baseline="02.14", scale=1e-4, offset=0.0)
    new = scene_of(write_bands(tmp_path / "new", ground + 1000), baseline="05.09", scale=1e-4, offset=-0.1)
    np.testing.assert_array_equal(read_scene(old, GRID), read_scene(new, GRID))


def test_ground_darker_than_nothing_is_not_empty(tmp_path):
    counts = surface() + 1000
    counts[:, 5, 5] = 1
    stored = read_scene(scene_of(write_bands(tmp_path, counts), offset=-0.1), GRID)
    assert (stored[:, 5, 5] == 1).all()


def test_three_pixels_along_the_empty_swath_go_too(tmp_path):
    counts = swath()
    stored = read_scene(scene_of(write_bands(tmp_path, counts)), GRID)
    row = 90
    first = np.flatnonzero(counts[0, row])[0]
    kept = np.flatnonzero(stored[0, row])
    assert TRIM <= kept[0] - first <= TRIM + 1
    assert kept[-1] == SIDE - 1
    assert (stored[:, :, -1] > 0).all()


def test_the_tiles_own_border_is_not_trimmed(tmp_path):
    stored = read_scene(scene_of(write_bands(tmp_path, surface())), GRID)
    assert (stored > 0).all()


def test_the_swath_is_trimmed_up_to_the_border(tmp_path):
    counts = surface()
    counts[:, :, :20] = 0
    stored = read_scene(scene_of(write_bands(tmp_path, counts)), GRID)
    assert (stored[:, :, :23] == 0).all()
    assert (stored[:, :, 23:] > 0).all()


def test_a_dark_pixel_inside_the_scene_stays_alone(tmp_path):
    counts = surface()
    counts[0, 60, 60] = 0
    counts[2, 100, 0] = 0
    stored = read_scene(scene_of(write_bands(tmp_path, counts)), GRID)
    empty = (stored == 0).any(axis=0)
    assert list(zip(*np.nonzero(empty), strict=True)) == [(60, 60), (100, 0)]
    assert (stored[:, 60, 60] == 0).all()


@pytest.mark.parametrize("shift", [0, 0.5])
def test_coarser_sources_are_interpolated_and_empty_pixels_do_not_bleed(tmp_path, shift):
    transform = rasterio.Affine(1200, 0, TILE.left, 0, -1200, TILE.top - 1200 * shift)
    counts = np.full((4, 90, 90), 3000)
    counts[:, 40, 40] = 0
    counts[:, :, :20] = 0
    scene = scene_of(write_bands(tmp_path, counts, transform=transform))
    stored = read_scene(scene, GRID)
    assert set(np.unique(stored)) == {0, 3001}
    empty = (stored[0] == 0).astype(int)
    row = 40 * 2 + int(2 * shift)
    assert empty[row - 2 : row + 4, 78:84].sum() == 4
    assert empty[100, : 2 * (20 + TRIM)].all()
    assert not empty[100, 2 * (20 + TRIM) : 180].any()
    assert empty[:, 180:].all()


def test_interpolation_is_exact_on_a_plane(tmp_path):
    rows, cols = np.mgrid[:90, :90]
    counts = np.broadcast_to(2000 + 8 * rows + 4 * cols, (4, 90, 90))
    stored = read_scene(scene_of(write_bands(tmp_path, counts, resolution=1200)), GRID).astype(int)
    fine_rows, fine_cols = (np.mgrid[:180, :180] + 0.5) / 2 - 0.5
    expected = np.rint(2000 + 8 * fine_rows + 4 * fine_cols) + 1
    inner = (0, slice(2, 178), slice(2, 178))
    assert np.abs(stored[inner] - expected[inner[1:]]).max() <= 1


def test_finer_sources_are_read_as_means_in_which_empty_pixels_do_not_count(tmp_path):
    counts = np.full((4, 366, 366), 2000)
    counts[:, 1::2] = 4000
    counts[:, :, :100] = 0
    counts[:, 201, 201] = 0
    stored = read_scene(scene_of(write_bands(tmp_path, counts, resolution=300)), GRID)
    assert set(np.unique(stored)) <= {0, 3001, 2668, 2667}
    assert (stored[:, :, :53] == 0).all()
    assert (stored[:, :, 53:] > 0).all()
    assert stored[0, 100, 100] in (2667, 2668)


@pytest.mark.parametrize(("suffix", "options"), [(".jp2", {}), (".tif", {"driver": "COG", "blocksize": 128})])
def test_overviews_lie_where_their_pixels_do(tmp_path, suffix, options):
    rows, cols = np.mgrid[:1830, :1830]
    path = write_band(tmp_path / f"band{suffix}", 1000 + 20 * rows + 10 * cols, resolution=60, **options)
    with rasterio.open(path) as dataset:
        assert 8 in dataset.overviews(1)
    stored = read_scene(scene_of(dict.fromkeys(NAMES, path)), GRID)[0].astype(float) - 1
    rows, cols = (np.mgrid[:SIDE, :SIDE] + 0.5) * 10 - 0.5
    source_pixel = 20 + 10
    assert np.abs(stored - (1000 + 20 * rows + 10 * cols))[3:-3, 3:-3].max() < source_pixel


@settings(max_examples=25, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("resolution", [600, 1200, 300])
def test_windows_do_not_change_the_result(tmp_path_factory, resolution, data):
    folder = tmp_path_factory.getbasetemp() / f"windows-{resolution}"
    if not folder.exists():
        write_bands(folder, swath(109_800 // resolution, 30), resolution=resolution)
    scene = scene_of({band: folder / f"{name}.tif" for band, name in NAMES.items()})
    top, left = data.draw(st.integers(0, SIDE - 1)), data.draw(st.integers(0, SIDE - 1))
    height, width = data.draw(st.integers(1, SIDE - top)), data.draw(st.integers(1, SIDE - left))
    window = Window(left, top, width, height)
    with scene_reader(scene, GRID) as reader:
        np.testing.assert_array_equal(
            reader.read(window), read_scene(scene, GRID)[(slice(None), *window.toslices())]
        )


def test_parts_fill_each_other_in_order(tmp_path):
    west, east = surface(1), surface(2)
    west[:, :, 120:] = 0
    east[:, :, :80] = 0
    parts = tuple(
        scene_of(write_bands(tmp_path / name, counts), id=name) for name, counts in (("a", west), ("b", east))
    )
    stored = read_scene(replace(parts[0], parts=parts), GRID)
    np.testing.assert_array_equal(stored[:, :, :117], west[:, :, :117] + 1)
    np.testing.assert_array_equal(stored[:, :, 117:], east[:, :, 117:] + 1)


def test_a_crop_leaves_the_rest_empty(tmp_path):
    counts = surface(side=50)
    transform = rasterio.Affine(600, 0, TILE.left + 30 * 600, 0, -600, TILE.top - 60 * 600)
    stored = read_scene(scene_of(write_bands(tmp_path, counts, transform=transform)), GRID)
    np.testing.assert_array_equal(stored[:, 60:110, 30:80], counts + 1)
    assert (stored > 0).sum() == counts.size


@given(st.integers(0, 50), st.integers(1, 40), st.floats(0.1, 4), st.floats(-3, 3))
def test_bilinear_of_a_constant_is_the_constant(first, count, factor, shift):
    rows = axis(first, count, factor, shift)
    start, end = rows.low[0], rows.low[-1] + 2
    valid = np.random.default_rng(first).random((end - start, end - start)) < 0.5
    values = np.where(valid, 7.0, np.nan)[np.newaxis]
    result, kept = bilinear(values, valid, rows.shifted(start), rows.shifted(start))
    np.testing.assert_allclose(result[0][kept], 7.0)


class TestWhatCannotBeRead:
    """Each names the scene and what is wrong."""

    def refused(self, scene, reason, grid: GeoBox = GRID):
        with pytest.raises(SourceError, match=reason) as caught:
            read_scene(scene, grid)
        assert scene.id in str(caught.value)

    def test_a_missing_band(self, tmp_path):
        scene = scene_of(write_bands(tmp_path, surface()))
        self.refused(
            replace(scene, assets={k: v for k, v in scene.assets.items() if k != "nir"}), "no nir band"
        )

    def test_a_missing_file(self, tmp_path):
        paths = write_bands(tmp_path, surface())
        paths["blue"].unlink()
        self.refused(scene_of(paths), "B02.tif: No such file")

    @pytest.mark.parametrize("length", [0, 100, 2000])
    def test_a_truncated_jp2(self, tmp_path, length):
        paths = write_bands(tmp_path, surface(), ".jp2")
        paths["green"].write_bytes(paths["green"].read_bytes()[:length])
        self.refused(scene_of(paths), "cannot be read|broken off")

    @pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
    def test_a_jp2_that_broke_off_in_any_of_its_blocks(self, tmp_path, share):
        paths = write_bands(tmp_path, surface(), ".jp2", BLOCKXSIZE=64, BLOCKYSIZE=64)
        content = paths["nir"].read_bytes()
        paths["nir"].write_bytes(content[: int(len(content) * share)])
        self.refused(scene_of(paths), "nir band of scene .* is broken off")

    def test_a_page_instead_of_an_image(self, tmp_path):
        paths = write_bands(tmp_path, surface())
        paths["red"].write_text("<html>sorry</html>")
        self.refused(scene_of(paths), "cannot be read")

    def test_another_zone(self, tmp_path):
        self.refused(scene_of(write_bands(tmp_path, surface(), tile="34TBR")), "EPSG:32634")

    def test_another_tile(self, tmp_path):
        self.refused(scene_of(write_bands(tmp_path, surface(), tile="33TWN")), "outside the tile 33TWL")

    def test_a_picture_of_8_bits(self, tmp_path):
        self.refused(scene_of(write_bands(tmp_path, surface() % 255 + 1, dtype="uint8")), "type uint8")

    def test_bands_on_two_grids(self, tmp_path):
        paths = write_bands(tmp_path, surface())
        write_band(paths["nir"], surface(side=90)[3], resolution=1200)
        self.refused(scene_of(paths), "nir band .* another grid")

    def test_a_file_without_projection(self, tmp_path):
        self.refused(scene_of(write_bands(tmp_path, surface(), crs=None)), "no projection")

    def test_an_absurd_size(self, tmp_path):
        path = tmp_path / "huge.tif"
        write_band(path, np.ones((1, 1)), width=300_000, height=1, SPARSE_OK=True)
        self.refused(scene_of(dict.fromkeys(("red", "green", "blue", "nir"), path)), "300000 pixels")

    def test_a_format_that_could_point_elsewhere(self, tmp_path):
        path = tmp_path / "x.vrt"
        path.write_text("<VRTDataset rasterXSize='1' rasterYSize='1'/>")
        self.refused(scene_of(dict.fromkeys(("red", "green", "blue", "nir"), path)), "is no .jp2")
