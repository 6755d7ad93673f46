"""The Sentinel-2 grid: tile names, bounds, footprints, neighbours, overlaps, areas to tiles.

A tile's 100 km MGRS square has its lower-left corner at (E0, N0) in its UTM zone. The tile is the 109,800 m
square whose upper-left corner is (floor(E0 / 60) * 60, ceil((N0 + 100000) / 60) * 60); in the south on
N - 10,000,000, then added back.
"""

import math
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely import MultiPolygon, Polygon, box, dwithin
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from pipeline.area import check_area
from pipeline.errors import UsageError
from pipeline.words import sentence

SIZE = 109_800
PREVIEW_PIXELS = 343
PREVIEW_RESOLUTION = 320
LATITUDE_BANDS = "CDEFGHJKLMNPQRSTUVWX"
COLUMN_SETS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
ROWS = "ABCDEFGHJKLMNPQRSTUV"
TILE_NAME = re.compile(r"([0-6]?\d)([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])")
SOUTH_OFFSET = 10_000_000
EDGE_POINTS = 9
# Zones that are not six degrees wide (Norway, Svalbard); the published grid has 31VE*, which begins at 3 E.
ODD_ZONES: dict[tuple[int, str], tuple[float, float] | None] = {
    (31, "V"): (0, 3.0001),
    (32, "V"): (3, 12),
    (31, "X"): (0, 9),
    (32, "X"): None,
    (33, "X"): (9, 21),
    (34, "X"): None,
    (35, "X"): (21, 33),
    (36, "X"): None,
    (37, "X"): (33, 42),
}


