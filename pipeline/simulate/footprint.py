"""The part of a tile that a pass saw, in longitude and latitude."""

from __future__ import annotations

import numpy as np
from pyproj import Transformer

from pipeline.grid import Tile
from pipeline.simulate.orbit import across_track, seen
from pipeline.simulate.world import World

_STEP = 900


def footprint(world: World, tile: Tile, orbit: int) -> list[list[float]]:
    """A closed ring of (longitude, latitude) around what an orbit sees of a tile, to about 1 km."""
    box = tile.geobox(_STEP)
    mask = seen(across_track(world, world.places(box), orbit))
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    left, top = box.affine.c, box.affine.f
    y = top - (rows + 0.5) * _STEP
    y[0], y[-1] = top - rows[0] * _STEP, top - (rows[-1] + 1) * _STEP
    x = np.concatenate([left + last * _STEP, (left + first * _STEP)[::-1]])
    longitude, latitude = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(
        x, np.concatenate([y, y[::-1]])
    )
    ring = [[round(float(a), 6), round(float(b), 6)] for a, b in zip(longitude, latitude, strict=True)]
    return [*ring, ring[0]]
