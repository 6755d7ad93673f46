"""One scene: the ground of a date under its sky, as an orbit's sensor sees it."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox

from pipeline.errors import UsageError
from pipeline.simulate import orbit as orbits
from pipeline.simulate.ground import Ground
from pipeline.simulate.noise import bell, hashed
from pipeline.simulate.sky import Weather, masks, sky, through, weather
from pipeline.simulate.surface import blocks, classes_of, clear_of, ground_of
from pipeline.simulate.world import World, pixel_index

NO_DATA = 255
# Rayleigh and thin aerosol that Level-1C still has (R, G, B, NIR): added light, and light let through.
_AIR_PATH = np.array([0.030, 0.048, 0.078, 0.012], np.float32)
_AIR_THROUGH = np.array([0.93, 0.90, 0.85, 0.96], np.float32)


@dataclass(frozen=True)
class Pass:
    """One date's pass over the world: its sky, orbit and radiometry.

    Attributes:
        date: the day.
        orbit: 0 or 1.
        weather: the sky.
        level: L2A (surface) or L1C (top of atmosphere).
        gain: float32 (4,), of the date.
        offset: float32 (4,), of the date.
    """

    date: dt.date
    orbit: int
    weather: Weather
    level: str
    gain: np.ndarray
    offset: np.ndarray


@dataclass(frozen=True)
class SimulatedScene:
    """A scene with its truth, on one grid.

    Attributes:
        reflectance: float32 (4, h, w), R, G, B, NIR; NaN outside the swath.
        cloud: uint8 (h, w): 0 clear, 1 cloud, 2 cloud shadow, 255 no data.
        haze: float32 (h, w), level; above about 0.5 in hazy scenes, below 0.15 in others.
        clear: float32 (4, h, w), the ground on that date without sky, radiometry or noise.
        classes: uint8 (h, w), landcover codes 1..6.
        hazy: whether the scene is hazy.
        sun_azimuth: degrees clockwise from north.
        sun_elevation: degrees.
    """

    reflectance: np.ndarray
    cloud: np.ndarray
    haze: np.ndarray
    clear: np.ndarray
    classes: np.ndarray
    hazy: bool
    sun_azimuth: float
    sun_elevation: float


def scene_arrays(
    world: World,
    geobox: GeoBox,
    date: dt.date,
    *,
    cloud_cover: float | None = None,
    hazy: bool | None = None,
    orbit: int | None = None,
    tile: str | None = None,
    level: str = "L2A",
) -> SimulatedScene:
    """A scene on any north-up UTM grid.

    Args:
        world: the earth.
        geobox: the grid, at 10 to 60 m.
        date: the day; weather, season and radiometry follow from it and the world's seed.
        cloud_cover: expected percent of cloud over the pass (a place may differ); drawn where None.
        hazy: whether the scene is hazy; drawn where None.
        orbit: 0 or 1, two tracks with different swath edges; drawn where None.
        tile: name of the tile, which has a little radiometry of its own.
        level: L2A or L1C.

    Raises:
        UsageError: unknown level.
    """
    now = make_pass(world, date, cloud_cover=cloud_cover, hazy=hazy, orbit=orbit, level=level)
    parts = []
    for _, block in blocks(geobox):
        parts.append(scene_block(world, block, now, ground_of(world, block), tile))
    if len(parts) == 1:
        return parts[0]

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts], axis=-2)

    return SimulatedScene(
        reflectance=joined("reflectance"),
        cloud=joined("cloud"),
        haze=joined("haze"),
        clear=joined("clear"),
        classes=joined("classes"),
        hazy=now.weather.hazy,
        sun_azimuth=now.weather.sun[0],
        sun_elevation=now.weather.sun[1],
    )


def make_pass(
    world: World,
    date: dt.date,
    *,
    cloud_cover: float | None = None,
    hazy: bool | None = None,
    orbit: int | None = None,
    level: str = "L2A",
) -> Pass:
    """Draw what is common to all scenes of a date; arguments as `scene_arrays`."""
    if level not in ("L1C", "L2A"):
        raise UsageError(f"A product level is L1C or L2A, not {level!r}.", "level")
    draw = world.draw("pass", date.toordinal())
    drawn = int(draw.integers(2))
    gain = 1 + draw.normal(0, 0.02) + draw.normal(0, 0.008, size=4)
    offset = draw.normal(0, 0.003) * np.array([0.8, 1.0, 1.4, 0.5]) + draw.normal(0, 0.0008, size=4)
    return Pass(
        date=date,
        orbit=drawn if orbit is None else orbit % 2,
        weather=weather(world, date, orbits.sun(world, date), cloud_cover, hazy),
        level=level,
        gain=gain.astype(np.float32),
        offset=offset.astype(np.float32),
    )


def scene_block(world: World, geobox: GeoBox, now: Pass, found: Ground, tile: str | None) -> SimulatedScene:
    """The scene on one block of rows.

    Args:
        world: the earth.
        geobox: the block's grid.
        now: the pass.
        found: `ground_of(world, geobox)`.
        tile: name of the tile, or None.
    """
    places = world.places(geobox)
    inner = (slice(1, -1), slice(1, -1))
    above = sky(now.weather, world.places(geobox.pad(1)))
    above = type(above)(*(getattr(above, name)[inner] for name in ("alpha", "light", "dimming", "haze")))
    clear = clear_of(found, world, geobox, now.date, now.weather.sun)
    distance = orbits.across_track(world, places, now.orbit)
    light = through(above, clear)
    if now.level == "L1C":
        light = light * _AIR_THROUGH[:, None, None] + _AIR_PATH[:, None, None]
    _radiometry(world, now, light, distance, tile)
    _sensor_noise(world, now, light, geobox)
    seen = orbits.seen(distance)
    light[:, ~seen] = np.nan
    cloud = np.where(seen, masks(above), np.uint8(NO_DATA))
    return SimulatedScene(
        light, cloud, above.haze, clear, classes_of(found), now.weather.hazy, *now.weather.sun
    )


def _radiometry(world: World, now: Pass, light: np.ndarray, distance: np.ndarray, tile: str | None) -> None:
    """Gain and offset of date and tile, and the ramp across the track (view angle), in place."""
    gain, offset = now.gain.copy(), now.offset.copy()
    if tile is not None:
        draw = world.draw("tile", zlib.crc32(tile.encode()), now.date.toordinal())
        gain *= np.float32(1 + draw.normal(0, 0.008))
        offset += (draw.normal(0, 0.0015) * np.array([0.8, 1.0, 1.4, 0.5])).astype(np.float32)
    ramp = 1 - np.float32(0.025 / 145_000) * distance
    light *= gain[:, None, None]
    light *= ramp
    light += offset[:, None, None]


def _sensor_noise(world: World, now: Pass, light: np.ndarray, geobox: GeoBox) -> None:
    rows, columns = pixel_index(geobox)
    for band in range(4):
        bits = hashed(world.field("noise", now.date.toordinal(), band), rows, columns)
        light[band] += bell(bits) * (np.float32(0.0010) + np.float32(0.006) * np.abs(light[band]))
