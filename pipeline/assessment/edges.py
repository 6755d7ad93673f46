"""How much the edges between scenes stand out: gradient, step and blur against ground without edges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

BESIDE = (3.0, 8.0)
BLEND = 2.0
STEP_METRES = 300.0
LEAST_PIXELS = 20
RESAMPLES = 1_000

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """A window whose edges are measured.

    Attributes:
        picture: (bands, h, w), as people see it.
        grounds: what each scene shows, alike, by rank.
        rank: uint8 (h, w), whose ground a pixel is; 0 = hole.
        counted: bool (h, w), pixels that belong to the window and not to its apron.
        distance: (h, w), pixels to the nearest edge.
    """

    picture: Picture
    grounds: Mapping[int, Picture]
    rank: NDArray[np.uint8]
    counted: NDArray[np.bool_]
    distance: NDArray[np.floating]


@dataclass
class EdgeFigures:
    """Sums over windows, each of which counts as one draw of the bootstrap.

    Attributes:
        resolution: metres.
        gradients: by window, sum and number of gradients across edges and beside them, in the composite and
            on the ground.
        curvatures: by window, sum and number of squared Laplacians in the blend and beside it, likewise.
        steps: by window and pair of scenes, the step in levels and its pixels.
    """

    resolution: float
    gradients: list[NDArray[np.float64]] = field(default_factory=list)
    curvatures: list[NDArray[np.float64]] = field(default_factory=list)
    steps: list[tuple[float, int]] = field(default_factory=list)

    @property
    def apron(self) -> int:
        """Pixels around a window that decide about its figures."""
        return int(np.ceil(max(BESIDE[1], STEP_METRES / self.resolution))) + 2

    def add(
        self,
        picture: Picture,
        grounds: Mapping[int, Picture],
        rank: NDArray[np.uint8],
        inner: tuple[slice, slice],
    ) -> None:
        """Add a window.

        Args:
            picture: (bands, h, w), the composite in levels, NaN where it is not to be looked at.
            grounds: by scene, the ground of its date without edges in levels, NaN where it is not known.
            rank: uint8 (h, w), the scene of each pixel, 0 in holes.
            inner: the window in the arrays, which are grown by `apron`.
        """
        edge = _edge(rank)
        if not edge[inner].any():
            return
        counted = np.zeros(rank.shape, bool)
        counted[inner] = True
        view = View(picture, grounds, rank, counted, distance_transform_edt(~edge))
        self.gradients.append(_gradients(view))
        self.curvatures.append(_curvatures(view))
        first = grounds[min(grounds)]
        known = np.asarray(np.isfinite(picture + first).all(axis=0))
        self.steps += self._steps(picture - first, rank, known, inner)

    def report(self) -> dict[str, Any]:
        """The figures; "seam_score" and "blur" are 1 where an edge cannot be told from other ground."""
        if not sum(window[1] * window[3] for window in self.gradients):
            return {"edge_pairs": 0}
        score, score_range = _ratio(np.array(self.gradients))
        blur, blur_range = _ratio(np.array(self.curvatures))
        steps = np.array([step for step, _ in self.steps])
        weights = np.array([pixels for _, pixels in self.steps], float)
        return {
            "edge_pairs": int(sum(window[1] for window in self.gradients)),
            "seam_score": score,
            "seam_score_95": score_range,
            "step_mean": float(np.average(steps, weights=weights)) if len(steps) else 0.0,
            "step_median": float(np.median(np.abs(steps))) if len(steps) else 0.0,
            "step_p90": float(np.percentile(np.abs(steps), 90)) if len(steps) else 0.0,
            "blur": blur,
            "blur_95": blur_range,
        }

    def _steps(
        self, off: Picture, rank: NDArray[np.uint8], known: NDArray[np.bool_], inner: tuple[slice, slice]
    ) -> list[tuple[float, int]]:
        """Steps between the ground 300 m either side of the edges between each pair of scenes."""
        reach, found = max(STEP_METRES / self.resolution, 1.0), []
        ranks = [int(one) for one in np.unique(rank[inner]) if one]
        near = {one: distance_transform_edt(rank != one) <= reach for one in ranks}
        for position, first in enumerate(ranks):
            for second in ranks[position + 1 :]:
                here = ((rank == first) & near[second] & known)[inner]
                there = ((rank == second) & near[first] & known)[inner]
                if min(here.sum(), there.sum()) >= LEAST_PIXELS:
                    bands = off[(slice(None), *inner)]
                    step = np.abs(bands[:, here].mean(axis=1) - bands[:, there].mean(axis=1)).mean()
                    found.append((float(step), int(here.sum() + there.sum())))
        return found


def _edge(rank: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels with a neighbour of another scene."""
    edge = np.zeros(rank.shape, bool)
    down = (rank[:-1] != rank[1:]) & (rank[:-1] > 0) & (rank[1:] > 0)
    across = (rank[:, :-1] != rank[:, 1:]) & (rank[:, :-1] > 0) & (rank[:, 1:] > 0)
    edge[:-1] |= down
    edge[1:] |= down
    edge[:, :-1] |= across
    edge[:, 1:] |= across
    return edge


