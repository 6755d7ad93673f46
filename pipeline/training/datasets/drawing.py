"""Scenes drawn from the simulator: its own ground, or the same under sand or snow."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage

from pipeline.grid import PREVIEW_PIXELS, PREVIEW_RESOLUTION, SIZE, Tile
from pipeline.simulate import SimulatedScene, World, scene_arrays
from pipeline.simulate.scene import make_pass
from pipeline.simulate.sky import sky, through
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.bare import laid_bare

TILES = ("33TWL", "31UDQ", "30TVK", "17SNV", "34HBH", "55HBU", "21HUB", "35VLG")
"""Tiles that seeds are spread over: other suns, other seasons, both hemispheres."""

SAND = np.array([0.44, 0.33, 0.21, 0.52], np.float32)
SNOW = np.array([0.86, 0.88, 0.90, 0.70], np.float32)
FINE = 2
"""A preview is drawn this many times finer and averaged."""


@dataclass(frozen=True)
class Drawn:
    """A simulated scene, or a part of one.

    Attributes:
        reflectance: float32 (4, rows, cols), NaN outside the swath.
        classes: landcover codes 1..6; 0 where the ground is none of the simulator's.
        cloud: 0 clear, 1 cloud, 2 shadow, 255 no data.
        hazy: whether the scene is hazy.
    """

    reflectance: NDArray[np.float32]
    classes: NDArray[np.uint8]
    cloud: NDArray[np.uint8]
    hazy: bool

    def preview_labels(self) -> NDArray[np.uint8]:
        """Return 0 clear (shadow too), 1 cloud, 255 no data."""
        return np.where(self.cloud == IGNORE, self.cloud, self.cloud == 1).astype(np.uint8)


def world_of(seed: int) -> World:
    """Return the made-up earth of a seed, near one of `TILES`."""
    return World(seed, TILES[seed % len(TILES)])


def any_date(rng: np.random.Generator) -> dt.date:
    """Return a day of 2023, three of four times in summer."""
    summer = rng.random() < 0.75
    day = int(rng.integers(90, 290)) if summer else int(rng.integers(0, 365))
    return dt.date(2023, 1, 1) + dt.timedelta(days=day)


def square(tile: Tile, resolution: float, side: int, row: float, col: float) -> GeoBox:
    """Return a square grid inside a tile, on the tile's own pixels, centred where row and col (0..1) say."""
    pixels = int(SIZE // resolution)
    top, left = (int(np.clip(share * pixels - side / 2, 0, pixels - side)) for share in (row, col))
    affine = tile.transform(resolution) @ Affine.translation(left, top)
    return GeoBox((side, side), affine, f"EPSG:{tile.epsg}")


def draw(
    world: World,
    geobox: GeoBox,
    date: dt.date,
    *,
    cloud_cover: float | None = None,
    hazy: bool | None = None,
    level: str = "L2A",
    ground: str = "",
) -> Drawn:
    """Draw a scene.

    Args:
        world: the earth.
        geobox: the grid.
        date: the day.
        cloud_cover: percent; drawn where None.
        hazy: drawn where None.
        level: "L2A" or "L1C".
        ground: "" for the simulator's, "sand" or "snow" to lay that over it with no landcover told, "bare" to
            lay bare ground over it that is told (`bare.laid_bare`).
    """
    scene = scene_arrays(
        world, geobox, date, cloud_cover=cloud_cover, hazy=hazy, tile=world.reference_tile, level=level
    )
    drawn = Drawn(scene.reflectance, scene.classes, scene.cloud, scene.hazy)
    if not ground:
        return drawn
    weather = make_pass(world, date, cloud_cover=cloud_cover, hazy=hazy).weather
    places = world.places(geobox)
    if ground == "bare":
        clear, classes = laid_bare(scene, places, world.draw("bare", *_corner(geobox), date.toordinal()))
    else:
        clear, classes = covered(scene, ground), np.zeros_like(scene.classes)
    light = through(sky(weather, places), clear)
    reflectance = np.where(np.isnan(scene.reflectance), np.nan, light).astype(np.float32)
    return replace(drawn, reflectance=reflectance, classes=classes)


def _corner(geobox: GeoBox) -> tuple[int, int]:
    return int(geobox.affine.c), int(geobox.affine.f)


def covered(scene: SimulatedScene, ground: str) -> NDArray[np.float32]:
    """Return the clear ground of a scene under sand everywhere, or under snow in patches."""
    grey = scene.clear.mean(axis=0)
    relief = np.clip(grey / max(float(np.median(grey)), 0.01), 0.3, 1.8)
    if ground == "sand":
        tone = 0.55 + 0.45 * ndimage.gaussian_filter(relief, 1) + 0.05 * (relief - 1)
        return (SAND[:, None, None] * tone).astype(np.float32)
    smooth = ndimage.gaussian_filter(relief, 3)
    patchy = np.clip((smooth - np.quantile(smooth, 0.6)) * 12, 0, 1)
    snow = SNOW[:, None, None] * (0.85 + 0.15 * relief)
    return (scene.clear * (1 - patchy) + snow * patchy).astype(np.float32)


def draw_windows(
    seed: int, resolution: float, side: int, clear: bool, count: int = 4, level: str = "L2A"
) -> Iterator[Drawn]:
    """Yield windows of a seed for evaluation, each at another place and date.

    Args:
        seed: of the simulator.
        resolution: metres.
        side: rows and columns.
        clear: little cloud and no haze (for landcover); else weather as it comes.
        count: how many.
        level: "L2A" or "L1C".
    """
    world, rng = world_of(seed), np.random.default_rng(seed)
    tile = Tile.parse(world.reference_tile)
    for _ in range(count):
        geobox = square(tile, resolution, side, rng.random(), rng.random())
        cover, hazy = (5.0, False) if clear else (None, None)
        yield draw(world, geobox, any_date(rng), cloud_cover=cover, hazy=hazy, level=level)


def draw_preview(
    seed: int, number: int, *, cloud_cover: float | None = None, hazy: bool | None = None, ground: str = ""
) -> Drawn:
    """Draw a whole preview of a seed's tile; `number` chooses the date."""
    date = any_date(np.random.default_rng((seed, number)))
    return preview_on(world_of(seed), date, cloud_cover=cloud_cover, hazy=hazy, ground=ground)


def preview_on(
    world: World,
    date: dt.date,
    *,
    cloud_cover: float | None = None,
    hazy: bool | None = None,
    ground: str = "",
) -> Drawn:
    """Draw the whole preview of a world's tile on a date; arguments as `draw`."""
    affine = Tile.parse(world.reference_tile).transform(PREVIEW_RESOLUTION / FINE)
    geobox = GeoBox((PREVIEW_PIXELS * FINE,) * 2, affine, f"EPSG:{world.epsg}")
    fine = draw(world, geobox, date, cloud_cover=cloud_cover, hazy=hazy, ground=ground)
    cloudy = (_mean(fine.cloud[None] == 1)[0] >= 0.5).astype(np.uint8)
    reflectance = _mean(fine.reflectance)
    cloud = np.where(np.isnan(reflectance).any(axis=0), np.uint8(IGNORE), cloudy)
    return Drawn(reflectance, fine.classes[::FINE, ::FINE], cloud, fine.hazy)


def _mean(bands: NDArray[np.generic]) -> NDArray[np.float32]:
    count, rows, cols = bands.shape
    return bands.reshape(count, rows // FINE, FINE, cols // FINE, FINE).mean(axis=(2, 4), dtype=np.float32)
