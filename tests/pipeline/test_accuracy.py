"""The estimators of accuracy and area, held against published examples and against simulated samples."""

import numpy as np
import pytest

from pipeline.accuracy import accuracy, allocate, kappa
from pipeline.errors import UsageError

# Olofsson et al. 2014, section 5: deforestation, forest gain, stable forest, stable non-forest.
COUNTS_2014 = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
PIXELS_2014 = (200_000, 150_000, 3_200_000, 6_450_000)
HECTARES_OF_A_PIXEL = 0.09
# Olofsson et al. 2013, example 1: deforestation, stable forest, stable non-forest.
COUNTS_2013 = np.array([[97, 0, 3], [3, 279, 18], [2, 1, 97]])
PIXELS_2013 = (22_353, 1_122_543, 610_228)


def rounded(estimates, digits=2):
    return [(round(one.value, digits), round(one.margin, digits)) for one in estimates]


def test_the_worked_example_of_2014():
    found = accuracy(COUNTS_2014, PIXELS_2014)
    assert rounded([found.overall], 3) == [(0.947, 0.018)]
    assert rounded(found.users) == [(0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02)]
    assert rounded(found.producers, 4) == [
        (0.7487, 0.2133),
        (0.8472, 0.2544),
        (0.9345, 0.0343),
        (0.9616, 0.0184),
    ]


def test_the_areas_of_2014_in_hectares():
    found = accuracy(COUNTS_2014, PIXELS_2014)
    hectares = [one.times(sum(PIXELS_2014) * HECTARES_OF_A_PIXEL) for one in found.shares]
    assert [round(one.value) for one in hectares] == [21_158, 11_686, 285_770, 581_386]
    assert [round(one.margin) for one in hectares] == [6_158, 3_756, 15_510, 16_282]


def test_the_worked_example_of_2013():
    found = accuracy(COUNTS_2013, PIXELS_2013)
    pixels = found.shares[0].times(sum(PIXELS_2013))
    assert (pixels.value, pixels.margin) == (pytest.approx(45_112, abs=1), pytest.approx(21_072, abs=3))
    assert rounded(found.producers) == [(0.48, 0.22), (0.99, 0.01), (0.90, 0.04)]
    assert rounded([found.overall]) == [(0.94, 0.02)]
    assert found.proportions.sum() == pytest.approx(1)


def test_intervals_hold_what_they_promise():
    generator = np.random.default_rng(8_001)
    truth = np.array([[0.18, 0.01, 0.01], [0.02, 0.45, 0.03], [0.00, 0.05, 0.25]])
    sizes, hits, trials = truth.sum(axis=1), np.zeros(4), 1_500
    for _ in range(trials):
        counts = np.array([generator.multinomial(120, row / row.sum()) for row in truth])
        found = accuracy(counts, sizes)
        known = [np.trace(truth), *truth.sum(axis=0)]
        told = [found.overall, *found.shares]
        hits += [abs(one.value - value) <= one.margin for one, value in zip(told, known, strict=True)]
    assert ((hits / trials > 0.92) & (hits / trials < 0.975)).all(), hits / trials


def test_a_map_without_error_has_none():
    found = accuracy(np.diag([10, 20]), (1, 3))
    assert (found.overall.value, found.overall.margin) == (1, 0)
    assert rounded(found.shares) == [(0.25, 0), (0.75, 0)]


def test_what_the_map_does_not_show_has_no_users_accuracy_but_an_area():
    found = accuracy(np.array([[8, 0, 2], [0, 10, 0], [0, 0, 0]]), (5, 5, 0))
    assert found.users[2] is None and found.producers[2].value == 0
    assert found.shares[2].value == pytest.approx(0.1) and found.shares[2].margin > 0
    none = accuracy(np.array([[10, 0, 0], [0, 10, 0], [0, 0, 0]]), (5, 5, 0))
    assert none.producers[2] is None


@pytest.mark.parametrize(
    ("counts", "areas", "words"),
    [
        ([[1, 2, 3]], (1,), "do not fit"),
        ([[5, 0], [0, 5]], (1, 2, 3), "do not fit"),
        ([[5, 0], [0, 5]], (0, 0), "no ground"),
        ([[5, 0], [0, 1]], (1, 1), "Class 2 of the map has fewer than 2 points"),
    ],
)
def test_what_cannot_be_estimated_is_told(counts, areas, words):
    with pytest.raises(UsageError, match=words):
        accuracy(np.array(counts), areas)


def test_points_go_by_area_and_rare_classes_get_the_least():
    found = allocate(dict(enumerate(PIXELS_2014, start=1)), 640, 50)
    assert sum(found.values()) == 640
    assert found == {1: 59, 2: 56, 3: 191, 4: 334}
    assert allocate({1: 3, 2: 10_000, 5: 0}, 100, 10) == {1: 3, 2: 90}


@pytest.mark.parametrize(("points", "least"), [(10, 5), (100, 1)])
def test_too_few_points_are_told(points, least):
    with pytest.raises(UsageError, match="points"):
        allocate({1: 100, 2: 100, 3: 100}, points, least)
    with pytest.raises(UsageError, match="no ground"):
        allocate({1: 0}, 100, 10)


def test_kappa_of_cohen():
    assert kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)
    assert kappa(np.diag([3, 4])) == 1
    assert kappa(np.array([[25, 25], [25, 25]])) == pytest.approx(0)
    assert kappa(np.zeros((2, 2))) is None and kappa(np.array([[5, 0], [0, 0]])) is None
