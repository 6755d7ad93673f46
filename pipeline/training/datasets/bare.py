"""Bare ground of many colours laid over a simulated scene: sand, gravel, soil, stubble, salt and snow."""

import numpy as np
from numpy.typing import NDArray

from pipeline.simulate import SimulatedScene
from pipeline.simulate.ground import BARREN
from pipeline.simulate.noise import Places, fractal, smoothstep, streaks

COLOURS = np.array(
    [
        [0.46, 0.37, 0.26, 0.54],
        [0.38, 0.26, 0.15, 0.45],
        [0.31, 0.25, 0.18, 0.37],
        [0.22, 0.18, 0.13, 0.26],
        [0.19, 0.13, 0.085, 0.27],
        [0.14, 0.105, 0.075, 0.20],
        [0.30, 0.24, 0.15, 0.40],
        [0.50, 0.48, 0.43, 0.53],
        [0.86, 0.88, 0.90, 0.70],
    ],
    np.float32,
)
"""Of pale sand, red sand, gravel, dark gravel, loam, wet soil, stubble, salt and snow in R, G, B and NIR."""

WHOLE = 0.5
"""Share of the scenes that are bare everywhere; the others are so in patches."""


def laid_bare(
    scene: SimulatedScene, places: Places, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the clear ground of a scene under bare ground, and its landcover.

    Two colours mix in a smooth pattern under ripples, like dunes, and grain.

    Args:
        scene: drawn on the same grid.
        places: its pixel centres.
        rng: source of chance.

    Returns:
        Reflectance float32 (4, rows, cols) and landcover codes: `BARREN` where the ground is bare, 0 at the
        edges of its patches, elsewhere the scene's.
    """
    share = _share(places, rng)
    ground = _mixed(places, rng) * _relief(places, rng)
    clear = scene.clear * (1 - share) + ground * share
    classes = np.where(share > 0.9, np.uint8(BARREN), np.where(share < 0.1, scene.classes, np.uint8(0)))
    return clear.astype(np.float32), classes.astype(np.uint8)


def _share(places: Places, rng: np.random.Generator) -> NDArray[np.float32]:
    """How bare each pixel is, 0..1."""
    if rng.random() < WHOLE:
        return np.ones(places.shape, np.float32)
    spacing = max(float(np.exp(rng.uniform(np.log(150), np.log(4000)))), 3 * places.resolution)
    field = fractal(places, spacing, _seed(rng), gain=0.35)
    return smoothstep(-0.05, 0.05, field - np.float32(np.quantile(field, rng.uniform(0.25, 0.8))))


def _mixed(places: Places, rng: np.random.Generator) -> NDArray[np.float32]:
    chosen = COLOURS[rng.choice(len(COLOURS), 2, replace=False)]
    chosen = chosen * np.exp(rng.normal(0, 0.12, (2, 1)) + rng.normal(0, 0.04, (2, 4)))
    first, second = chosen.astype(np.float32)[:, :, None, None]
    width = float(rng.uniform(0.2, 2.0))
    pattern = fractal(places, float(np.exp(rng.uniform(np.log(300), np.log(9000)))), _seed(rng))
    part = smoothstep(-width, width, pattern + np.float32(rng.uniform(-1, 1)))
    return first * (1 - part) + second * part


def _relief(places: Places, rng: np.random.Generator) -> NDArray[np.float32]:
    """Light on ripples and grain, about 1."""
    bearing = rng.uniform(0, np.pi)
    wave = max(float(np.exp(rng.uniform(np.log(60), np.log(2000)))), 2 * places.resolution)
    along = places.x * np.cos(bearing) + places.y * np.sin(bearing)
    across = places.y * np.cos(bearing) - places.x * np.sin(bearing)
    ripples = streaks(along / (5 * wave), across / wave, _seed(rng))
    grain = fractal(places, max(200.0, 2 * places.resolution), _seed(rng), gain=0.7)
    light = 1 + np.float32(rng.uniform(0, 0.2)) * ripples + np.float32(rng.uniform(0, 0.1)) * grain
    return np.clip(light, 0.5, 1.6)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))
