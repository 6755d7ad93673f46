import errno
import os

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.windows import Window

from pipeline import raster
from pipeline.errors import SourceError, StorageError, StorageFull
from pipeline.grid import Tile
from pipeline.raster import (
    Raster,
    decode,
    encode,
    filled,
    opened,
    padded,
    raster_writer,
    read_raster,
    window_geobox,
    windows,
    write_raster,
)

GEOBOX = Tile.parse("33TWL").geobox(600)


@given(arrays.arrays(np.float32, (4, 3, 3), elements=st.floats(-0.25, 6.5, width=32)))
def test_stored_reflectance_is_never_empty_where_valid_and_comes_back(reflectance):
    stored = encode(reflectance)
    assert stored.dtype == np.uint16 and filled(stored).all()
    assert np.abs(decode(stored) - np.clip(reflectance, 0, None)).max() <= 0.51e-4


def test_a_pixel_is_empty_where_any_band_is():
    reflectance = np.full((4, 2, 2), 0.1, np.float32)
    reflectance[2, 0, 1] = np.nan
    stored = encode(reflectance)
    assert filled(stored).tolist() == [[True, False], [True, True]]
    assert (stored[:, 0, 1] == 0).all()
    assert np.isnan(decode(stored)[:, 0, 1]).all()


def test_windows_tile_the_raster_once():
    seen = np.zeros((1300, 700), int)
    for window in windows(seen.shape, 512):
        seen[window.toslices()] += 1
    assert (seen == 1).all()


@given(st.integers(0, 90), st.integers(0, 90), st.integers(1, 40), st.integers(0, 50))
def test_a_padded_window_holds_the_window(top, left, size, margin):
    whole = np.arange(100 * 100).reshape(100, 100)
    window = Window(left, top, min(size, 100 - left), min(size, 100 - top))
    outer, inner = padded(window, margin, whole.shape)
    assert (whole[outer.toslices()][inner] == whole[window.toslices()]).all()


def test_a_written_raster_reads_back_with_its_grid(tmp_path):
    data = np.random.default_rng(1).integers(0, 60000, (4, 183, 183), dtype=np.uint16)
    write_raster(tmp_path / "a.tif", Raster(data, GEOBOX), nodata=0, descriptions=("r", "g", "b", "n"))
    back = read_raster(tmp_path / "a.tif")
    assert (back.data == data).all() and back.geobox == GEOBOX
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_a_cog_has_overviews_and_near_infrared_is_no_alpha(tmp_path):
    geobox = Tile.parse("33TWL").geobox(60)
    data = np.full((4, *geobox.shape), 7, np.uint8)
    write_raster(
        tmp_path / "m.tif", Raster(data, geobox), nodata=0, cog=True, picture=True, tags={"TONE": "x"}
    )
    with rasterio.open(tmp_path / "m.tif") as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.overviews(1)
        assert dataset.colorinterp[:3] == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        assert dataset.colorinterp[3] == ColorInterp.undefined
        assert dataset.tags()["TONE"] == "x"


def test_what_is_not_finished_leaves_the_old_file_and_nothing_else(tmp_path):
    write_raster(tmp_path / "a.tif", Raster(np.ones((1, 183, 183), np.uint8), GEOBOX))
    before = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(RuntimeError), raster_writer(tmp_path / "a.tif", GEOBOX, 1, "uint8", cog=True):
        raise RuntimeError("a stage that throws")
    assert (tmp_path / "a.tif").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_a_foreign_file_is_refused_in_words(tmp_path):
    (tmp_path / "x.tif").write_text("no raster")
    with pytest.raises(SourceError, match=r"x\.tif cannot be read as a raster"), opened(tmp_path / "x.tif"):
        pass


def test_a_full_disk_is_told_as_such():
    with pytest.raises(StorageError, match="disk is full"):
        write_raster_to_full_device()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_and_a_quota_are_told_as_such_also_where_gdal_tells_of_them(tmp_path, code, monkeypatch):
    monkeypatch.setattr(raster, "nearly_full", lambda folder: False)
    written = RasterioError(f"Write error at scanline 512: {os.strerror(code)}")
    assert isinstance(raster._write_error(written, tmp_path / "a.tif"), StorageFull)
    of_python = RasterioError("Write failed")
    of_python.__cause__ = OSError(code, os.strerror(code))
    assert isinstance(raster._write_error(of_python, tmp_path / "a.tif"), StorageFull)
    assert not isinstance(raster._write_error(RasterioError("Write failed"), tmp_path / "a.tif"), StorageFull)


@pytest.mark.parametrize("kept", [0, 4, 200])
def test_what_a_disk_that_was_full_has_left_of_a_raster_is_told_as_such(tmp_path, kept, monkeypatch):
    """By then the disk may have room again, so that only the file tells."""
    require_whole = raster._require_whole

    def cut(written, path):
        with written.open("r+b") as file:
            file.truncate(kept)
        require_whole(written, path)

    monkeypatch.setattr(raster, "_require_whole", cut)
    path = tmp_path / "mask.tif"
    with pytest.raises(StorageFull, match=r"mask\.tif could not be written whole"):
        write_raster(path, Raster(np.ones((1, *GEOBOX.shape), np.uint8), GEOBOX))
    assert not list(tmp_path.iterdir())


def write_raster_to_full_device():
    from pathlib import Path

    from pipeline.storage import storage_error

    try:
        Path("/dev/full").write_bytes(b"x" * 10)
    except OSError as error:
        raise storage_error(error, Path("mosaic.tif")) from error


def test_a_windows_grid_lies_where_the_window_lies():
    part = window_geobox(GEOBOX, Window(3, 5, 10, 20))
    assert part.shape == (20, 10)
    assert part.affine @ (0, 0) == GEOBOX.affine @ (3, 5)
