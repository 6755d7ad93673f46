"""Scenes of one tile laid over each other in order of rank, with soft transitions (paper, 2.3)."""

import numpy as np
from numpy.typing import NDArray

from pipeline.evidence import CLEAR, DOUBTFUL, HOLE
from pipeline.ramps import distance_to_false, smoothstep

FEATHER = 300.0
RED, BLUE = 0, 2


def opacity(usable: NDArray[np.bool_], feather: float) -> NDArray[np.float32]:
    """How much of what lies below a scene hides: 1 inside its usable ground, falling to its edge, 0 beyond.

    Args:
        usable: bool (h, w).
        feather: pixels over which it falls.

    Returns:
        float32 (h, w); above 0 wherever the ground is usable.
    """
    return smoothstep(distance_to_false(usable, max(feather, 1.0)) / max(feather, 1.0)).astype(np.float32)


class Fusion:
    """One window under construction; memory does not depend on how many scenes are laid.

    Layers come from the surest to the least sure, and in order of rank among the equally sure. Each adds
    (what the ones before left) x (its opacity); the weights are brought to a sum of 1 at the end, so that a
    pixel seen by one scene alone is that scene's, and a transition is continuous on both sides. The
    provenance names the main contributor among the surest.

    Args:
        shape: rows and columns.
        bands: of the reflectance.
    """

    def __init__(self, shape: tuple[int, int], bands: int = 4) -> None:
        self.total = np.zeros((bands, *shape), np.float32)
        self.weight = np.zeros(shape, np.float32)
        self.left = np.ones(shape, np.float32)
        self.best = np.zeros(shape, np.float32)
        self.rank = np.zeros(shape, np.uint8)
        self.level = np.full(shape, HOLE, np.uint8)

    @property
    def complete(self) -> bool:
        """Whether no further layer could show."""
        return not self.left.any()

    def lay(
        self,
        reflectance: NDArray[np.float32],
        opaque: NDArray[np.float32],
        rank: int,
        level: NDArray[np.uint8],
    ) -> None:
        """Lay a scene below those that are there.

        Args:
            reflectance: (bands, h, w); NaN where the opacity is 0.
            opaque: float32 (h, w), see `opacity`.
            rank: 1 for the first scene of the list.
            level: uint8 (h, w), how sure its pixels are.
        """
        weight = self.left * opaque
        self.total += np.where(weight > 0, reflectance, 0) * weight
        self.weight += weight
        self.left *= 1 - opaque
        surer = (self.level == HOLE) | (level <= self.level)
        main = (weight > self.best) & surer
        self.best[main] = weight[main]
        self.rank[main] = rank
        self.level[main] = level[main]

    def result(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Reflectance (bands, h, w) with NaN in holes, and provenance uint8 (2, h, w)."""
        seen = self.weight > 0
        mean = np.divide(self.total, self.weight, out=np.full_like(self.total, np.nan), where=seen)
        return mean, np.stack([self.rank, self.level])


class Darkest:
    """The darkest sure view of each pixel among the dates, to find missed cloud, which is brighter.

    A cloud adds light of all colours alike, so a view is suspicious where it is brighter than the darkest by
    more than `BRIGHTER` in blue and not by much more in red, as ground would be that another date shows in
    shadow or wet.

    Args:
        shape: rows and columns.
    """

    BRIGHTER = 0.06
    WHITE = 0.8

    def __init__(self, shape: tuple[int, int]) -> None:
        self.blue = np.full(shape, np.inf, np.float32)
        self.red = np.full(shape, np.inf, np.float32)
        self.views = np.zeros(shape, np.uint8)

    def see(self, reflectance: NDArray[np.float32], level: NDArray[np.uint8]) -> None:
        """Add one scene: reflectance (bands, h, w) in common radiometry, and its sureness."""
        seen = (level == CLEAR) | (level == DOUBTFUL)
        darker = seen & (reflectance[BLUE] < self.blue)
        self.views += seen
        self.blue[darker] = reflectance[BLUE][darker]
        self.red[darker] = reflectance[RED][darker]

    @property
    def compared(self) -> NDArray[np.bool_]:
        """Bool (h, w): pixels with at least two views."""
        return self.views >= 2

    def suspicious(self, reflectance: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Bool (h, w): what is much brighter than the darkest view; NaN is not."""
        known = self.compared & np.isfinite(reflectance[BLUE])
        blue = np.where(known, reflectance[BLUE] - np.where(known, self.blue, 0), 0)
        red = np.where(known, reflectance[RED] - np.where(known, self.red, 0), 0)
        return known & (blue > self.BRIGHTER) & (blue >= self.WHITE * red)

    def demote(
        self, reflectance: NDArray[np.float32], level: NDArray[np.uint8], margin: float
    ) -> NDArray[np.uint8]:
        """The sureness of a view with what is suspicious, and the clear ground around it, made doubtful.

        Args:
            reflectance: (bands, h, w) of the view, in common radiometry.
            level: uint8 (h, w), its sureness.
            margin: pixels around what is suspicious.
        """
        bright = self.suspicious(reflectance)
        if not bright.any():
            return level
        near = distance_to_false(~bright, margin + 1) <= margin
        return np.where(near & (level == CLEAR), np.uint8(DOUBTFUL), level)
