"""The clear surface on any grid: what a sensor without an atmosphere would see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox

from pipeline.simulate import ground as land
from pipeline.simulate import towns
from pipeline.simulate.ground import Ground
from pipeline.simulate.palette import Material, reflect
from pipeline.simulate.world import World

MARGIN = 2
BLOCK_PIXELS = 262_144
REFERENCE_DATE = dt.date(2023, 7, 15)
_REFERENCE_SUN = (150.0, 58.0)


@dataclass(frozen=True)
class Surface:
    """A clear surface: reflectance float32 (4, h, w) in R, G, B, NIR; classes uint8 (h, w), codes 1..6."""

    reflectance: np.ndarray
    classes: np.ndarray


def surface(world: World, geobox: GeoBox, date: dt.date | None = None) -> Surface:
    """The surface of a grid in summer, or on a date, without cloud, haze, orbit's radiometry or noise.

    Args:
        world: the earth.
        geobox: a north-up grid in a UTM zone.
        date: the day whose season is shown; mid July where None.
    """
    reflectance = np.empty((4, *geobox.shape), np.float32)
    classes = np.empty(geobox.shape, np.uint8)
    for rows, block in blocks(geobox):
        bare = ground_of(world, block)
        reflectance[:, rows] = clear_of(bare, world, block, date or REFERENCE_DATE, _REFERENCE_SUN)
        classes[rows] = classes_of(bare)
    return Surface(reflectance, classes)


def blocks(geobox: GeoBox, pixels: int = BLOCK_PIXELS) -> Iterator[tuple[slice, GeoBox]]:
    """Cut a grid into blocks of whole rows, so that arrays stay small: (rows, grid of the block)."""
    rows, columns = geobox.shape
    step = max(1, min(rows, pixels // columns))
    for top in range(0, rows, step):
        part = slice(top, min(top + step, rows))
        yield part, geobox[part, :]


def ground_of(world: World, geobox: GeoBox) -> Ground:
    """The ground of a grid and of `MARGIN` pixels around it."""
    places = world.places(geobox.pad(MARGIN))
    found = land.natural(world, places)
    towns.build(world, places, found)
    return found


def classes_of(found: Ground) -> np.ndarray:
    """Landcover codes uint8 of the grid that `ground_of` was asked for."""
    return found.classes[MARGIN:-MARGIN, MARGIN:-MARGIN]


def clear_of(
    found: Ground, world: World, geobox: GeoBox, date: dt.date, sun: tuple[float, float]
) -> np.ndarray:
    """Reflectance of the ground on a date.

    Args:
        found: what `ground_of(world, geobox)` gave.
        world: the earth.
        geobox: the grid.
        date: the day (season).
        sun: azimuth and elevation in degrees, for the shading of slopes.

    Returns:
        float32 (4, h, w), slightly blurred as by the sensor's optics.
    """
    light = found.tone * _shading(found, float(geobox.affine.a), sun)
    bare = reflect(found.material, found.vigour, date, world.epsg // 100 == 327)
    bare *= light
    roofs = found.built - bare
    roofs *= found.built_share
    bare += roofs
    return _blur(bare)[:, 1:-1, 1:-1]


def _shading(found: Ground, resolution: float, sun: tuple[float, float]) -> np.ndarray:
    """Light on a slope against light on the level (Lambert), held to 0.6..1.35; water lies level."""
    azimuth, elevation = np.radians(sun)
    down, right = np.gradient(found.height, np.float32(resolution))
    east, north = -right, down
    towards = east * np.float32(np.sin(azimuth)) + north * np.float32(np.cos(azimuth))
    lit = 1 + towards * np.float32(1 / np.tan(elevation))
    lit = np.clip(lit, 0.6, 1.35)
    lit[found.material <= Material.RIVER] = 1
    return lit


def _blur(bands: np.ndarray) -> np.ndarray:
    """A small point spread function (0.1, 0.8, 0.1) on both axes; loses one pixel on each side."""
    middle, side = np.float32(0.8), np.float32(0.1)
    down = middle * bands[:, 1:-1] + side * (bands[:, :-2] + bands[:, 2:])
    return middle * down[:, :, 1:-1] + side * (down[:, :, :-2] + down[:, :, 2:])
