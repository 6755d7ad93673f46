"""Towns and villages: streets, houses with gardens, halls with yards, parks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.simulate.ground import GRASS, INDUSTRIAL, RESIDENTIAL, TREE, WATER, Ground
from pipeline.simulate.noise import Places, fractal, hashed, smoothstep, spline, unit
from pipeline.simulate.palette import Material
from pipeline.simulate.world import World

# Reflectance (R, G, B, NIR) of roofs and pavements.
_ROOFS = np.array(
    [
        [0.205, 0.128, 0.090, 0.230],
        [0.170, 0.112, 0.084, 0.205],
        [0.175, 0.172, 0.168, 0.200],
        [0.125, 0.115, 0.105, 0.150],
        [0.240, 0.215, 0.185, 0.275],
    ],
    np.float32,
)
_HALLS = np.array(
    [
        [0.400, 0.400, 0.395, 0.420],
        [0.270, 0.272, 0.275, 0.290],
        [0.330, 0.325, 0.315, 0.345],
        [0.185, 0.215, 0.260, 0.260],
        [0.150, 0.150, 0.155, 0.170],
        [0.215, 0.155, 0.125, 0.235],
    ],
    np.float32,
)
_ASPHALT = np.array([0.118, 0.116, 0.112, 0.140], np.float32)
_CONCRETE = np.array([0.225, 0.215, 0.198, 0.250], np.float32)
# (lattice metres, chance of a town in a cell, least and most radius in metres)
_KINDS = {"town": (11_500.0, 0.93, 1300.0, 3600.0), "village": (3000.0, 0.5, 170.0, 430.0)}
_REACH = 1.6


@dataclass(frozen=True)
class Town:
    """One town: centre and radius in metres, direction of its streets in radians, hash, has it works."""

    x: float
    y: float
    radius: float
    turn: float
    bits: int
    works: bool


def build(world: World, places: Places, ground: Ground) -> None:
    """Put the towns of a window on its ground, in place."""
    for town in _towns(world, places):
        window = _window(places, town)
        if window is not None:
            _build_one(world, town, places.window(*window), ground, window)


def _towns(world: World, places: Places) -> Iterator[Town]:
    for kind, (cell, chance, least, most) in _KINDS.items():
        seed = world.field(kind)
        margin = most * _REACH
        columns = _cells(places.x, margin, cell)
        rows = _cells(places.y, margin, cell)
        bits = hashed(seed, rows[:, None], columns[None, :])
        draws = [unit(hashed(k, bits)) for k in range(5)]
        for i, j in np.argwhere(draws[0] < chance):
            size = float(draws[3][i, j]) ** 2
            yield Town(
                x=(columns[j] + 0.5 + 0.5 * (float(draws[1][i, j]) - 0.5)) * cell,
                y=(rows[i] + 0.5 + 0.5 * (float(draws[2][i, j]) - 0.5)) * cell,
                radius=least + (most - least) * size,
                turn=float(draws[4][i, j]) * np.pi / 2,
                bits=int(bits[i, j]),
                works=kind == "town",
            )


def _cells(metres: np.ndarray, margin: float, cell: float) -> np.ndarray:
    first, last = np.floor((metres.min() - margin) / cell), np.floor((metres.max() + margin) / cell)
    return np.arange(int(first), int(last) + 1)


def _window(places: Places, town: Town) -> tuple[slice, slice] | None:
    """Rows and columns that a town may touch; None when it lies outside."""
    near = (np.abs(places.x - town.x) < town.radius * _REACH) & (
        np.abs(places.y - town.y) < town.radius * _REACH
    )
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _build_one(world: World, town: Town, places: Places, ground: Ground, window: tuple[slice, slice]) -> None:
    east, north = (places.x - town.x).astype(np.float32), (places.y - town.y).astype(np.float32)
    distance = np.sqrt(east * east + north * north) / np.float32(town.radius)
    edge = fractal(places, town.radius * 0.5, world.field("edge"), finest=60.0)
    away = distance + np.float32(0.26) * edge
    inside = (away < 1) & (ground.classes[window] != WATER) & (ground.height[window] < 900)
    if not inside.any():
        return
    cos, sin = np.float32(np.cos(town.turn)), np.float32(np.sin(town.turn))
    u, v = cos * east + sin * north, cos * north - sin * east
    quarter = spline(places, 420.0, world.field("quarter"))
    works = _works(world, town, places, east, north, distance) if town.works else np.zeros(places.shape, bool)
    share, colour = _houses(town, u, v, away, quarter, places.resolution)
    hall_share, hall_colour = _halls(town, u, v, places.resolution)
    park = inside & ~works & (quarter > 1.75)
    houses = inside & ~works & ~park
    halls = inside & works
    view = ground.built_share[window]
    for where, part, colours in ((houses, share, colour), (halls, hall_share, hall_colour)):
        np.copyto(view, part, where=where)
        np.copyto(ground.built[(slice(None), *window)], colours, where=where)
    _green(ground, window, inside, park, edge)
    classes = ground.classes[window]
    classes[houses], classes[halls] = RESIDENTIAL, INDUSTRIAL


def _green(
    ground: Ground, window: tuple[slice, slice], inside: np.ndarray, park: np.ndarray, edge: np.ndarray
) -> None:
    """Gardens between the houses, parks with lawns and trees."""
    material, classes = ground.material[window], ground.classes[window]
    material[inside] = Material.GARDEN
    np.copyto(ground.vigour[window], np.float32(0.12) * edge, where=inside)
    wood = park & (edge > 0)
    material[park], material[wood] = Material.MEADOW, Material.BROADLEAF
    classes[park], classes[wood] = GRASS, TREE


def _works(
    world: World, town: Town, places: Places, east: np.ndarray, north: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """Where works and warehouses are: a sector at the town's edge, in patches."""
    side = np.float32(unit(hashed(7, np.array([town.bits])))[0] * 2 * np.pi)
    facing = np.cos(np.arctan2(north, east) - side)
    patches = spline(places, 600.0, world.field("works"))
    return (
        np.float32(0.75) * facing
        + np.float32(0.33) * patches
        + (distance - np.float32(0.6)) * np.float32(0.8)
        > 0.52
    )


