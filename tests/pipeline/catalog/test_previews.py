"""The preview of 343 x 343, from the product's own picture or from its bands."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import rasterio

from pipeline.catalog import read_preview
from pipeline.catalog.http import Http
from pipeline.catalog.previews import BRIGHTEST
from pipeline.errors import SourceError, TransientSourceError
from pipeline.grid import Tile
from tests.mishaps import FAULTS, other_range
from tests.pipeline.catalog.making import scene_of, surface, write_band, write_bands

PICTURE = {"resolution": 320, "dtype": "uint8", "photometric": "RGB"}


def picture() -> np.ndarray:
    counts = np.random.default_rng(3).integers(1, 256, (3, 343, 343))
    counts[:, :, :100] = 0
    return counts


@pytest.mark.parametrize("suffix", [".jp2", ".tif", ".png"])
def test_the_products_own_picture_is_read_as_reflectance(tmp_path, suffix):
    counts = picture()
    options = {"driver": "PNG", "nodata": None} if suffix == ".png" else {}
    path = write_band(tmp_path / f"PVI{suffix}", counts, **PICTURE, **options)
    preview = read_preview(replace(scene_of({}), preview=str(path)))
    assert preview.shape == (3, 343, 343)
    assert preview.dtype == np.float32
    assert np.isnan(preview[:, :, :102]).all()
    np.testing.assert_allclose(preview[:, :, 102:], counts[:, :, 102:] / 255 * 0.3558, rtol=1e-6)


@pytest.mark.parametrize("resolution", [600, 300])
def test_without_a_picture_the_bands_serve(tmp_path, resolution):
    side = 109_800 // resolution
    counts = np.broadcast_to(np.array([500, 1000, 2000, 3000])[:, None, None], (4, side, side)).copy()
    counts[:, :, : side // 2] = 0
    preview = read_preview(scene_of(write_bands(tmp_path, counts, resolution=resolution)))
    assert preview.shape == (3, 343, 343)
    assert np.isnan(preview[:, :, :171]).all()
    np.testing.assert_allclose(
        preview[:, 100, 190:], np.array([[0.05], [0.1], [0.2]]) * np.ones(153), rtol=1e-5
    )


def test_bright_ground_is_clipped(tmp_path):
    preview = read_preview(scene_of(write_bands(tmp_path, surface() + 5000)))
    assert np.nanmax(preview) == pytest.approx(BRIGHTEST)


def test_a_picture_of_another_size_is_passed_over(tmp_path):
    path = write_band(tmp_path / "PVI.tif", picture()[:, :300, :300], **PICTURE)
    bands = write_bands(tmp_path, surface())
    assert not np.isnan(read_preview(replace(scene_of(bands), preview=str(path)))).any()


def test_a_broken_picture_is_passed_over(tmp_path):
    path = write_band(tmp_path / "PVI.jp2", picture(), **PICTURE)
    path.write_bytes(path.read_bytes()[:900])
    bands = write_bands(tmp_path, surface())
    assert not np.isnan(read_preview(replace(scene_of(bands), preview=str(path)))).any()


def test_the_picture_of_another_tile_is_refused(tmp_path):
    path = write_band(tmp_path / "PVI.tif", picture(), tile="33TWM", **PICTURE)
    with pytest.raises(SourceError, match="lies outside its tile 33TWL"):
        read_preview(replace(scene_of({}), preview=str(path)))


def test_parts_fill_each_others_previews(tmp_path):
    west, east = surface(1), surface(2)
    west[:, :, 120:] = 0
    east[:, :, :80] = 0
    parts = tuple(
        scene_of(write_bands(tmp_path / name, c), id=name) for name, c in (("a", west), ("b", east))
    )
    assert not np.isnan(read_preview(replace(parts[0], parts=parts))).any()


def test_a_real_preview_is_read(shared_data):
    path = shared_data / "preview_19UDP_20170729" / "preview.jp2"
    preview = read_preview(replace(scene_of({}, tile="19UDP"), preview=str(path)))
    assert 0.36 < np.isnan(preview[0]).mean() < 0.41
    assert 0 < np.nanmin(preview) < np.nanmax(preview) <= np.float32(BRIGHTEST)
    with rasterio.open(path) as dataset:
        assert dataset.transform.almost_equals(Tile.parse("19UDP").transform(320))


# A picture has no ranges, and none of those that there are has to have a checksum.
PASSING = FAULTS.keys() - {"wrong length", "wrong range", "one byte wrong"}


@pytest.mark.parametrize("name", sorted(PASSING))
def test_a_picture_far_away_is_the_same_whatever_goes_wrong_on_the_way(files, name):
    path = write_band(files.folder / "PVI.png", picture(), driver="PNG", nodata=None, **PICTURE)
    far = replace(scene_of({}), preview=files.at(path))
    http = Http(8, 0.001, patience=0.1)
    files.mishaps += [mishap for mishap in FAULTS[name] if mishap != other_range]
    np.testing.assert_array_equal(read_preview(far, http), read_preview(replace(far, preview=str(path))))
    assert http.received >= path.stat().st_size and not files.mishaps


@pytest.mark.parametrize("name", sorted(PASSING | {"one byte wrong"}))
def test_a_picture_with_a_checksum_is_held_against_it(files, name):
    path = write_band(files.folder / "PVI.png", picture(), driver="PNG", nodata=None, **PICTURE)
    checksum = f"1220{hashlib.sha256(path.read_bytes()).hexdigest()}"
    far = replace(scene_of({}), preview=files.at(path), preview_checksum=checksum)
    files.mishaps += [mishap for mishap in FAULTS[name] if mishap != other_range]
    found = read_preview(far, Http(8, 0.001, patience=0.1))
    np.testing.assert_array_equal(found, read_preview(replace(far, preview=str(path))))
    assert not files.mishaps


def test_a_picture_that_never_has_its_checksum_is_tried_again_later(files):
    path = write_band(files.folder / "PVI.png", picture(), driver="PNG", nodata=None, **PICTURE)
    far = replace(scene_of({}), preview=files.at(path), preview_checksum=f"1220{'0' * 64}")
    with pytest.raises(TransientSourceError, match="other bytes than its item states"):
        read_preview(far, Http(8, 0.001))


def test_a_picture_that_is_not_there_gives_way_to_the_bands(files, caplog):
    bands = write_bands(files.folder, surface())
    scene = replace(scene_of(bands), preview=files.at("PVI.jp2"))
    np.testing.assert_array_equal(read_preview(scene), read_preview(scene_of(bands)))
    assert "PVI.jp2 answered with status 404" in caplog.text


@pytest.mark.parametrize("options", [{"driver": "COG", "blocksize": 128}, {}], ids=["COG", "no COG"])
def test_bands_far_away_give_what_local_ones_do(files, options):
    paths = write_bands(files.folder, surface(side=1830), resolution=60, **options)
    far = scene_of({band: files.at(path) for band, path in paths.items()})
    np.testing.assert_array_equal(read_preview(far), read_preview(scene_of(paths)))
