"""The natural ground: relief, lakes and rivers, forests, fields, soil, rock; towns come on top of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.simulate.noise import Places, bell, fractal, hashed, smoothstep, spline, unit
from pipeline.simulate.palette import Material
from pipeline.simulate.world import World

WATER, GRASS, TREE, RESIDENTIAL, INDUSTRIAL, BARREN = 1, 2, 3, 4, 5, 6
_CLASS_OF = np.array(
    [WATER, WATER, GRASS, GRASS, GRASS, GRASS, TREE, TREE, BARREN, BARREN, BARREN, GRASS], np.uint8
)
_FARM_CELL = 2600.0
# Share of the parcels that bear a small wood or an orchard.
_COPSES = np.float32(0.035)
_CROPS = np.array(
    [Material.CEREAL, Material.MAIZE, Material.CEREAL, Material.RAPE, Material.MEADOW], np.uint8
)


@dataclass
class Ground:
    """All that lies on the pixels, whatever the date.

    Attributes:
        material: uint8 (h, w), codes of `palette.Material`.
        vigour: float32 (h, w), departure from the season's mean dryness.
        tone: float32 (h, w), factor on the reflectance (texture), about 1.
        height: float32 (h, w), metres.
        built_share: float32 (h, w), part of the pixel that is roof or pavement.
        built: float32 (4, h, w), reflectance of that part.
        classes: uint8 (h, w), landcover codes 1..6.
    """

    material: np.ndarray
    vigour: np.ndarray
    tone: np.ndarray
    height: np.ndarray
    built_share: np.ndarray
    built: np.ndarray
    classes: np.ndarray


def natural(world: World, places: Places) -> Ground:
    """The ground before people built on it.

    The outermost pixel of each side is less exact (slopes are one-sided there): ask for two more.
    """
    relief = fractal(places, 9000.0, world.field("relief"), gain=0.47, finest=60.0)
    woods = fractal(places, 2600.0, world.field("woods"), gain=0.52, finest=25.0)
    patch = spline(places, 1700.0, world.field("patch"))
    material, vigour = fields(world, places, patch)
    forest = 0.84 * woods + 0.54 * relief > np.float32(0.36)
    conifer = patch * np.float32(0.6) + relief * np.float32(0.9) + np.float32(0.35) * woods > np.float32(0.75)
    material[forest] = np.where(conifer, Material.CONIFER, Material.BROADLEAF)[forest]
    fine = fractal(places, 320.0, world.field("fine"), gain=0.6, finest=15.0)
    vigour = np.where(forest, np.float32(0.12) * patch, vigour) + np.float32(0.07) * fine
    _rock(material, vigour, relief, woods, patch)
    _water(world, places, relief, material, vigour)
    shape = places.shape
    return Ground(
        material=material,
        vigour=vigour.astype(np.float32),
        tone=_texture(world, places, material, fine),
        height=np.float32(300.0) * np.maximum(relief + np.float32(0.2), 0) ** 2,
        built_share=np.zeros(shape, np.float32),
        built=np.zeros((4, *shape), np.float32),
        classes=_CLASS_OF[material],
    )


def fields(world: World, places: Places, patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Farmland: districts with their own direction, cut into strips and parcels.

    Args:
        world: the earth.
        places: where.
        patch: smooth field (h, w): its high parts are meadow country.

    Returns:
        Material codes uint8 (h, w) and vigour float32 (h, w).
    """
    wave = [
        fractal(places, 900.0, world.field("lane", axis), finest=200.0) * np.float32(90) for axis in (0, 1)
    ]
    u, v, district = _district(world, places.x + wave[0], places.y + wave[1])
    turn = unit(district) * np.float32(np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    u, v = cos * u + sin * v, cos * v - sin * u
    width = np.float32(90) + np.float32(230) * unit(hashed(3, district)) ** 2
    length = width * (np.float32(1.3) + np.float32(2.5) * unit(hashed(4, district)))
    strip = np.floor(u / width)
    row = np.floor(v / length + unit(hashed(5, district, strip)))
    parcel = hashed(world.field("parcel"), district, strip, row)
    kind = unit(parcel)
    meadow = np.clip(np.float32(0.36) + np.float32(0.24) * patch, 0.06, 0.8)
    soil = smoothstep(0.2, 1.6, -patch) * np.float32(0.20) + np.float32(0.045)
    material = _CROPS[(parcel & np.uint32(0xFF)) % np.uint32(len(_CROPS))]
    material[kind < meadow] = Material.MEADOW
    material[kind > 1 - soil] = Material.SOIL
    material[(kind > meadow) & (kind < meadow + _COPSES)] = Material.BROADLEAF
    spread = np.where(material == Material.SOIL, np.float32(0.9), np.float32(0.45))
    vigour = (unit(hashed(6, parcel)) - np.float32(0.5)) * spread + np.float32(0.08) * patch
    return material, vigour


def _district(world: World, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Nearest jittered centre of a lattice: offset from it in metres, and its hash."""
    seed = world.field("district")
    column, row = np.floor(x / _FARM_CELL).astype(np.int32), np.floor(y / _FARM_CELL).astype(np.int32)
    left, top = int(column.min()) - 1, int(row.min()) - 1
    columns, rows = np.arange(left, int(column.max()) + 2), np.arange(top, int(row.max()) + 2)
    bits = hashed(seed, rows[:, None], columns[None, :])
    centre_x = ((columns[None, :] + 0.5 + 0.55 * (unit(hashed(1, bits)) - 0.5)) * _FARM_CELL).ravel()
    centre_y = ((rows[:, None] + 0.5 + 0.55 * (unit(hashed(2, bits)) - 0.5)) * _FARM_CELL).ravel()
    cell = (row - top) * len(columns) + column - left
    nearest = np.full(x.shape, np.float32(np.inf))
    best_u = np.zeros(x.shape, np.float32)
    best_v = np.zeros(x.shape, np.float32)
    which = np.zeros(x.shape, np.int32)
    for step in (dy * len(columns) + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
        index = cell + step
        u, v = (x - centre_x[index]).astype(np.float32), (y - centre_y[index]).astype(np.float32)
        distance = u * u + v * v
        nearer = distance < nearest
        for target, value in ((nearest, distance), (best_u, u), (best_v, v), (which, index)):
            np.copyto(target, value, where=nearer)
    return best_u, best_v, bits.ravel()[which]


def _rock(
    material: np.ndarray, vigour: np.ndarray, relief: np.ndarray, woods: np.ndarray, patch: np.ndarray
) -> None:
    """Bare summits and scree in place, with meadows below them."""
    summit = relief + np.float32(0.22) * woods
    alpine = summit > np.float32(1.40)
    material[alpine] = Material.MEADOW
    rock = summit > np.float32(1.60)
    material[rock] = Material.ROCK
    np.copyto(vigour, np.float32(0.12) * patch + np.float32(0.12) * woods - np.float32(0.2), where=rock)


def _water(
    world: World, places: Places, relief: np.ndarray, material: np.ndarray, vigour: np.ndarray
) -> None:
    """Lakes and rivers with their gravel in place."""
    bed = fractal(places, 3600.0, world.field("lake"), gain=0.42, finest=40.0)
    depth = bed - np.float32(1.50) - np.float32(0.5) * np.maximum(relief - np.float32(0.4), 0)
    bank = fractal(places, 500.0, world.field("bank"), finest=60.0)
    big = _line_distance(places, fractal(places, 11000.0, world.field("river"), gain=0.36, finest=250.0))
    small = _line_distance(places, fractal(places, 4200.0, world.field("stream"), gain=0.40, finest=150.0))
    broad = np.float32(95) + np.float32(45) * spline(places, 7000.0, world.field("breadth"))
    broad = np.maximum(broad, 30) + np.float32(12) * bank
    gravel = (big < broad * (np.float32(1.1) + np.float32(0.45) * np.maximum(bank, 0))) & (bank > 0.15)
    material[gravel] = Material.SAND
    river = (big < broad) | ((small < np.float32(22) + np.float32(5) * bank) & (relief < 1.2))
    material[river] = Material.RIVER
    np.copyto(vigour, np.float32(0.25) * spline(places, 20000.0, world.field("silt")), where=river)
    shore = (depth > -0.06) & (bank > 1.1)
    material[shore] = Material.SAND
    lake = depth > 0
    material[lake] = Material.LAKE
    shallow = np.float32(0.45) * np.exp(-depth * np.float32(9)) - np.float32(0.40)
    np.copyto(vigour, shallow + np.float32(0.1) * spline(places, 9000.0, world.field("algae")), where=lake)


def _line_distance(places: Places, field: np.ndarray) -> np.ndarray:
    """About how many metres it is to the line where a field is zero."""
    down, right = np.gradient(field, np.float32(places.resolution))
    return np.abs(field) / np.sqrt(down * down + right * right + np.float32(1e-12))


# Deviation of the grain of a 10 m pixel, by material.
_GRAIN = np.array([0.02, 0.03, 0.05, 0.035, 0.04, 0.035, 0.16, 0.12, 0.05, 0.12, 0.08, 0.12], np.float32)


def _texture(world: World, places: Places, material: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Grain by material: crowns and scree are rough, crops are smooth; larger pixels average it away."""
    east = np.floor(places.x / places.resolution)
    north = np.floor(places.y / places.resolution)
    grain = bell(hashed(world.field("grain"), north, east))
    strength = _GRAIN[material]
    fade = np.float32(min(1.0, (20.0 / places.resolution) ** 0.7))
    return 1 + strength * (grain * fade + np.float32(0.5) * fine)