def _houses(
    town: Town, u: np.ndarray, v: np.ndarray, away: np.ndarray, quarter: np.ndarray, resolution: float
) -> tuple[np.ndarray, np.ndarray]:
    """Built share and its colour of quarters with houses; pixels wider than plots see near their mean."""
    block = 80.0 + 30.0 * (town.bits % 7) / 6
    street = (_to_line(u, block) < 5.5) | (_to_line(v, block * 1.6) < 5.5)
    density = np.clip(np.float32(0.86) - np.float32(0.52) * away + np.float32(0.17) * quarter, 0.2, 0.95)
    plot = hashed(town.bits, np.floor(u / 21), np.floor(v / 21))
    house = unit(plot) < density
    palette = np.roll(_ROOFS, town.bits % 3, axis=0)
    roof = palette[(plot & np.uint32(0xFFFF)) % np.uint32(len(palette))]
    shade = np.float32(0.75) + np.float32(0.5) * unit(hashed(8, plot))
    sharp = np.float32(min(1.0, 21.0 / resolution))
    paved = np.float32(11 / block + 11 / (block * 1.6))
    mean_share = paved + (1 - paved) * density * np.float32(0.72)
    share = np.where(street, np.float32(0.9), np.where(house, np.float32(0.72), np.float32(0.10)))
    share = mean_share + (share - mean_share) * sharp
    mean_colour = np.float32(0.3) * _ASPHALT + np.float32(0.7) * palette.mean(axis=0)
    colour = np.where(street[..., None], _ASPHALT, roof * shade[..., None])
    colour = mean_colour + (colour - mean_colour) * sharp
    return share, np.moveaxis(colour, -1, 0)


def _halls(town: Town, u: np.ndarray, v: np.ndarray, resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Built share and its colour of works: halls of 60 to 150 m on yards of asphalt and concrete."""
    long, wide = 150.0 + town.bits % 60, 95.0 + town.bits % 40
    lot = hashed(town.bits + 1, np.floor(u / long), np.floor(v / wide))
    fill = np.float32(0.30) + np.float32(0.16) * unit(hashed(9, lot))
    across = np.abs(u / np.float32(long) - np.floor(u / np.float32(long)) - np.float32(0.5))
    along = np.abs(v / np.float32(wide) - np.floor(v / np.float32(wide)) - np.float32(0.5))
    hall = (across < fill) & (along < fill) & (unit(hashed(10, lot)) < 0.82)
    street = (_to_line(u, long * 2) < 8) | (_to_line(v, wide * 2) < 8)
    roof = _HALLS[(lot & np.uint32(0xFFFF)) % np.uint32(len(_HALLS))]
    concrete = smoothstep(0.35, 0.65, unit(hashed(11, lot)))[..., None]
    yard = _ASPHALT + (_CONCRETE - _ASPHALT) * concrete
    sharp = np.float32(min(1.0, 42.0 / resolution))
    colour = np.where((hall & ~street)[..., None], roof, np.where(street[..., None], _ASPHALT, yard))
    mean = np.float32(0.48) * roof + np.float32(0.52) * yard
    colour = mean + (colour - mean) * sharp
    grass = np.float32(0.93) - np.float32(0.25) * (unit(hashed(12, lot)) > 0.8) * ~hall
    return grass, np.moveaxis(colour, -1, 0)


def _to_line(position: np.ndarray, spacing: float) -> np.ndarray:
    """Distance in metres to the nearest multiple of a spacing."""
    turns = position / np.float32(spacing)
    return np.abs(turns - np.rint(turns)) * np.float32(spacing)
