"""The ramps by which contributors of a blend take turns: in overlaps, at holes, across a zone edge."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAINT = 1e-12
SPARE = 0.02
LEAST_ZONE_SHARE = 0.02
METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Ramps:
    """Metres over which contributors take turns.

    Attributes:
        edge: width of the overlap of two neighbours.
        seam: width of the transition in its middle; narrow, for the mean of two dates is blurred.
        hole: from the holes of a contributor.
        zone: across a zone edge.
    """

    edge: float = 9_780.0
    seam: float = 1_000.0
    hole: float = 1_000.0
    zone: float = 2_000.0


def smoothstep(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """3 t^2 - 2 t^3 of the value clipped to 0..1."""
    t = np.clip(value, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def edge_weight(distance: NDArray[np.float64], ramps: Ramps) -> NDArray[np.float64]:
    """Weight by the distance to a contributor's own edge, metres.

    It rises in the middle of the overlap. Before that a spare weight of at most `SPARE` rises from the edge,
    so that where the other contributor has a hole, this one comes in softly and not at a line.
    """
    main = smoothstep((distance - ramps.edge / 2) / ramps.seam + 0.5)
    spare = SPARE * smoothstep(distance / ramps.edge)
    return np.maximum(np.maximum(main, spare), FAINT)


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
