"""The mask does not depend on the blocks in which a scene came; on a real scene."""

import numpy as np
import pytest

from pipeline import networks
from pipeline.distance import near_true
from pipeline.imagery.needed import CONTEXT
from pipeline.raster import BANDS, read_raster

FILES = dict(zip(BANDS, ("B04", "B03", "B02", "B08"), strict=True))
MOST_DIFFERENT = 1e-6
BLOCK = 64
SERVED = 8


@pytest.fixture(scope="module")
def reflectance(shared_data):
    """33TWL on 2023-08-20, 915 x 915 pixels with cumulus and shadows, NaN where it is empty."""
    place = shared_data / "alpine_33TWL_33TWM" / "S2B_33TWL_20230820_0_L2A"
    numbers = np.concatenate([read_raster(place / f"{FILES[band]}.tif").data for band in BANDS])
    return np.where((numbers > 0).all(axis=0), numbers.astype(np.float32) / 10_000, np.nan)


@pytest.fixture(scope="module")
def network():
    return networks.load("cloud")


@pytest.fixture(scope="module")
def mask(network, reflectance):
    found = network.probabilities(reflectance).argmax(axis=0)
    assert (found == 1).mean() > 0.01 and (found == 2).sum() > 100
    return found


@pytest.mark.parametrize("draw", range(6))
def test_ground_that_came_in_blocks_has_the_mask_of_the_whole_scene(network, reflectance, mask, draw):
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
    partial = network.probabilities(np.where(came, reflectance, np.nan)).argmax(axis=0)
    different = (partial != mask)[served & np.isfinite(reflectance).all(axis=0)]
    assert different.size > 1_500 and different.mean() <= MOST_DIFFERENT
