import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.landcover.classes import CLASSES, COLORMAP
from pipeline.landcover.combine import classify, combine, quantise, restore

SHAPE = (4, 5)


def flat(*shares):
    return np.array(shares, np.float32)[:, None, None] * np.ones((1, *SHAPE), np.float32)


def softmax(rng, classes, sharpness=3.0):
    scores = np.exp(sharpness * rng.normal(size=(classes, *SHAPE)))
    return (scores / scores.sum(axis=0)).astype(np.float32)


def best(*shares):
    return CLASSES[int(combine(*shares)[:, 0, 0].argmax())].name


@pytest.mark.parametrize(
    ("water", "vegetation", "buildings", "expected"),
    [
        ((0.1, 0.9), (0.9, 0.05, 0.05), (0.9, 0.05, 0.05), "water"),
        ((0.9, 0.1), (0.1, 0.8, 0.1), (0.9, 0.05, 0.05), "grass"),
        ((0.9, 0.1), (0.1, 0.1, 0.8), (0.9, 0.05, 0.05), "tree"),
        ((0.9, 0.1), (0.9, 0.05, 0.05), (0.1, 0.8, 0.1), "residential building"),
        ((0.9, 0.1), (0.9, 0.05, 0.05), (0.1, 0.1, 0.8), "industrial or commercial building"),
        ((0.9, 0.1), (0.8, 0.1, 0.1), (0.8, 0.1, 0.1), "barren"),
        ((0.01, 0.99), (0.3, 0.0, 0.7), (0.9, 0.1, 0.0), "water"),
    ],
)
def test_the_class_is_the_one_that_its_network_claims_and_the_others_do_not(
    water, vegetation, buildings, expected
):
    assert best(flat(*water), flat(*vegetation), flat(*buildings)) == expected


@settings(max_examples=50)
@given(st.integers(0, 2**30))
def test_combined_probabilities_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    found = combine(softmax(rng, 2), softmax(rng, 3), softmax(rng, 3))
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-5)
    assert found.min() >= 0


def test_two_networks_that_are_sure_of_different_things_leave_a_probability():
    found = combine(flat(0, 1), flat(0, 0, 1), flat(0, 1, 0))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[[0, 2, 3], 0, 0], 1 / 3, atol=0.01)


@settings(max_examples=50)
@given(st.integers(0, 2**30))
def test_stored_probabilities_come_back_within_half_a_step(seed):
    rng = np.random.default_rng(seed)
    values, valid = softmax(rng, 6), rng.random(SHAPE) > 0.3
    back, there = restore(quantise(values, valid))
    assert np.array_equal(there, valid)
    np.testing.assert_allclose(back[:, valid], values[:, valid], atol=0.013)


def test_class_and_confidence_say_where_there_is_no_data():
    valid = np.zeros(SHAPE, bool)
    valid[1, 2] = True
    codes, confidence = classify(flat(0.1, 0.1, 0.6, 0.1, 0.05, 0.05), valid)
    assert codes[1, 2] == 3 and confidence[1, 2] == 60
    assert codes[0, 0] == 0 and confidence[0, 0] == 255


def test_the_colours_are_those_of_the_legend():
    assert COLORMAP[1] == (0x3A, 0x7B, 0xD5, 255) and COLORMAP[0][3] == 0
    assert [item.code for item in CLASSES] == [1, 2, 3, 4, 5, 6]
