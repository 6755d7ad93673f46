import numpy as np
import pytest
from rasterio.windows import Window

from pipeline.evidence import scene_folder, sureness
from pipeline.mosaic.assembly import Assembly, Offsets
from pipeline.mosaic.fusion import Fusion
from pipeline.mosaic.radiometry import Nodes, SmoothCorrection
from pipeline.mosaic.views import SceneView
from pipeline.raster import decode, opened
from pipeline.sketch import CellGrid

RESOLUTION = 600


@pytest.fixture
def fuse(tmp_path, tile, make_scene):
    """Fuse a window of flat scenes of the given values and masks, whose cells show the given ranks."""

    def run(values, masks, ranks, window, hazy=()):
        geobox = tile.geobox(RESOLUTION)
        assembly = Assembly(CellGrid.of(geobox), Offsets(tmp_path))
        assembly.rank[:], assembly.level[:] = ranks, ranks > 0
        same = SmoothCorrection.identity(Nodes.over(geobox))
        for name, (value, mask) in enumerate(zip(values, masks, strict=True), start=1):
            make_scene(str(name), np.full((4, 1, 1), value), mask)
        opens = [
            opened(scene_folder(tmp_path, str(name + 1)) / file)
            for name in range(len(values))
            for file in ("reflectance.tif", "cloud.tif")
        ]
        files = [one.__enter__() for one in opens]
        views = [
            SceneView(rank, files[2 * rank - 2], files[2 * rank - 1], same, rank in hazy)
            for rank in range(1, len(values) + 1)
        ]
        stored, origin = Fusion(views, assembly, fill_hazy=bool(hazy)).window(window)
        for one in opens:
            one.__exit__(None, None, None)
        return decode(stored), origin

    return run


def halves():
    ranks = np.ones((183, 183), np.uint8)
    ranks[:, 90:] = 2
    return ranks


def clear():
    return np.zeros((183, 183), np.uint8)


def test_a_transition_is_soft_and_ends_a_few_cells_from_the_edge(fuse):
    reflectance, (rank, sure) = fuse([0.1, 0.2], [clear()] * 2, halves(), Window(0, 0, 183, 183))
    row = reflectance[0, 50]
    assert row[80] == pytest.approx(0.1, abs=1e-4) and row[100] == pytest.approx(0.2, abs=1e-4)
    assert 0 < np.diff(row).max() < 0.03 and np.diff(row).min() > -1e-6
    assert np.array_equal(rank, halves()) and np.all(sure == 1)


def test_the_window_does_not_matter(fuse):
    scenes = [0.1, 0.2], [clear()] * 2, halves()
    whole, origin = fuse(*scenes, Window(0, 0, 183, 183))
    part, own = fuse(*scenes, Window(60, 20, 35, 71))
    assert np.array_equal(part, whole[:, 20:91, 60:95]) and np.array_equal(own, origin[:, 20:91, 60:95])


def test_a_scene_has_nothing_to_say_where_its_own_mask_is_not_clear(fuse):
    torn = clear()
    torn[:, :92] = 1
    reflectance, (rank, _) = fuse([0.1, 0.2], [clear(), torn], halves(), Window(0, 0, 183, 183))
    assert np.allclose(reflectance[:, :, :90], 0.1, atol=1e-4)
    assert np.all(rank[:, 90:92] == 1)


def test_what_the_cells_leave_open_is_filled_by_shadow_that_stays_and_then_by_haze(fuse):
    lake, covered = np.full((183, 183), 1, np.uint8), np.full((183, 183), 1, np.uint8)
    lake[:40] = 2
    ranks = np.zeros((183, 183), np.uint8)
    _, (rank, sure) = fuse([0.1, 0.2, 0.3], [lake, lake, clear()], ranks, Window(0, 0, 183, 183), hazy=(3,))
    assert np.all(rank[:40] == 1) and np.all(sure[:40] == 2)
    assert np.all(rank[40:] == 3) and np.all(sure[40:] == 3)
    alone = fuse([0.1, 0.2], [lake, covered], ranks, Window(0, 0, 183, 183))
    assert np.isnan(alone[0]).all() and not alone[1].any()


def test_sureness_knows_the_margin_around_cloud_and_shadow():
    cloud = np.zeros((9, 9), np.uint8)
    cloud[4, 4], cloud[0, 0] = 2, 255
    level = sureness(cloud, 2.0)
    assert level[4, 4] == 0 and level[0, 0] == 0
    assert level[4, 6] == 2 and level[5, 5] == 2 and level[4, 7] == 1 and level[6, 6] == 1
    assert level[0, 1] == 1
    assert sureness(cloud, 0.0)[4, 5] == 1


def test_a_window_fused_in_parts_has_the_same_pixels(fuse, monkeypatch):
    values, masks, window = [0.1, 0.2], [clear()] * 2, Window(3, 5, 180, 171)
    whole = fuse(values, masks, halves(), window)
    monkeypatch.setattr("pipeline.mosaic.fusion.MOST_HELD", 9_000)
    for one, other in zip(whole, fuse(values, masks, halves(), window), strict=True):
        np.testing.assert_array_equal(one, other)
