"""What a network tells does not depend on its windows; the networks that ship, on a real scene."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline import networks
from pipeline.networks.network import Network
from pipeline.raster import BANDS, read_raster

FILES = dict(zip(BANDS, ("B04", "B03", "B02", "B08"), strict=True))
MOST_DIFFERENT = 1e-6


@pytest.fixture(scope="module")
def reflectance(shared_data):
    """33TWL on 2023-08-20, 915 x 915 pixels, NaN where it is empty."""
    place = shared_data / "alpine_33TWL_33TWM" / "S2B_33TWL_20230820_0_L2A"
    numbers = np.concatenate([read_raster(place / f"{FILES[band]}.tif").data for band in BANDS])
    return np.where((numbers > 0).all(axis=0), numbers.astype(np.float32) / 10_000, np.nan)


@pytest.fixture(scope="module")
def whole():
    """The classes of a scene in one window, by name of the network."""
    return {}


@pytest.mark.parametrize("window", [256, 320, 512])
@pytest.mark.parametrize("name", ["cloud", "water", "vegetation", "buildings"])
def test_windows_of_another_size_give_the_same_classes(reflectance, whole, name, window):
    network = networks.load(name)
    assert network.window > max(reflectance.shape)
    if name not in whole:
        whole[name] = network.probabilities(reflectance).argmax(axis=0)
    found, counts = whole[name], np.bincount(whole[name].ravel())
    assert np.sort(counts)[-2] > 100
    other = Network(replace(network.card, window=window), network.module)
    assert (other.probabilities(reflectance).argmax(axis=0) != found).mean() <= MOST_DIFFERENT
