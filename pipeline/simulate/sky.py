"""Clouds, their shadows and haze of one date, as functions of the place: continuous over all tiles."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from pipeline.simulate.noise import Places, fractal, smoothstep, spline, streaks
from pipeline.simulate.world import World

# The alpha at which a cloud counts as cloud; optical thickness 0.223.
CLOUD_ALPHA = 0.2
_EDGE = float(-np.log(1 - CLOUD_ALPHA))
# Part of the light that still comes from the sky in a full shadow (R, G, B, NIR), after correction.
DIFFUSE = np.array([0.30, 0.34, 0.42, 0.20], np.float32)
SHADOW_DARKENING = 0.25
_CLOUD_COLOUR = np.array([0.985, 1.0, 1.03, 0.97], np.float32)
# Haze of level 1: light added by the air and light let through.
_PATH = np.array([0.058, 0.075, 0.105, 0.032], np.float32)
_THROUGH = np.array([0.84, 0.80, 0.74, 0.91], np.float32)


@dataclass(frozen=True)
class Weather:
    """The sky of one date.

    Attributes:
        cover: expected share of cumulus, 0..1.
        size: lattice distance of the widest cumulus octave, metres.
        softness: gain of thickness at the edges; small is soft.
        base: height of the clouds above ground, metres.
        cirrus: expected share of cirrus, 0..1.
        bearing: direction of the cirrus streaks, radians.
        hazy: whether the whole scene is hazy.
        haze: mean haze level (1 = strong; below 0.15 in scenes that are not hazy).
        seed: of all fields of this date.
        sun: azimuth and elevation, degrees.
    """

    cover: float
    size: float
    softness: float
    base: float
    cirrus: float
    bearing: float
    hazy: bool
    haze: float
    seed: int
    sun: tuple[float, float]


@dataclass(frozen=True)
class Sky:
    """What the sky does to each pixel, all float32 (h, w).

    Attributes:
        alpha: how much of the ground the clouds hide, 0..1.
        light: reflectance of the clouds.
        dimming: share of the direct sunlight that shadows take, 0..1.
        haze: haze level.
    """

    alpha: np.ndarray
    light: np.ndarray
    dimming: np.ndarray
    haze: np.ndarray


def weather(
    world: World, date: dt.date, sun: tuple[float, float], cloud_cover: float | None, hazy: bool | None
) -> Weather:
    """Draw the weather of a date.

    Args:
        world: the earth.
        date: the day.
        sun: azimuth and elevation, degrees.
        cloud_cover: expected percent of cloud; drawn (0 to 90, mostly low) where None.
        hazy: whether there is haze; one date in six where None.
    """
    draw = world.draw("weather", date.toordinal())
    u = draw.uniform(size=10)
    cover = 0.9 * u[0] ** 1.8 if cloud_cover is None else min(max(cloud_cover / 100, 0.0), 0.98)
    is_hazy = bool(u[1] < 1 / 6) if hazy is None else hazy
    thin = (0.35 + 0.5 * u[2]) if u[3] < 0.3 else 0.0
    sizes = np.array([500.0, 900.0, 1800.0, 4000.0, 9000.0])
    rank = min(int(u[4] * 3 + cover * 3), len(sizes) - 1)
    return Weather(
        cover=cover * (1 - thin),
        size=float(sizes[rank] * (0.8 + 0.4 * u[5])),
        softness=float(4.0 + 6.0 * u[6]),
        base=float(700 + 1900 * u[7]),
        cirrus=cover * thin,
        bearing=float(np.pi * u[8]),
        hazy=is_hazy,
        haze=float(0.65 + 0.75 * u[9] if is_hazy else 0.09 * u[9]),
        seed=world.field("sky", date.toordinal()),
        sun=sun,
    )


def sky(now: Weather, places: Places) -> Sky:
    """The sky over some places; the shading of the outermost pixels is less exact than of the others."""
    excess = _excess(now, places)
    thick = _thickness(now, excess)
    veil = _cirrus(now, places)
    alpha = 1 - np.exp(-thick - veil)
    azimuth, elevation = np.radians(now.sun)
    away = now.base / np.tan(elevation)
    towards_sun = places.moved(away * np.sin(azimuth), away * np.cos(azimuth))
    dimming = 1 - np.exp(-_thickness(now, _excess(now, towards_sun)))
    level = now.haze * (1 + np.float32(0.22) * spline(places, 21_000.0, now.seed + 5))
    return Sky(
        alpha, _light(now, places, excess, thick, veil), dimming, np.maximum(level, 0).astype(np.float32)
    )


def _excess(now: Weather, places: Places) -> np.ndarray:
    """How far the moisture lies above what makes a cloud."""
    if now.cover <= 0:
        return np.full(places.shape, -9, np.float32)
    field = fractal(places, now.size, now.seed + 1, gain=0.56, finest=40.0) * np.float32(0.82)
    field += spline(places, 16_000.0, now.seed + 2) * np.float32(0.57)
    return field - np.float32(-ndtri(now.cover))


def _thickness(now: Weather, excess: np.ndarray) -> np.ndarray:
    """Optical thickness: `_EDGE` where excess is 0, a soft fringe outside, quickly opaque inside."""
    fringe = np.maximum(np.float32(_EDGE) + np.float32(now.softness) * excess, 0)
    return fringe + np.float32(9.0) * np.maximum(excess, 0) ** 2


def _cirrus(now: Weather, places: Places) -> np.ndarray:
    """Optical thickness of cirrus: thin streaks along one direction, in banks."""
    if now.cirrus <= 0:
        return np.zeros(places.shape, np.float32)
    cos, sin = np.cos(now.bearing), np.sin(now.bearing)
    along, across = places.x * cos + places.y * sin, places.y * cos - places.x * sin
    across = across + 700 * spline(places, 7000.0, now.seed + 6)
    field = np.zeros(places.shape, np.float32)
    for octave, (long, wide) in enumerate(((21_000, 4200), (12_000, 1500), (5200, 520))):
        field += streaks(along / long, across / wide, now.seed + 20 + octave) * np.float32(0.62**octave)
    bank = spline(places, 13_000.0, now.seed + 7)
    level = np.float32(1.1) * bank + np.float32(1.4) * field - np.float32(1.35 * -ndtri(now.cirrus))
    return np.float32(0.36) * smoothstep(-0.9, 1.6, level) + np.float32(0.2) * smoothstep(0.5, 3.0, level)


def _light(
    now: Weather, places: Places, excess: np.ndarray, thick: np.ndarray, veil: np.ndarray
) -> np.ndarray:
    """Reflectance of the clouds: thick ones bright, sides away from the sun grey, cirrus pale."""
    azimuth = np.radians(now.sun[0])
    down, right = np.gradient(excess, np.float32(places.resolution / 260.0))
    facing = down * np.float32(np.cos(azimuth)) - right * np.float32(np.sin(azimuth))
    shade = np.clip(1 + np.float32(0.35) * facing, 0.62, 1.25)
    body = (np.float32(0.36) + np.float32(0.50) * (1 - np.exp(-thick / 3))) * shade
    total = thick + veil + np.float32(1e-6)
    return np.clip((body * thick + np.float32(0.46) * veil) / total, 0.28, 1.0)


def through(now: Sky, ground: np.ndarray) -> np.ndarray:
    """The ground (4, h, w) seen under this sky, before the sensor."""
    seen = ground * (1 - now.dimming * (1 - DIFFUSE)[:, None, None])
    seen *= np.exp(np.log(_THROUGH)[:, None, None] * now.haze)
    seen += _PATH[:, None, None] * now.haze
    return seen + now.alpha * (now.light * _CLOUD_COLOUR[:, None, None] - seen)


def masks(now: Sky) -> np.ndarray:
    """uint8 (h, w): 0 clear, 1 cloud, 2 cloud shadow."""
    cloud = now.alpha > CLOUD_ALPHA
    shadow = now.dimming * (1 - DIFFUSE.mean()) > SHADOW_DARKENING
    return np.where(cloud, 1, np.where(shadow, 2, 0)).astype(np.uint8)
