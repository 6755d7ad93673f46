"""Three networks' probabilities to six classes (paper, 2.4)."""

import numpy as np
from numpy.typing import NDArray

from pipeline.landcover.classes import CLASSES, NO_CONFIDENCE, NO_DATA

SCALE = 255
LEAST = 1e-4


def combine(
    water: NDArray[np.float32], vegetation: NDArray[np.float32], buildings: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Combine what the three networks claim.

    Let w be the water network's probability of water, g and t the vegetation network's of grass and tree, r
    and i the building network's of residential and industrial, and each network's probability of "other" what
    it leaves: w' = 1 - w, v' = 1 - g - t, b' = 1 - r - i. A place is of one class only, so a class holds
    where its network claims it and both others do not; barren is what none of them claims:

        s(water) = w v' b'      s(grass) = g w' b'          s(tree) = t w' b'
        s(residential) = r w' v'    s(industrial) = i w' v'    s(barren) = w' v' b'

    and p(class) = s(class) / sum of s. Each of the networks' probabilities is held above 0.0001, so that two
    networks that are both sure of different things leave a probability all the same.

    Args:
        water: float32 (2, h, w): other, water.
        vegetation: float32 (3, h, w): other, grass, tree.
        buildings: float32 (3, h, w): other, residential, industrial.

    Returns:
        float32 (6, h, w) in class order, summing to 1.
    """
    not_water, is_water = np.maximum(water, LEAST)
    not_plant, grass, tree = np.maximum(vegetation, LEAST)
    not_built, residential, industrial = np.maximum(buildings, LEAST)
    scores = np.stack(
        [
            is_water * not_plant * not_built,
            grass * not_water * not_built,
            tree * not_water * not_built,
            residential * not_water * not_plant,
            industrial * not_water * not_plant,
            not_water * not_plant * not_built,
        ]
    )
    return scores / scores.sum(axis=0)


def quantise(probabilities: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Probabilities (6, h, w) as uint8, 0..255 for 0..1; all 0 where not valid, and only there."""
    stored = np.rint(np.clip(probabilities, 0, 1) * SCALE)
    return np.where(valid, stored, 0).astype(np.uint8)


def restore(stored: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Probabilities float32 (6, h, w) summing to 1 from uint8, and where there is data, bool (h, w)."""
    valid = (stored != 0).any(axis=0)
    shares = stored.astype(np.float32)
    return shares / np.maximum(shares.sum(axis=0), 1), valid


def classify(
    probabilities: NDArray[np.floating], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The likeliest class (0 = no data) and its confidence 0..100 (255 = no data), uint8 (h, w) each."""
    codes = np.array([item.code for item in CLASSES], np.uint8)
    best = codes[probabilities.argmax(axis=0)]
    sure = np.rint(100 * np.clip(probabilities.max(axis=0), 0, 1)).astype(np.uint8)
    return np.where(valid, best, np.uint8(NO_DATA)), np.where(valid, sure, np.uint8(NO_CONFIDENCE))
