"""What a network tells does not depend on its windows; the networks that ship, on a real scene."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline import networks
from pipeline.networks.network import Network

MOST_DIFFERENT = 1e-6


@pytest.fixture(scope="module")
def whole():
    """The classes of a scene in one window, by name of the network."""
    return {}


@pytest.mark.parametrize("window", [256, 320, 512])
@pytest.mark.parametrize("name", ["cloud", "water", "vegetation", "buildings"])
def test_windows_of_another_size_give_the_same_classes(alpine_reflectance, whole, name, window):
    network = networks.load(name)
    assert network.window > max(alpine_reflectance.shape)
    if name not in whole:
        whole[name] = network.probabilities(alpine_reflectance).argmax(axis=0)
    found, counts = whole[name], np.bincount(whole[name].ravel())
    assert np.sort(counts)[-2] > 100
    other = Network(replace(network.card, window=window), network.tensors)
    assert (other.probabilities(alpine_reflectance).argmax(axis=0) != found).mean() <= MOST_DIFFERENT
