"""The table of tiles and their land, made by `script/land-table`; `docs/land.md` tells its sources."""

import csv
import gzip
import io
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from pipeline.grid import Tile
from pipeline.land.limits import LandLimits

ALL = LandLimits()


@dataclass(frozen=True)
class LandTile:
    """A tile that exists.

    Attributes:
        name: of the tile.
        land: share of its square that is land, 0..1; lakes count as land.
        own_km2: land for which this tile is wanted and no neighbour: of its 100 km square, in its zone.
        body_km2: area of the largest island or continent of which that land is part, 0 where there is none.
    """

    name: str
    land: float
    own_km2: float
    body_km2: float

    @property
    def tile(self) -> Tile:
        """The tile with its geometry."""
        return Tile.parse(self.name)

    @property
    def latitude(self) -> float:
        """Of the middle of the tile's footprint, degrees."""
        _, south, _, north = self.tile.footprint.bounds
        return (south + north) / 2


@lru_cache(maxsize=1)
def existing_tiles() -> dict[str, LandTile]:
    """All published tiles by name, sorted."""
    packed = files("pipeline.land").joinpath("tiles.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))
    return {
        row["tile"]: LandTile(row["tile"], float(row["land"]), float(row["own_km2"]), float(row["body_km2"]))
        for row in rows
    }


def tiles_of_land(limits: LandLimits = ALL) -> list[LandTile]:
    """The tiles that all land needs, sorted by name, without what the limits leave out.

    Tiles whose land their neighbours hold as well, at the edges of zones, are not among them.
    """
    holding = (one for one in existing_tiles().values() if one.own_km2 > 0)
    wanted = (one for one in holding if one.body_km2 >= limits.island_km2)
    return [one for one in wanted if limits.south <= one.latitude <= limits.north]