@dataclass(frozen=True)
class Tile:
    """One 109.8 km square of the Sentinel-2 grid, in its own UTM zone."""

    name: str
    zone: int
    band: str
    east: int
    north: int

    @classmethod
    def parse(cls, name: str) -> "Tile":
        """The tile of a name such as 33TWL (also T33TWL, lower case, 3-digit-free zones such as 4QFJ).

        Raises:
            UsageError: the name is none of the grid's.
        """
        return _parse(str(name).strip().upper())

    @property
    def south(self) -> bool:
        """Whether the tile lies south of the equator."""
        return self.band < "N"

    @property
    def epsg(self) -> int:
        """EPSG code of its UTM zone."""
        return (32700 if self.south else 32600) + self.zone

    @property
    def left(self) -> int:
        """Easting of the left edge, metres."""
        return self.east // 60 * 60

    @property
    def top(self) -> int:
        """Northing of the upper edge, metres (with the false northing in the south)."""
        false = SOUTH_OFFSET if self.south else 0
        return math.ceil((self.north - false + 100_000) / 60) * 60 + false

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Left, bottom, right, top in metres of its zone."""
        return self.left, self.top - SIZE, self.left + SIZE, self.top

    def transform(self, resolution: float) -> Affine:
        """Pixel (column, row) to metres at a resolution."""
        return Affine(resolution, 0, self.left, 0, -resolution, self.top)

    def geobox(self, resolution: float) -> GeoBox:
        """The tile's grid at a resolution that divides its size."""
        pixels = round(SIZE / resolution)
        return GeoBox((pixels, pixels), self.transform(resolution), f"EPSG:{self.epsg}")

    def preview_geobox(self) -> GeoBox:
        """The grid of the 343 x 343 preview, 320 m from the upper-left corner."""
        return GeoBox(
            (PREVIEW_PIXELS, PREVIEW_PIXELS), self.transform(PREVIEW_RESOLUTION), f"EPSG:{self.epsg}"
        )

    @cached_property
    def footprint(self) -> MultiPolygon:
        """The tile in longitude and latitude (WGS 84), cut in two at the antimeridian."""
        return _to_lonlat(self.bounds, self.epsg)

    def calls_for(
        self, x: np.ndarray, y: np.ndarray, latitude: np.ndarray, longitude: np.ndarray
    ) -> np.ndarray:
        """Which points lie in the tile's 100 km square inside its zone: ground for which it is wanted.

        Args:
            x: metres in its CRS, of some points.
            y: likewise.
            latitude: of the same points, degrees.
            longitude: likewise.
        """
        inside = (x >= self.east) & (x < self.east + 100_000) & (y >= self.north) & (y < self.north + 100_000)
        within = np.zeros(inside.shape, bool)
        bands = np.clip(((latitude + 80) // 8).astype(int), 0, 19)
        for index in np.unique(bands[inside]):
            limits = _zone_limits(self.zone, LATITUDE_BANDS[index])
            if limits:
                east = (longitude - limits[0]) % 360
                within |= (bands == index) & (east < limits[1] - limits[0])
        return inside & within

    def overlap(self, other: "Tile") -> tuple[int, int, int, int] | None:
        """Bounds of the common ground of two tiles of one zone, metres in this tile's CRS.

        326xx and 327xx of one number are one zone. None where the tiles do not meet or lie in two zones; for
        those see `overlap_geometry`.
        """
        if self.zone != other.zone:
            return None
        shift = (SOUTH_OFFSET if self.south else 0) - (SOUTH_OFFSET if other.south else 0)
        left, bottom, right, top = other.bounds
        left, bottom = max(self.bounds[0], left), max(self.bounds[1], bottom + shift)
        right, top = min(self.bounds[2], right), min(self.bounds[3], top + shift)
        return (left, bottom, right, top) if left < right and bottom < top else None

    def overlap_geometry(self, other: "Tile") -> BaseGeometry | None:
        """The common ground of two tiles in this tile's CRS, also across a zone edge, or None."""
        if self.zone == other.zone:
            bounds = self.overlap(other)
            return box(*bounds) if bounds else None
        common = box(*self.bounds).intersection(_outline(other.bounds, other.epsg, self.epsg, points=65))
        return common if common.area > 0 else None

    def neighbours(self) -> list["Tile"]:
        """The tiles that overlap this one, in its zone and across the zone's edges, sorted by name."""
        return list(_neighbours(self))

    def ring(self, steps: int) -> list["Tile"]:
        """The tiles within `steps` steps of neighbourhood, without this one, sorted by name."""
        found, edge = {self}, {self}
        for _ in range(steps):
            edge = {other for tile in edge for other in tile.neighbours()} - found
            found |= edge
        return sorted(found - {self}, key=lambda tile: tile.name)


def tiles_of(area: BaseGeometry, most: int | None = None) -> list[Tile]:
    """The tiles that an area needs, sorted by name.

    A tile is wanted where the area meets its 100 km square inside its own zone; the overlap rims that a
    neighbour covers as well do not call for another tile.

    Args:
        area: polygon(s) in longitude and latitude; parts on both sides of the antimeridian are allowed.
        most: more tiles than that are refused.

    Raises:
        UsageError: the area is empty, invalid, beyond 84 N or 80 S, or needs too many tiles.
    """
    check_area(area)
    found: dict[str, Tile] = {}
    for zone in _zones_of(area):
        inside = area.intersection(_zone_area(zone))
        if inside.area == 0:
            continue
        for tile in _zone_candidates(zone, inside):
            if tile.name not in found and _square(tile).intersects(inside):
                found[tile.name] = tile
        if most is not None and len(found) > most:
            raise UsageError(
                sentence("The area needs more than %(most)s tiles; draw a smaller one.", most=most), "aoi"
            )
    return sorted(found.values(), key=lambda tile: tile.name)


@lru_cache(maxsize=4096)
def _parse(name: str) -> Tile:
    match = TILE_NAME.fullmatch(name.removeprefix("T"))
    problem = UsageError(
        sentence("%(name)r is no tile of the Sentinel-2 grid: a name looks like 33TWL.", name=name), "tile"
    )
    if not match:
        raise problem
    zone, band, column, row = int(match[1]), match[2], match[3], match[4]
    columns = COLUMN_SETS[(zone - 1) % 3]
    if not 1 <= zone <= 60 or column not in columns:
        raise problem
    first = (ROWS.index(row) - _row_shift(zone)) % 20
    for cycle_row in range(first, 100, 20):
        tile = _tile_at(zone, band < "N", columns.index(column) + 1, cycle_row)
        if tile is not None and tile.band == band:
            return tile
    raise problem


@lru_cache(maxsize=65_536)
def _tile_at(zone: int, south: bool, column: int, row: int) -> Tile | None:
    """The tile of a 100 km column (1..8) and row (from the equator, or from the false origin in the south).

    A square on the border of two latitude bands bears the name of the band in which its centre lies; a square
    that does not reach into its zone's six degrees is no tile.
    """
    east, north = column * 100_000, row * 100_000
    if not 0 <= row < 100:
        return None
    to_lonlat = _transformer((32700 if south else 32600) + zone, 4326)
    _, latitude = to_lonlat.transform(east + 50_000, north + 50_000)
    band = _band_at(latitude)
    if (band < "N") != south or not _in_zone(zone, to_lonlat, east, north):
        return None
    letters = COLUMN_SETS[(zone - 1) % 3][column - 1] + ROWS[(row + _row_shift(zone)) % 20]
    return Tile(f"{zone:02d}{band}{letters}", zone, band, east, north)


def _in_zone(zone: int, to_lonlat: Transformer, east: int, north: int) -> bool:
    x = [east, east + 100_000, east, east + 100_000]
    longitudes, latitudes = to_lonlat.transform(x, [north, north, north + 100_000, north + 100_000])
    middle = zone * 6 - 183
    from_middle = [(longitude - middle + 180) % 360 - 180 for longitude in longitudes]
    limits = [_zone_limits(zone, _band_at(latitude)) for latitude in (min(latitudes), max(latitudes))]
    return any(
        min(from_middle) < limit[1] - middle and max(from_middle) > limit[0] - middle
        for limit in limits
        if limit
    )


def _band_at(latitude: float) -> str:
    return LATITUDE_BANDS[min(max(int((latitude + 80) // 8), 0), 19)]


def _zone_limits(zone: int, band: str) -> tuple[float, float] | None:
    return ODD_ZONES.get((zone, band), (zone * 6 - 186, zone * 6 - 180))


@lru_cache(maxsize=60)
def _zone_area(zone: int) -> BaseGeometry:
    """Where a zone is the one to be used, in longitude and latitude."""
    strips = []
    for index, band in enumerate(LATITUDE_BANDS):
        limits = _zone_limits(zone, band)
        if limits:
            strips.append(box(limits[0], -80 + 8 * index, limits[1], 84 if band == "X" else -72 + 8 * index))
    return unary_union(strips)


def _row_shift(zone: int) -> int:
    """Row letters begin at A in odd zones and at F in even ones."""
    return 0 if zone % 2 else 5


@lru_cache(maxsize=256)
def _transformer(source: int, target: int) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _outline(bounds: tuple[float, ...], source: int, target: int, points: int = EDGE_POINTS) -> Polygon:
    left, bottom, right, top = bounds
    steps = np.linspace(0, 1, points)[:-1]
    x = np.concatenate([left + (right - left) * steps, np.full(points - 1, right)])
    x = np.concatenate([x, right - (right - left) * steps, np.full(points - 1, left)])
    y = np.concatenate([np.full(points - 1, top), top - (top - bottom) * steps])
    y = np.concatenate([y, np.full(points - 1, bottom), bottom + (top - bottom) * steps])
    return Polygon(np.column_stack(_transformer(source, target).transform(x, y)))


def _to_lonlat(bounds: tuple[float, ...], epsg: int) -> MultiPolygon:
    outline = _outline(bounds, epsg, 4326)
    longitudes = np.asarray(outline.exterior.coords)[:, 0]
    if longitudes.max() - longitudes.min() < 180:
        return MultiPolygon([outline])
    coordinates = np.asarray(outline.exterior.coords).copy()
    coordinates[coordinates[:, 0] < 0, 0] += 360
    whole = Polygon(coordinates)
    east = whole.intersection(box(0, -90, 180, 90))
    west = whole.intersection(box(180, -90, 360, 90))
    moved = Polygon(np.asarray(west.exterior.coords) - [360, 0])
    return MultiPolygon([east, moved])


def _square(tile: Tile) -> MultiPolygon:
    """The 100 km square itself, without the rim that neighbours cover too, in longitude and latitude."""
    return _to_lonlat((tile.east, tile.north, tile.east + 100_000, tile.north + 100_000), tile.epsg)


def _zones_of(area: BaseGeometry) -> list[int]:
    parts = getattr(area, "geoms", [area])
    zones: set[int] = set()
    for part in parts:
        west, _, east, _ = part.bounds
        first, last = int((west + 180) // 6), int((east + 180) // 6) + 2
        zones.update(range(max(first, 1), min(last, 60) + 1))
    return sorted(zones)


def _zone_candidates(zone: int, area: BaseGeometry) -> list[Tile]:
    """The tiles of a zone whose square may meet the area."""
    found = []
    for south, half in ((True, box(-720, -90, 720, 0)), (False, box(-720, 0, 720, 90))):
        inside = area.intersection(half)
        if not inside.is_empty:
            found += _squares_in(zone, south, inside)
    return found


def _squares_in(zone: int, south: bool, area: BaseGeometry) -> list[Tile]:
    west, low, east, high = area.bounds
    edge = np.linspace(0, 1, EDGE_POINTS)
    x = np.tile(west + (east - west) * edge, 2)
    y = np.repeat([low, high], EDGE_POINTS)
    easting, northing = _transformer(4326, (32700 if south else 32600) + zone).transform(x, y)
    columns = range(max(int(min(easting) // 100_000), 1), min(int(max(easting) // 100_000), 8) + 1)
    rows = range(int(min(northing) // 100_000) - 1, int(max(northing) // 100_000) + 2)
    tiles = (_tile_at(zone, south, column, row) for column in columns for row in rows)
    return [tile for tile in tiles if tile is not None]


@lru_cache(maxsize=4096)
def _neighbours(tile: Tile) -> tuple[Tile, ...]:
    found = [other for other in _same_zone(tile) if other != tile and tile.overlap(other)]
    for other in _beside(tile):
        if dwithin(other.footprint, tile.footprint, 0.05) and tile.overlap_geometry(other) is not None:
            found.append(other)
    return tuple(sorted(set(found), key=lambda item: item.name))


def _same_zone(tile: Tile) -> list[Tile]:
    """Candidates in a tile's own zone, by row and column."""
    column, row = tile.east // 100_000, tile.north // 100_000 - (100 if tile.south else 0)
    columns = range(max(column - 1, 1), min(column + 1, 8) + 1)
    found = (_tile_at(tile.zone, r < 0, c, r % 100) for c in columns for r in range(row - 1, row + 2))
    return [other for other in found if other is not None]


def _beside(tile: Tile) -> set[Tile]:
    """Candidates in the two zones beside a tile's, by its footprint."""
    parts = [part.bounds for part in tile.footprint.geoms]
    areas = [box(west - 1.2, south - 1.2, east + 1.2, north + 1.2) for west, south, east, north in parts]
    zones = (tile.zone - 2) % 60 + 1, tile.zone % 60 + 1
    return {other for zone in zones for area in areas for other in _zone_candidates(zone, area)}
