from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from scipy.ndimage import gaussian_filter

from pipeline.errors import SourceError, UsageError
from pipeline.ground import Cells
from pipeline.mosaic import compose
from pipeline.mosaic.writing import provenance_writer
from pipeline.raster import decode, filled, read_raster, windows

SHAPE = (183, 183)


def clear():
    return np.zeros(SHAPE, np.uint8)


def provenance(folder):
    return read_raster(folder / "provenance.tif").data


def test_each_pixel_comes_from_the_first_clear_scene(tmp_path, tile, settings, make_scene, surface):
    first, second = clear(), clear()
    first[50:90, 40:80] = 1
    second[100:120, 100:120] = 2
    scenes = [make_scene("a", surface, first), make_scene("b", surface, second)]
    report = compose(scenes, tile, settings, tmp_path)
    rank, sure = provenance(tmp_path)
    assert np.all(rank[49:91, 40:80] == 2) and np.all(rank[50:90, 39:81] == 2)
    assert np.all(rank[100:120, 100:120] == 1)
    assert (rank == 2).sum() <= 44 * 44
    assert np.all(sure == 1)
    assert report["coverage"] == 1 and report["clear"] == 1 and report["holes"] == 0
    assert report["scenes"][1]["share"] == pytest.approx((rank == 2).mean())


def test_overviews_of_provenance_name_only_scenes_that_are_there(tmp_path, tile):
    geobox = tile.geobox(60)[:600, :600]
    ranks = np.where(np.random.default_rng(1).random((200, 200)) < 0.3, 1, 3).repeat(3, 0).repeat(3, 1)
    with provenance_writer(tmp_path / "provenance.tif", geobox) as out:
        out.write(np.stack([ranks, ranks]).astype(np.uint8))
    with rasterio.open(tmp_path / "provenance.tif") as dataset:
        assert dataset.overviews(1)
        coarse = dataset.read(out_shape=(2, 300, 300), resampling=Resampling.nearest)
    assert set(np.unique(coarse)) == {1, 3}


def test_doubtful_ground_serves_only_where_nothing_is_clear(tmp_path, tile, settings, make_scene, surface):
    first, second = clear(), np.full(SHAPE, 1, np.uint8)
    first[50:90, 40:80] = 1
    scenes = [make_scene("a", surface, first), make_scene("b", surface, second)]
    compose(scenes, tile, settings, tmp_path)
    rank, sure = provenance(tmp_path)
    assert np.all(rank[50:90, 40:80] == 0) and np.all(sure[50:90, 40:80] == 0)
    assert sure[49, 60] == 2 and rank[49, 60] == 1 and sure[47, 60] == 1
    assert not filled(read_raster(tmp_path / "composite.tif").data)[50:90, 40:80].any()


def test_hazy_ground_fills_only_where_the_campaign_allows(tmp_path, tile, settings, make_scene, surface):
    first = clear()
    first[50:90, 40:80] = 1
    scenes = [make_scene("hazy", surface, clear()), make_scene("a", surface, first)]
    compose(scenes, tile, settings, tmp_path, hazy=["hazy"])
    assert provenance(tmp_path)[1, 70, 60] == 0
    allowed = replace(settings, resolution=60, fill_hazy=True)
    object.__setattr__(allowed, "resolution", settings.resolution)
    report = compose(scenes, tile, allowed, tmp_path, hazy=["hazy"])
    rank, sure = provenance(tmp_path)
    assert rank[70, 60] == 1 and sure[70, 60] == 3 and rank[10, 10] == 2 and sure[10, 10] == 1
    assert report["hazy"] > 0.04 and report["holes"] == 0


def test_what_no_scene_has_is_a_hole_and_is_told(tmp_path, tile, settings, make_scene, surface):
    torn = clear()
    torn[:, :20] = 255
    report = compose([make_scene("a", surface, torn)], tile, settings, tmp_path)
    assert report["holes"] == pytest.approx(20 / 183)
    stored = read_raster(tmp_path / "composite.tif").data
    assert not stored[:, :, :20].any() and stored[:, :, 20:].all()


def test_another_radiometry_leaves_no_patch(tmp_path, tile, settings, make_scene, surface):
    first = clear()
    first[60:120, 60:120] = 1
    scenes = [make_scene("a", surface, first), make_scene("b", surface * 1.25 + 0.005, clear())]
    report = compose(scenes, tile, settings, tmp_path)
    found = decode(read_raster(tmp_path / "composite.tif").data)
    inside = np.s_[:, 65:115, 65:115]
    bias = np.median(found[inside] / surface[inside], axis=(1, 2))
    np.testing.assert_allclose(bias, 1, atol=0.02)
    assert report["scenes"][0]["gain"] == [1, 1, 1, 1]
    assert all(gain < 0.9 for gain in report["scenes"][1]["gain"])