def _gradients(view: View) -> NDArray[np.float64]:
    """Gradients between neighbouring pixels; the ground's is the mean of those that their scenes show."""
    rank, counted, distance = view.rank, view.counted, view.distance
    sums = np.zeros(6)
    for axis in (0, 1):
        one: list[slice] = [slice(None), slice(None)]
        other = one.copy()
        one[axis], other[axis] = slice(-1), slice(1, None)
        p, q = tuple(one), tuple(other)
        ground = np.zeros(rank[p].shape, np.float32)
        for scene, surface in view.grounds.items():
            share = ((rank[p] == scene) + (rank[q] == scene).astype(np.float32)) / 2
            ground += np.where(share > 0, _slope(surface, axis), 0) * share
        slope = _slope(view.picture, axis)
        both = counted[p] & counted[q] & (rank[p] > 0) & (rank[q] > 0) & np.isfinite(slope + ground)
        away = np.minimum(distance[p], distance[q])
        beside = both & (rank[p] == rank[q]) & (away >= BESIDE[0]) & (away <= BESIDE[1])
        sums += _sums(slope, ground, both & (rank[p] != rank[q]), beside)
    return sums


def _slope(image: Picture, axis: int) -> Picture:
    return np.asarray(np.abs(np.diff(image, axis=axis + 1)).mean(axis=0))


def _curvatures(view: View) -> NDArray[np.float64]:
    """Squared Laplacians; the ground's is that of the pixel's scene."""
    middle = (slice(1, -1), slice(1, -1))
    away, scenes = view.distance[middle], view.rank[middle]
    ground = np.zeros(scenes.shape, np.float32)
    for scene, surface in view.grounds.items():
        ground += np.where(scenes == scene, _laplacian(surface), 0)
    bent = _laplacian(view.picture)
    whole = view.counted[middle] & (scenes > 0) & np.isfinite(bent + ground)
    return _sums(bent, ground, whole & (away < BLEND), whole & (away >= BESIDE[0]) & (away <= BESIDE[1]))


def _laplacian(image: Picture) -> Picture:
    around = image[:, :-2, 1:-1] + image[:, 2:, 1:-1] + image[:, 1:-1, :-2] + image[:, 1:-1, 2:]
    return np.asarray(((around - 4 * image[:, 1:-1, 1:-1]) ** 2).mean(axis=0))


def _sums(
    picture: Picture, ground: Picture, at: NDArray[np.bool_], beside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Sum and number at edges and beside them in the picture; the sums in the ground."""
    here, there = picture.astype(np.float64), ground.astype(np.float64)
    return np.array(
        [here[at].sum(), at.sum(), here[beside].sum(), beside.sum(), there[at].sum(), there[beside].sum()]
    )


def _ratio(windows: NDArray[np.float64]) -> tuple[float, tuple[float, float]]:
    """(picture at edges / beside) / (ground at edges / beside), and its 95 % interval by bootstrap."""

    def of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        at, _, beside, _, at_ground, beside_ground = np.moveaxis(sums, -1, 0)
        ground = np.maximum(at_ground, 1e-9) / np.maximum(beside_ground, 1e-9)
        return np.asarray(np.maximum(at, 1e-9) / np.maximum(beside, 1e-9) / ground)

    draws = np.random.default_rng(0).integers(len(windows), size=(RESAMPLES, len(windows)))
    drawn = windows[draws].sum(axis=1)
    spread = of(drawn[drawn[:, 1] * drawn[:, 3] > 0])
    low, high = np.percentile(spread, [2.5, 97.5])
    return float(of(windows.sum(axis=0))), (float(low), float(high))
