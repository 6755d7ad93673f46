import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import imagery
from pipeline.errors import SourceError
from pipeline.evidence import CLEAR, DOUBTFUL, SHADOW, sureness
from pipeline.imagery.coverage import ALL, OPEN, UNCLEAR, best_views

from .conftest import SHAPE


def clear():
    return np.zeros(SHAPE, np.uint8)


def test_shares_are_of_the_surest_view_that_any_scene_has(tmp_path, tile, settings, make_mask):
    first, second = clear(), clear()
    first[:100], second[50:] = 1, 255
    found = imagery.coverage([make_mask("a", first), make_mask("b", second)], tile, settings, tmp_path)
    assert found.holes == pytest.approx(50 / 183)
    assert found.doubtful == pytest.approx(1 / 183)
    assert found.clear + found.doubtful + found.holes == pytest.approx(1)
    assert found.share == pytest.approx(133 / 183)


def test_clear_ground_beside_cloud_is_doubtful_unless_another_scene_is_sure(
    tmp_path, tile, settings, make_mask
):
    first, second = clear(), np.full(SHAPE, 255, np.uint8)
    first[80:100, 80:100] = 1
    alone = imagery.coverage([make_mask("a", first)], tile, settings, tmp_path)
    assert alone.doubtful == pytest.approx(4 * 20 / 183**2)
    second[70:110, 70:110] = 0
    both = imagery.coverage([make_mask("a", first), make_mask("b", second)], tile, settings, tmp_path)
    assert both.doubtful == 0 and both.holes == 0


def test_each_scene_is_credited_with_what_it_newly_clears(tmp_path, tile, settings, make_mask):
    first = clear()
    first[:60] = 255
    found = imagery.coverage([make_mask("a", first), make_mask("b", clear())], tile, settings, tmp_path)
    assert found.adds == {"a": pytest.approx(123 / 183), "b": pytest.approx(60 / 183)}


def test_holes_are_placed_on_the_preview_grid(tmp_path, tile, settings, make_mask):
    torn = clear()
    torn[:, 90:] = 255
    found = imagery.coverage([make_mask("a", torn)], tile, settings, tmp_path)
    shares = found.uncovered_preview
    assert shares.shape == (343, 343)
    west, east = shares[:, : 90 * 600 // 320], shares[:, 90 * 600 // 320 + 2 :]
    assert not west.any() and east.max() == 1


def test_what_is_clear_in_no_scene_is_placed_but_not_shadow_that_stays(tmp_path, tile, settings, make_mask):
    first, second = clear(), clear()
    first[:60], second[40:90] = 1, 1
    first[150:, 100:], second[150:, 100:] = 2, 2
    found = imagery.coverage([make_mask("a", first), make_mask("b", second)], tile, settings, tmp_path)
    shares = found.unclear_preview
    # Both in cloud from row 40 to 60; one pixel further either way the other is clear, but beside its cloud.
    middles = (np.arange(39, 61) + 0.5) * 600 / 320
    assert np.array_equal(np.flatnonzero(shares[:280].any(axis=1)), middles.astype(int))
    assert shares.max() == 1
    assert not shares[152 * 600 // 320 :, 102 * 600 // 320 :].any()


def test_a_missing_mask_is_named(tmp_path, tile, settings, make_mask):
    scene = make_mask("a", clear())
    (tmp_path / "scenes" / "a" / "cloud.tif").unlink()
    with pytest.raises(SourceError, match=r"cloud\.tif"):
        imagery.coverage([scene], tile, settings, tmp_path)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(0, 4), covered=st.sampled_from([0.0, 0.001, 0.02, 0.3]))
def test_what_a_window_shows_at_best_is_that_of_all_scenes(seed, count, covered):
    rng = np.random.default_rng(seed)
    codes = np.array([0, 1, SHADOW, 255], np.uint8)
    clouds = [rng.choice(codes, (40, 50), p=[1 - covered, *[covered / 3] * 3]) for _ in range(count)]
    inner, places = (slice(3, 37), slice(2, 47)), (np.arange(34) // 8, np.arange(45) // 8)
    counts, gained, found = best_views(iter(clouds), count, inner, 2.0, places)
    best, shadows, expected = np.zeros((34, 45), int), np.zeros((34, 45), int), []
    for cloud in clouds:
        shadows += cloud[inner] == SHADOW
    best[shadows > 1] = DOUBTFUL
    for cloud in clouds:
        level = sureness(cloud, 2.0)[inner]
        expected.append(int(((level == CLEAR) & (best != CLEAR)).sum()))
        best = np.where(level == CLEAR, CLEAR, np.where((level == DOUBTFUL) & (best == 0), DOUBTFUL, best))
    assert np.array_equal(counts, np.bincount(best.ravel(), minlength=3)) and gained.tolist() == expected
    for kind, marked in ((ALL, best >= 0), (OPEN, best == 0), (UNCLEAR, (best != CLEAR) & (shadows < 2))):
        cells = np.zeros(found.shape[1:], int)
        np.add.at(cells, (places[0][:, None], places[1][None, :]), marked)
        assert np.array_equal(found[kind], cells)