def test_transitions_inside_a_tile_are_soft(tmp_path, tile, settings, make_scene):
    fine = replace(settings, resolution=60)
    object.__setattr__(fine, "resolution", 100)
    shape = (1098, 1098)
    first, plain = np.zeros(shape, np.uint8), np.full((4, *shape), 0.06)
    first[300:400, 300:400] = 1
    plain[3] = 0.3
    plain += np.random.default_rng(1).uniform(-3e-4, 3e-4, plain.shape)
    plain[:, 600:] += 0.03  # Elsewhere ground of this look has not changed, so that the patch stays.
    second = plain.copy()
    second[:, 280:420, 280:420] += 0.03
    scenes = [make_scene("a", plain, first, 100), make_scene("b", second, np.zeros(shape, np.uint8), 100)]
    compose(scenes, tile, fine, tmp_path)
    row = decode(read_raster(tmp_path / "composite.tif").data)[0, 350]
    assert row[350] == pytest.approx(0.09, abs=1e-3) and row[100] == pytest.approx(0.06, abs=1e-3)
    assert np.abs(np.diff(row)).max() < 0.03 / 2


def missed_cloud(surface):
    cloudy = surface.copy()
    cloudy[:, 20:40, 20:40] = 0.45
    return cloudy


def test_a_cloud_that_the_mask_missed_is_replaced_by_the_date_that_shows_the_ground(
    tmp_path, tile, settings, make_scene, surface
):
    scenes = [make_scene("a", missed_cloud(surface), clear()), make_scene("b", surface, clear())]
    report = compose(scenes, tile, settings, tmp_path)
    rank, sure = provenance(tmp_path)
    assert np.all(rank[20:40, 20:40] == 2) and np.all(sure == 1)
    assert rank[100, 100] == 1 and report["residual_cloud"] == 0


def test_ground_in_shadow_on_another_date_is_not_taken_for_a_cloud(
    tmp_path, tile, settings, make_scene, surface
):
    sand, shaded = surface.copy(), surface.copy()
    sand[:, 20:40, 20:40] = np.array([0.34, 0.26, 0.18, 0.42])[:, None, None]
    shaded[:, 20:40, 20:40] = np.array([0.14, 0.11, 0.09, 0.17])[:, None, None]
    compose([make_scene("a", sand, clear()), make_scene("b", shaded, clear())], tile, settings, tmp_path)
    assert np.all(provenance(tmp_path)[0] == 1)


def test_residual_cloud_is_told_where_no_date_is_surer(tmp_path, tile, settings, make_scene, surface):
    speckled = clear()
    speckled[20:40:3, 20:40:3] = 1
    scenes = [make_scene("a", missed_cloud(surface), clear()), make_scene("b", surface, speckled)]
    report = compose(scenes, tile, settings, tmp_path)
    assert 0 < report["residual_cloud"] < 400 / 183**2
    clean = compose([make_scene("a", surface, clear()), scenes[1]], tile, settings, tmp_path)
    assert clean["residual_cloud"] == 0


def test_a_shadow_that_stays_is_dark_ground(tmp_path, tile, settings, make_scene, surface):
    lake, cast = clear(), clear()
    lake[20:40, 20:40] = 2
    cast[20:40, 20:40] = cast[60:70, 60:70] = 2
    once = [make_scene("a", surface, cast)]
    compose(once, tile, settings, tmp_path)
    assert np.all(provenance(tmp_path)[0][20:40, 20:40] == 0)
    compose([*once, make_scene("b", surface, lake)], tile, settings, tmp_path)
    rank, sure = provenance(tmp_path)
    assert np.all(sure[20:40, 20:40] == 2) and np.all(rank[20:40, 20:40] == 1)
    assert np.all(rank[60:70, 60:70] == 2) and np.all(sure[60:70, 60:70] == 1)


def test_dark_ground_comes_from_the_date_on_which_no_shadow_lies(
    tmp_path, tile, settings, make_scene, surface
):
    lake, water, shaded = clear(), surface.copy(), surface.copy()
    lake[20:40, 20:40] = 2
    water[:, 20:40, 20:40] = np.array([0.05, 0.06, 0.06, 0.04])[:, None, None]
    shaded[:, 20:40, 20:40] = np.array([0.02, 0.028, 0.034, 0.012])[:, None, None]
    compose([make_scene("a", shaded, lake), make_scene("b", water, lake)], tile, settings, tmp_path)
    rank, sure = provenance(tmp_path)
    assert np.all(rank[20:40, 20:40] == 2) and np.all(sure[20:40, 20:40] == 2)
    assert np.all(rank[60:, 60:] == 1)


