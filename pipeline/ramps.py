"""The ramps that a contributor of a blend comes in by: from its edge, from its holes, across a zone edge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.distance import distance_to_false as distance_to_false

FAINT = 1e-12
LEAST_ZONE_SHARE = 0.02
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Ramps:
    """Metres over which a contributor comes in: from its edge, from its holes, across a zone edge."""

    edge: float = 9_780.0
    hole: float = 1_000.0
    zone: float = 10_000.0


def smoothstep(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """3 t^2 - 2 t^3 of the value clipped to 0..1."""
    t = np.clip(value, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def zone_weight(
    zone: int, longitude: NDArray[np.float64], latitude: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """How much a UTM zone has to say: 1 inside, falling over `width` metres around its meridians.

    It keeps `LEAST_ZONE_SHARE` beyond, so that where a tile of the other zone ends there (its neighbour is
    not made, say), it ends over a kilometre or two and not at a line.
    """
    metres = METRES_PER_DEGREE * np.cos(np.radians(latitude))
    from_centre = (longitude - (6 * zone - 183) + 180.0) % 360.0 - 180.0
    west = smoothstep((3.0 + from_centre) * metres / width + 0.5)
    east = smoothstep((3.0 - from_centre) * metres / width + 0.5)
    return np.maximum(west * east, LEAST_ZONE_SHARE)
