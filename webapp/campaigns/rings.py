"""Rings: which tiles of a campaign lie near which, and what a revision is made from."""

from collections.abc import Collection, Mapping
from functools import lru_cache

from pipeline.grid import Tile
from webapp.campaigns.models import Build, Campaign, CampaignTile, hash_of
from webapp.campaigns.states import TileStatus

RINGS = 3


@lru_cache(maxsize=32_768)
def names_within(name: str, steps: int = RINGS) -> frozenset[str]:
    """The names of a tile and of all tiles within some steps of it."""
    return frozenset({name, *(tile.name for tile in Tile.parse(name).ring(steps))})


def names_around(names: Collection[str], steps: int = RINGS) -> frozenset[str]:
    """The names of tiles and of all tiles within some steps of any of them."""
    return frozenset().union(*(names_within(name, steps) for name in names))


class Neighbourhood:
    """The tiles of a campaign around some of them, read in one query.

    Args:
        campaign: the campaign.
        names: the tiles that will be asked about; the whole campaign where None.
    """

    def __init__(self, campaign: Campaign, names: Collection[str] | None = None) -> None:
        rows = campaign.tiles.select_related("current_build", "current_revision")
        if names is not None:
            rows = rows.filter(tile_id__in=names_around(names))
        self.tiles: Mapping[str, CampaignTile] = {row.tile_id: row for row in rows}

    def near(self, name: str) -> list[CampaignTile]:
        """The campaign's tiles within the rings of a tile, itself among them, sorted by name."""
        return [self.tiles[other] for other in sorted(names_within(name) & self.tiles.keys())]

    def is_ready(self, name: str) -> bool:
        """Whether no tile that a revision would be made from is still due."""
        return not any(tile.is_due for tile in self.near(name))

    def inputs(self, name: str) -> list[Build]:
        """The builds that a revision of a tile is made from, sorted by tile name."""
        return [tile.current_build for tile in self.near(name) if tile.current_build]

    def inputs_hash(self, name: str) -> str:
        """What tells one set of inputs from another."""
        return hash_of(self.inputs(name))

    def is_stale(self, name: str) -> bool:
        """Whether a tile with a composite has no revision of its present inputs."""
        tile = self.tiles[name]
        if tile.status != TileStatus.COMPOSITE:
            return False
        current = tile.current_revision
        return current is None or current.inputs_hash != self.inputs_hash(name)
