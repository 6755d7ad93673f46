"""One radiometry for scenes and tiles: gains and offsets from ground that several of them see.

Reflectance is averaged over square cells that lie on multiples of their size in the zone's own coordinates,
so that two neighbours compare identical ground. From the cells that two images share follows, band by band, a
robust least-squares fit that is held to the identity. A tile's correction is a pure function of the
composites within two rings: whoever asks gets the same numbers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Tile
from pipeline.ground import Cells, southing
from pipeline.levelling import System
from pipeline.overlaps import Conditions, Overlap
from pipeline.shared_ground import shared_ground, shared_means
from pipeline.smooth import KNOTS, SmoothCorrection

RINGS = 2
SQUARE = 100_000
MOST_PAIRS = 8_192
GAIN_STEP = 1 / 1024
OFFSET_STEP = 1e-4
GAIN_HOLD = 0.1
OFFSET_HOLD = 0.005
NOISE = 0.01
MOST_EVIDENCE = 1_000.0
DARKEST = 1e-3
LEAST_SPREAD = 0.1
ROUNDS = 6

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Correction:
    """What brings one image to the common radiometry: reflectance * gain + offset, by band.

    Attributes:
        gain: float64 (4,), multiples of 1/1024.
        offset: float64 (4,), reflectance, multiples of 0.0001.
    """

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def identity(cls, bands: int = 4) -> "Correction":
        """The correction that changes nothing."""
        return cls(np.ones(bands), np.zeros(bands))

    def apply(self, reflectance: NDArray[np.floating]) -> NDArray[np.floating]:
        """Corrected reflectance (bands, h, w) of the same type; NaN stays NaN."""
        gain = self.gain.astype(reflectance.dtype)[:, None, None]
        return reflectance * gain + self.offset.astype(reflectance.dtype)[:, None, None]

    def to_json(self) -> dict[str, list[float]]:
        """Gains and offsets as lists, for a report."""
        return {"gain": self.gain.tolist(), "offset": self.offset.tolist()}


class Balance:
    """Smooth corrections of the tiles of a neighbourhood.

    Args:
        cells: cell means of the composites by tile name; what is missing takes no part.
        rings: how many rings around a tile its correction depends on.
    """

    def __init__(self, cells: Mapping[str, Cells], rings: int = RINGS) -> None:
        self.cells = cells
        self.rings = rings
        self._conditions = lru_cache(maxsize=MOST_PAIRS)(self._conditions_of)

    def of(self, tile: Tile) -> SmoothCorrection:
        """The rounded correction of a tile (identity where it has no composite); see `solution`."""
        if tile.name not in self.cells:
            return SmoothCorrection.identity()
        return SmoothCorrection.rounded(*self.solution(tile)[tile.name])

    def solution(self, tile: Tile) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Gains and offsets (4, KNOTS, KNOTS) of the tiles within the rings of a tile, by name.

        The least, band by band, of the differences in all overlaps within the rings (see `Overlap`) and of
        each tile's distance from the identity (see `levelling`).
        """
        near = sorted({tile, *tile.ring(self.rings)}, key=lambda other: other.name)
        names = [other.name for other in by_rows(near, tile.zone) if other.name in self.cells]
        pairs = pairs_of(near, set(names))
        place = {name: position for position, name in enumerate(names)}
        system = System(len(names), max((abs(place[a] - place[b]) for a, b in pairs), default=0))
        for one, other in pairs:
            system.add(place[one], place[other], self._conditions(one, other))
        knots = system.solved().reshape(4, len(names), 2, KNOTS, KNOTS)
        return {name: (1 + knots[:, i, 0], knots[:, i, 1]) for i, name in enumerate(names)}

    def _conditions_of(self, one: str, other: str) -> Conditions:
        shared = shared_ground(self.cells[one], self.cells[other])
        return Overlap.of(shared, (corner(one), corner(other))).conditions()


def corrections(tile: Tile, cells: Mapping[str, Cells]) -> SmoothCorrection:
    """The correction of one tile; see `Balance.of`."""
    return Balance(cells).of(tile)


def pairs_of(tiles: Iterable[Tile], known: Collection[str]) -> list[tuple[str, str]]:
    """The neighbours among the tiles that are known, each pair once and in order of name."""
    return [
        (tile.name, other.name)
        for tile in tiles
        if tile.name in known
        for other in tile.neighbours()
        if tile.name < other.name and other.name in known
    ]


