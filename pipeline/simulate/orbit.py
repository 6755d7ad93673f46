"""Where the satellite passes and where the sun stands."""

from __future__ import annotations

import datetime as dt

import numpy as np
from pyproj import Transformer

from pipeline.simulate.noise import Places
from pipeline.simulate.world import World

# Two relative orbits: swaths of 290 km that overlap by 190 km, repeated so that every place is seen.
_HALF_SWATH = 145_000.0
_PERIOD = 390_000.0
_ORBIT_CENTRES = (0.0, 100_000.0)
# Easting gained per metre northward by a descending track at middle latitudes.
_SLANT = 0.2
LOCAL_HOUR = 10.5


def across_track(world: World, places: Places, orbit: int) -> np.ndarray:
    """Distance east of an orbit's track in metres, float32 (h, w); more than 145 km away nothing is seen.

    Args:
        world: the earth.
        places: where.
        orbit: 0 or 1.
    """
    shift = world.draw("track").uniform(-6000, 6000, size=2)[orbit % 2]
    east = places.x - world.centre[0] - (places.y - world.centre[1]) * _SLANT - shift
    half = _PERIOD / 2
    return ((east - _ORBIT_CENTRES[orbit % 2] + half) % _PERIOD - half).astype(np.float32)


def seen(distance: np.ndarray) -> np.ndarray:
    """Whether a place at a distance across the track lies in the swath."""
    return np.abs(distance) < _HALF_SWATH


def relative_orbit(world: World, orbit: int) -> int:
    """The number (1 to 143) of an orbit in product names."""
    return int(1 + (world.field("relative orbit") + 43 * (orbit % 2)) % 143)


def position(world: World) -> tuple[float, float]:
    """Longitude and latitude of the middle of the reference tile, degrees."""
    longitude, latitude = Transformer.from_crs(world.epsg, 4326, always_xy=True).transform(*world.centre)
    return float(longitude), float(latitude)


def sun(world: World, date: dt.date) -> tuple[float, float]:
    """Azimuth and elevation of the sun in degrees at 10:30 local solar time, one value for a whole pass.

    Formulas: declination by Cooper (1969), then spherical trigonometry; the elevation is at least 15 degrees.
    """
    latitude = np.radians(position(world)[1])
    day = date.timetuple().tm_yday
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    hour = np.radians(15 * (LOCAL_HOUR - 12))
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour)
    azimuth = np.degrees(np.arctan2(east, north)) % 360
    return float(azimuth), float(max(np.degrees(np.arcsin(up)), 15.0))
