"""Local contrast against true colour: exact for every table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.raster import encode
from pipeline.tone import Tone, asinh_curve, default_curve
from pipeline.tone.contrast import NEEDED, TENTHS, Crossings, Picture, measure, true_colour


@st.composite
def pictures(draw: st.DrawFn) -> list[Picture]:
    """One to three small pictures with ties, empty pixels and pixels that are not clear."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        shape = (draw(st.integers(2, 9)), draw(st.integers(2, 9)))
        rng = np.random.default_rng(draw(st.integers(0, 2**32)))
        stored = rng.integers(1, draw(st.integers(30, 9_000)), (4, *shape)).astype(np.uint16)
        stored[:, rng.random(shape) < 0.1] = 0
        found.append(Picture(stored, rng.random(shape) < 0.9))
    return found


def tenths_by_sorting(pictures: list[Picture], band: int) -> dict[int, int]:
    """The tenth of each stored value, by the middle of the places it takes among all sorted clear pixels."""
    values = np.sort(np.concatenate([picture.stored[band][picture.clear] for picture in pictures]))
    places = {int(value): np.flatnonzero(values == value) for value in np.unique(values)}
    return {
        value: min(int((place.mean() + 0.5) / values.size * TENTHS), TENTHS - 1)
        for value, place in places.items()
    }


def contrast_pixel_by_pixel(pictures: list[Picture], band: int, table: np.ndarray) -> np.ndarray:
    summed, pairs = np.zeros(TENTHS), np.zeros(TENTHS)
    tenths = tenths_by_sorting(pictures, band)
    for picture in pictures:
        rows, cols = picture.clear.shape
        for row, col in zip(*np.nonzero(picture.clear), strict=True):
            value = int(picture.stored[band, row, col])
            for other in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
                if 0 <= other[0] < rows and 0 <= other[1] < cols and picture.clear[other]:
                    step = abs(int(table[value]) - int(table[picture.stored[band][other]]))
                    summed[tenths[value]] += step
                    pairs[tenths[value]] += 1
    return summed / np.maximum(pairs, 1)


@settings(max_examples=40, deadline=None)
@given(pictures())
def test_contrast_is_the_mean_difference_from_the_neighbours_of_each_pixel(pictures: list[Picture]) -> None:
    tables = default_curve().tables()
    found = Crossings.of(pictures).contrast(tables)
    for band in range(4):
        assert found[band] == pytest.approx(contrast_pixel_by_pixel(pictures, band, tables[band]))


@pytest.fixture(scope="module")
def crossings() -> Crossings:
    rng = np.random.default_rng(5)
    reflectance = rng.gamma(2.0, 0.03, (4, 200, 200))
    return Crossings.of([Picture(encode(reflectance), rng.random((200, 200)) < 0.95)])


def linear_curve(top: float) -> Tone:
    """A curve as straight as one can be."""
    return asinh_curve("linear", rgb_bend=50.0, nir_bend=50.0, top=top)


def test_true_colour_is_linear_and_flat_beyond_its_top() -> None:
    levels = true_colour()
    assert levels[:, 0].tolist() == [0] * 4 and levels[:, 1].tolist() == [1] * 4
    assert levels[0, 3559] == 255 and levels[0, 65_535] == 255
    assert levels[0, 1780] == 128 and levels[3, 3559] == 128
    assert (levels[0] == levels[1]).all() and (levels[0] == levels[2]).all()


def test_the_same_stretch_has_the_same_contrast(crossings: Crossings) -> None:
    same = measure(linear_curve(0.3558), crossings)
    assert same.ratios[:3] == pytest.approx(1.0, abs=0.02)
    assert same.worst == pytest.approx(1 / 1.5, abs=0.02)


def test_half_the_levels_give_half_the_contrast(crossings: Crossings) -> None:
    assert measure(linear_curve(0.7116), crossings).ratios[:3] == pytest.approx(0.5, abs=0.02)


def test_tenths_hold_a_tenth_of_the_pixels_each(crossings: Crossings) -> None:
    assert crossings.pairs / crossings.pairs.sum(axis=1, keepdims=True) == pytest.approx(0.1, abs=0.005)


def test_levels_without_a_pixel_are_counted() -> None:
    two = encode(np.broadcast_to(np.where(np.arange(40) % 2, 0.05, 0.25), (4, 40, 40)))
    curve = linear_curve(0.3558)
    figures = measure(curve, Crossings.of([Picture(two, np.ones((40, 40), bool))]))
    low, high = (int(curve.tables()[0, value]) for value in (501, 2501))
    assert high - low > 100
    assert figures.unused[0] == high - low - 1


def test_saturated_cloud_and_lost_contrast_are_told(crossings: Crossings) -> None:
    figures = measure(linear_curve(0.7116), crossings)
    told = " ".join(figures.shortcomings)
    assert "Cloud of reflectance 1 is saturated in red." in told
    assert "Tenth 1 of blue has 0.50 times" in told
    assert figures.to_json()["shortcomings"] == figures.shortcomings


def test_saturated_pixels_are_those_of_cloud_too() -> None:
    bright = np.full((4, 10, 10), 0.1)
    bright[:, :, 5:] = 0.9
    clear = np.zeros((10, 10), bool)
    clear[:, :5] = True
    figures = measure(default_curve(), Crossings.of([Picture(encode(bright), clear)]))
    assert figures.saturated_true_colour.tolist() == [0.5] * 4
    assert figures.saturated.tolist() == [0.0] * 4


def test_what_is_empty_is_never_clear() -> None:
    stored = encode(np.full((4, 2, 2), 0.1))
    stored[2, 0, 0] = 0
    assert Picture(stored, np.ones((2, 2), bool)).clear.tolist() == [[False, True], [True, True]]


def test_ground_without_any_contrast_asks_for_none() -> None:
    flat = Picture(encode(np.full((4, 20, 20), 0.1)), np.ones((20, 20), bool))
    assert measure(default_curve(), Crossings.of([flat])).worst == np.inf
    assert (NEEDED > 0).all()
