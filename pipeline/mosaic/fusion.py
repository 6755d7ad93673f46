"""Scenes of one tile laid over each other in order of rank, with soft transitions (paper, 2.3)."""

import numpy as np
from numpy.typing import NDArray

from pipeline.evidence import CLEAR, DOUBTFUL, HOLE
from pipeline.ramps import distance_to_false, smoothstep

FEATHER = 300.0
BLUE = 2


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
    """The darkest clear view of each pixel, to find what is suspiciously bright (residual cloud)."""

    BRIGHTER = 0.06

    def __init__(self, shape: tuple[int, int]) -> None:
        self.blue = np.full(shape, np.inf, np.float32)
        self.views = np.zeros(shape, np.uint8)

    def see(self, reflectance: NDArray[np.float32], level: NDArray[np.uint8]) -> None:
        """Add one scene: reflectance (bands, h, w) in common radiometry, and its sureness."""
        seen = (level == CLEAR) | (level == DOUBTFUL)
        self.views += seen
        np.minimum(self.blue, reflectance[BLUE], out=self.blue, where=seen)

    def suspicious(self, reflectance: NDArray[np.float32]) -> tuple[int, int]:
        """Count what is much brighter than the darkest view.

        Returns:
            Pixels brighter in blue by `BRIGHTER` than the darkest, and all pixels with a second view.
        """
        compared = (self.views >= 2) & np.isfinite(reflectance[BLUE])
        bright = compared & (reflectance[BLUE] - self.blue > self.BRIGHTER)
        return int(bright.sum()), int(compared.sum())