def test_dark_ground_is_shown_rather_than_the_cloud_that_hides_it(
    tmp_path, tile, settings, make_scene, surface
):
    lake, fringe, water = clear(), clear(), surface.copy()
    lake[20:40, 20:40] = 2
    fringe[20:40:2, 20:40] = 1
    water[:, 20:40, 20:40] = np.array([0.05, 0.06, 0.06, 0.04])[:, None, None]
    cloudy = water.copy()
    cloudy[:, 20:40, 20:40] = 0.45
    compose([make_scene("a", cloudy, fringe), make_scene("b", water, lake)], tile, settings, tmp_path)
    rank, sure = provenance(tmp_path)
    part = slice(25, 36, 2), slice(24, 36)
    assert np.all(rank[part] == 2) and np.all(sure[part] == 2)
    shown = decode(read_raster(tmp_path / "composite.tif").data)
    assert np.abs(shown - water)[(slice(None), *part)].max() < 0.01


def test_the_cell_means_of_the_composite_are_written(tmp_path, tile, settings, make_scene, surface):
    compose([make_scene("a", surface, clear())], tile, settings, tmp_path)
    cells = Cells.load(tmp_path / "balance.npz")
    assert cells.epsg == 32633 and cells.usable.mean() > 0.9
    assert cells.mean[3][cells.usable].mean() == pytest.approx(0.3, rel=0.02)


def test_a_build_made_twice_is_the_same_to_the_byte(tmp_path, tile, settings, make_scene, surface):
    scenes = [make_scene("a", surface, clear()), make_scene("b", surface * 1.1, clear())]
    compose(scenes, tile, settings, tmp_path)
    first = [(tmp_path / name).read_bytes() for name in ("composite.tif", "provenance.tif", "balance.npz")]
    compose(scenes, tile, settings, tmp_path)
    assert first == [
        (tmp_path / name).read_bytes() for name in ("composite.tif", "provenance.tif", "balance.npz")
    ]


def test_neither_threads_nor_windows_change_the_composite(
    tmp_path, tile, settings, make_scene, surface, monkeypatch
):
    first, second = clear(), clear()
    first[50:90, 40:80] = 1
    second[:, :60] = 255
    scenes = [make_scene("a", surface, first), make_scene("b", 1.1 * surface + 0.01, second)]
    found = []
    for threads, size in ((1, 512), (3, 512), (3, 48)):
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        monkeypatch.setitem(compose.__globals__, "windows", partial(windows, size=size))
        compose(scenes, tile, settings, tmp_path)
        found.append((read_raster(tmp_path / "composite.tif").data, provenance(tmp_path)))
    for pixels, origin in found[1:]:
        assert np.array_equal(pixels, found[0][0]) and np.array_equal(origin, found[0][1])


def test_no_scenes_and_missing_files_are_refused(tmp_path, tile, settings, make_scene, surface):
    with pytest.raises(UsageError, match="0"):
        compose([], tile, settings, tmp_path)
    scene = make_scene("a", surface, clear())
    (tmp_path / "scenes" / "a" / "cloud.tif").unlink()
    with pytest.raises(SourceError, match=r"cloud\.tif"):
        compose([scene], tile, settings, tmp_path)
    assert not (tmp_path / "composite.tif").exists()


def test_the_bytes_do_not_depend_on_the_number_of_threads(
    tmp_path, tile, settings, make_scene, surface, monkeypatch
):
    rng, scenes = np.random.default_rng(6), []
    for name in "abcd":
        cloud = gaussian_filter(rng.random(SHAPE), 6)
        cloud = np.digitize(-cloud, np.quantile(-cloud, [0.6, 0.9])).astype(np.uint8)
        changed = surface * rng.uniform(0.9, 1.1, (4, 1, 1)) + rng.normal(0, 0.002, surface.shape)
        scenes.append(make_scene(name, changed.astype(np.float32), cloud))
    made = []
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        report = compose(scenes, tile, settings, tmp_path)
        made.append([(tmp_path / name).read_bytes() for name in ("composite.tif", "provenance.tif")])
    assert made[0] == made[1]
    assert report["doubtful"] > 0.001 and len(np.unique(provenance(tmp_path)[0])) >= 4