def by_rows(tiles: Iterable[Tile], zone: int = 30) -> list[Tile]:
    """Tiles from north to south and west to east, so that those of a pair are never far apart.

    Args:
        tiles: in any order.
        zone: in the middle; the farthest from it are taken for the ends.
    """
    return sorted(tiles, key=lambda one: (_row(one), (one.zone - zone + 30) % 60, one.east))


def _row(tile: Tile) -> int:
    return round(float(southing(tile.epsg, float(tile.north))) / SQUARE)


def corner(name: str) -> tuple[float, float]:
    """Southing and easting of a tile's upper-left corner."""
    tile = Tile.parse(name)
    return float(southing(tile.epsg, float(tile.top))), float(tile.left)


def fit(reference: Cells, other: Cells) -> Correction:
    """The correction that brings `other` to `reference`, which itself stays as it is."""
    pair = shared_means(other, reference)
    return solve(["other", "reference"], {("other", "reference"): pair}, fixed="reference")["other"]


def solve(
    names: list[str], pairs: Mapping[tuple[str, str], Pair], fixed: str | None = None
) -> dict[str, Correction]:
    """Gains and offsets of several images at once.

    With m_ic the mean of image i over cell c, the corrected values exp(l_i) m_ic + o_i of two images are to
    be equal where both see a cell. To first order that is, with m the geometric mean of both, band by band,
    the least of

        sum_ik sum_c v_c (m (log m_ic - log m_kc + l_i - l_k) + o_i - o_k)^2 / s^2
        + sum_i l_i^2 / s_g^2 + o_i^2 / s_o^2.

    Only differences between images stand in the first sum, so that noise does not draw all gains towards 0.
    v_c are Huber's weights (1 inside s, s / |difference| beyond), found by repeated solving. Cells of a ratio
    far from the median one of the pair are left out, and a pair counts as `MOST_EVIDENCE` cells at most.

    Args:
        names: the images in the order in which they enter the sums.
        pairs: cell means (bands, n) of two images on the ground they share.
        fixed: an image that keeps the identity.

    Returns:
        Rounded corrections by name.
    """
    gains, offsets = np.ones((4, len(names))), np.zeros((4, len(names)))
    index = {name: position for position, name in enumerate(names)}
    numbered = [(index[a], index[b], pair) for (a, b), pair in sorted(pairs.items()) if pair[0].shape[1]]
    held = index[fixed] if fixed is not None else None
    for band in range(4):
        links = [(i, k, *_compared(first[band], second[band])) for i, k, (first, second) in numbered]
        gains[band], offsets[band] = _solve_band(len(names), links, held)
    return {name: _rounded(gains[:, i], offsets[:, i]) for name, i in index.items()}


def _compared(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Geometric mean and log ratio of the cells of a pair, without those far from the median ratio."""
    first, second = np.maximum(first, DARKEST), np.maximum(second, DARKEST)
    ratio = np.log(first / second)
    off = np.abs(ratio - np.median(ratio))
    kept = off <= max(3 * 1.4826 * float(np.median(off)), LEAST_SPREAD)
    return np.sqrt(first * second)[kept], ratio[kept]


def _solve_band(
    images: int, links: list[tuple[int, int, NDArray[np.float64], NDArray[np.float64]]], held: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gain and offset of each image in one band; the unknowns are log gains and offsets, in turn."""
    prior = np.tile([1 / GAIN_HOLD**2, 1 / OFFSET_HOLD**2], images)
    if held is not None:
        prior[2 * held : 2 * held + 2] = 1e18
    unknown: NDArray[np.float64] = np.zeros(2 * images)
    for _ in range(ROUNDS if links else 0):
        normal, right = np.diag(prior), np.zeros(2 * images)
        for i, k, mean, ratio in links:
            rows = np.stack([mean, np.ones_like(mean), -mean, -np.ones_like(mean)])
            where = [2 * i, 2 * i + 1, 2 * k, 2 * k + 1]
            difference = mean * ratio
            rest = np.abs(difference + unknown[where] @ rows)
            weight = min(1.0, MOST_EVIDENCE / mean.size) / (NOISE * np.maximum(rest, NOISE))
            normal[np.ix_(where, where)] += (rows * weight) @ rows.T
            right[where] -= rows @ (weight * difference)
        unknown = np.linalg.solve(normal, right).astype(np.float64)
    return np.exp(unknown[0::2]), unknown[1::2]


def _rounded(gain: NDArray[np.float64], offset: NDArray[np.float64]) -> Correction:
    steps = np.rint(offset / OFFSET_STEP).astype(np.int64)
    return Correction(np.rint(gain / GAIN_STEP) * GAIN_STEP, steps / round(1 / OFFSET_STEP))
