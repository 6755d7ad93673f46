"""The mask does not depend on the blocks in which a scene came; on a real scene."""

import numpy as np
import pytest

from pipeline import networks
from pipeline.distance import near_true
from pipeline.imagery.needed import CONTEXT

MOST_DIFFERENT = 1e-6
BLOCK = 64
SERVED = 8


@pytest.fixture(scope="module")
def network():
    return networks.load("cloud")


@pytest.fixture(scope="module")
def mask(network, alpine_reflectance):
    found = network.probabilities(alpine_reflectance).argmax(axis=0)
    assert (found == 1).mean() > 0.01 and (found == 2).sum() > 100
    return found


@pytest.mark.parametrize("draw", range(6))
def test_ground_that_came_in_blocks_has_the_mask_of_the_whole_scene(network, alpine_reflectance, mask, draw):
    spots = np.zeros(mask.shape, bool)
    spots[tuple(np.random.default_rng(draw).integers(0, len(mask), (2, 8)))] = True
    served = near_true(spots, SERVED)
    reach = SERVED + CONTEXT
    grown = near_true(spots, reach)
    came = np.zeros_like(grown)
    for row in range(0, len(mask), BLOCK):
        for col in range(0, len(mask), BLOCK):
            block = slice(row, row + BLOCK), slice(col, col + BLOCK)
            came[block] = grown[block].any()
    assert 0.2 < came.mean() < 0.8
    partial = network.probabilities(np.where(came, alpine_reflectance, np.nan)).argmax(axis=0)
    different = (partial != mask)[served & np.isfinite(alpine_reflectance).all(axis=0)]
    assert different.size > 1_500 and different.mean() <= MOST_DIFFERENT
