"""What the ground reflects: materials, their two extremes in R, G, B, NIR, and the season between them."""

from __future__ import annotations

import datetime as dt
from enum import IntEnum

import numpy as np

DAYS_OF_YEAR = 365.25


class Material(IntEnum):
    """What a pixel without buildings is made of."""

    LAKE = 0
    RIVER = 1
    MEADOW = 2
    CEREAL = 3
    MAIZE = 4
    RAPE = 5
    CONIFER = 6
    BROADLEAF = 7
    SOIL = 8
    ROCK = 9
    SAND = 10
    GARDEN = 11


# Surface reflectance (R, G, B, NIR) at the two ends of each material: lush, deep or dark, then dry, shallow
# or pale; magnitudes as in Sentinel-2 L2A scenes of middle latitudes.
_LUSH = np.array(
    [
        [0.012, 0.022, 0.027, 0.007],
        [0.022, 0.038, 0.034, 0.012],
        [0.045, 0.085, 0.038, 0.440],
        [0.038, 0.074, 0.032, 0.470],
        [0.034, 0.064, 0.030, 0.510],
        [0.050, 0.090, 0.036, 0.460],
        [0.018, 0.032, 0.019, 0.215],
        [0.024, 0.048, 0.022, 0.370],
        [0.125, 0.098, 0.070, 0.185],
        [0.150, 0.142, 0.130, 0.185],
        [0.240, 0.215, 0.170, 0.290],
        [0.052, 0.076, 0.046, 0.320],
    ],
    np.float32,
)
_DRY = np.array(
    [
        [0.040, 0.060, 0.052, 0.014],
        [0.070, 0.082, 0.062, 0.030],
        [0.118, 0.122, 0.074, 0.310],
        [0.190, 0.170, 0.100, 0.370],
        [0.110, 0.104, 0.068, 0.275],
        [0.135, 0.165, 0.052, 0.480],
        [0.026, 0.040, 0.023, 0.190],
        [0.062, 0.064, 0.040, 0.230],
        [0.270, 0.210, 0.150, 0.345],
        [0.300, 0.285, 0.255, 0.335],
        [0.370, 0.335, 0.275, 0.430],
        [0.096, 0.096, 0.064, 0.250],
    ],
    np.float32,
)
# Day of the (northern) year with most dryness, spread in days, and dryness far from that day and on it.
_SEASON = {
    Material.MEADOW: (225.0, 45.0, 0.12, 0.50),
    Material.CEREAL: (205.0, 35.0, 0.08, 0.85),
    Material.MAIZE: (115.0, 40.0, 0.05, 0.95),
    Material.RAPE: (128.0, 14.0, 0.10, 0.95),
    Material.CONIFER: (15.0, 80.0, 0.20, 0.60),
    Material.BROADLEAF: (10.0, 75.0, 0.05, 0.95),
    Material.GARDEN: (225.0, 60.0, 0.20, 0.55),
}


def dryness(date: dt.date, south: bool = False) -> np.ndarray:
    """Where each material lies between its two extremes on a date.

    Args:
        date: the day.
        south: southern hemisphere, half a year apart.

    Returns:
        float32 (materials,), 0 lush to 1 dry; 0.4 for materials without season.
    """
    day = date.timetuple().tm_yday + (DAYS_OF_YEAR / 2 if south else 0)
    share = np.full(len(Material), 0.4, np.float32)
    for material, (peak, spread, low, high) in _SEASON.items():
        away = (day - peak + DAYS_OF_YEAR / 2) % DAYS_OF_YEAR - DAYS_OF_YEAR / 2
        share[material] = low + (high - low) * np.exp(-0.5 * (away / spread) ** 2)
    return share


def reflect(material: np.ndarray, vigour: np.ndarray, date: dt.date, south: bool = False) -> np.ndarray:
    """Reflectance of materials on a date.

    Args:
        material: uint8 (h, w) codes of `Material`.
        vigour: float32 (h, w), local departure from the season's mean: negative is lusher or darker.
        date: the day.
        south: southern hemisphere.

    Returns:
        float32 (4, h, w).
    """
    share = np.clip(dryness(date, south)[material] + vigour, 0, 1)
    step = _DRY - _LUSH
    return np.stack([_LUSH[:, band][material] + step[:, band][material] * share for band in range(4)])
