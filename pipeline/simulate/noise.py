"""Random fields that are functions of the place alone: hashed lattices, interpolated.

Every value depends on absolute metres and a seed, so any two windows agree wherever they overlap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

_LACUNARITY = 0.47
# 151/315 is the mean of the squared cubic B-spline weights: the variance left on each axis.
_SPLINE_GAIN = np.float32(np.sqrt(3.0) / (151.0 / 315.0))


@dataclass(frozen=True)
class Places:
    """Pixel centres in the world's metres.

    Attributes:
        x: easting, float64, (1, w) on the world's own zone, else (h, w).
        y: northing, float64, (h, 1) or (h, w).
        resolution: pixel size in metres.
    """

    x: np.ndarray
    y: np.ndarray
    resolution: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.shape[0], self.x.shape[1]

    @property
    def separable(self) -> bool:
        """Whether easting depends on the column alone and northing on the row alone."""
        return self.x.shape[0] == 1 and self.y.shape[1] == 1

    def moved(self, east: float, north: float) -> Places:
        """The places `east` and `north` metres away."""
        return Places(self.x + east, self.y + north, self.resolution)

    def window(self, rows: slice, cols: slice) -> Places:
        """The places of a part of the pixels."""
        if self.separable:
            return Places(self.x[:, cols], self.y[rows], self.resolution)
        return Places(self.x[rows, cols], self.y[rows, cols], self.resolution)


def scramble(value: np.ndarray) -> np.ndarray:
    """Mix the bits of uint32 values so that neighbours share nothing (a 32-bit avalanche hash)."""
    value = value ^ (value >> np.uint32(16))
    value = value * np.uint32(0x7FEB352D)
    value = value ^ (value >> np.uint32(15))
    value = value * np.uint32(0x846CA68B)
    return value ^ (value >> np.uint32(16))


def hashed(seed: int, *keys: np.ndarray | int) -> np.ndarray:
    """uint32 hash of integer keys (arrays broadcast against each other) and a seed."""
    value = np.asarray(np.uint32(seed & 0xFFFFFFFF))
    with np.errstate(over="ignore"):
        for key in keys:
            word = np.asarray(key).astype(np.int64).astype(np.uint32)
            value = scramble((value + np.uint32(0x9E3779B9)) ^ (word * np.uint32(0x85EBCA6B)))
    return value


def unit(bits: np.ndarray) -> np.ndarray:
    """float32 in [0, 1) from the upper 24 bits of a hash."""
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def uniform(seed: int, *keys: np.ndarray | int) -> np.ndarray:
    """float32 in [0, 1) for integer keys."""
    return unit(hashed(seed, *keys))


def bell(bits: np.ndarray) -> np.ndarray:
    """float32 of mean 0 and deviation 1, nearly normal: the sum of a hash's four bytes."""
    low = (bits & np.uint32(0x00FF00FF)) + ((bits >> np.uint32(8)) & np.uint32(0x00FF00FF))
    total = (low & np.uint32(0xFFFF)) + (low >> np.uint32(16))
    return (total.astype(np.float32) - np.float32(510.0)) * np.float32(1.0 / 147.8)


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, a smooth ramp between."""
    t = np.clip((value - np.float32(low)) * np.float32(1.0 / (high - low)), 0, 1).astype(
        np.float32, copy=False
    )
    return t * t * (np.float32(3.0) - np.float32(2.0) * t)


def spline(places: Places, spacing: float, seed: int) -> np.ndarray:
    """Smooth random field of mean 0 and deviation 1: cubic B-splines over a hashed lattice.

    Args:
        places: where.
        spacing: lattice distance in metres; features are about twice as wide.
        seed: which field.

    Returns:
        float32 (h, w), nearly normal.
    """
    shift = uniform(seed, 1, np.arange(2)).astype(np.float64)
    gx, gy = places.x / spacing + shift[0], places.y / spacing + shift[1]
    left, top = int(np.floor(gx.min())) - 1, int(np.floor(gy.min())) - 1
    columns = np.arange(left, int(np.floor(gx.max())) + 3)
    rows = np.arange(top, int(np.floor(gy.max())) + 3)
    lattice = (uniform(seed, rows[:, None], columns[None, :]) * 2 - 1) * _SPLINE_GAIN
    if not places.separable:
        return map_coordinates(
            lattice, [gy - top, gx - left], np.float32, order=3, mode="nearest", prefilter=False
        )
    across = _along_columns(lattice, gx[0] - left)
    return _along_rows(across, gy[:, 0] - top)


def _weights(position: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    index = np.floor(position).astype(np.intp)
    f = position - index
    weights = [(1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3]
    return index - 1, [(w / 6).astype(np.float32) for w in weights]


def _along_columns(lattice: np.ndarray, position: np.ndarray) -> np.ndarray:
    first, weights = _weights(position)
    total = lattice[:, first] * weights[0]
    for k in (1, 2, 3):
        total += lattice[:, first + k] * weights[k]
    return total


def _along_rows(lattice: np.ndarray, position: np.ndarray) -> np.ndarray:
    first, weights = _weights(position)
    total = lattice[first] * weights[0][:, None]
    for k in (1, 2, 3):
        part = lattice[first + k]
        part *= weights[k][:, None]
        total += part
    return total


def fractal(places: Places, spacing: float, seed: int, gain: float = 0.5, finest: float = 20.0) -> np.ndarray:
    """Sum of splines from `spacing` down to `finest` metres, deviation 1, without what a pixel cannot show.

    Args:
        places: where.
        spacing: lattice distance of the widest octave, metres.
        seed: which field.
        gain: amplitude of each octave against the next wider one.
        finest: lattice distance below which there is nothing, metres.
    """
    octaves = max(1, int(np.floor(np.log(finest / spacing) / np.log(_LACUNARITY))) + 1)
    norm = np.sqrt(sum(gain ** (2 * k) for k in range(octaves)))
    total = None
    for k in range(octaves):
        step = spacing * _LACUNARITY**k
        if k and step < places.resolution:
            break
        layer = spline(places, step, seed + 101 * k)
        layer *= np.float32(gain**k / norm)
        total = layer if total is None else total + layer
    assert total is not None
    return total


def streaks(along: np.ndarray, across: np.ndarray, seed: int) -> np.ndarray:
    """Value noise at any coordinates given in lattice units, float32 in [-1, 1]."""
    left, top = int(np.floor(along.min())), int(np.floor(across.min()))
    columns = np.arange(left, int(np.floor(along.max())) + 2)
    rows = np.arange(top, int(np.floor(across.max())) + 2)
    lattice = uniform(seed, rows[:, None], columns[None, :]) * 2 - 1
    return map_coordinates(
        lattice, [_eased(across) - top, _eased(along) - left], np.float32, order=1, mode="nearest"
    )


def _eased(position: np.ndarray) -> np.ndarray:
    index = np.floor(position)
    f = position - index
    return index + f * f * (3 - 2 * f)
