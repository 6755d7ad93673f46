"""Rings: which tiles of a campaign lie near which, and what a revision is made from."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

from pipeline.grid import Tile
from webapp.campaigns.models import Build, Campaign, CampaignTile, GridTile, hash_of
from webapp.campaigns.states import TileStatus

RINGS = GridTile.RINGS
# Large, and of no use to whoever asks how tiles lie and stand.
UNASKED = [f"current_{one}__{name}" for one in ("build", "revision") for name in ("report", "files")]


BLOCK_METRES = 1_000_000


def block_of(name: str) -> tuple[int, bool, int]:
    """The block of a tile: its zone, cut every 1000 km from the equator on; at most some 80 tiles."""
    tile = Tile.parse(name)
    return tile.zone, tile.south, tile.north // BLOCK_METRES


@lru_cache(maxsize=32_768)
def names_within(name: str, steps: int = RINGS) -> frozenset[str]:
    """The names of a tile and of all tiles within some steps of it."""
    return frozenset({name, *(tile.name for tile in Tile.parse(name).ring(steps))})


def names_around(names: Collection[str], steps: int = RINGS) -> frozenset[str]:
    """The names of tiles and of all tiles within some steps of any of them."""
    return frozenset().union(*(names_within(name, steps) for name in names))


def rings_of(names: Iterable[str]) -> dict[str, list[str]]:
    """The names of the tiles within the rings of each tile, itself among them, sorted; one query."""
    return dict(GridTile.objects.filter(name__in=names).values_list("name", "near"))


class Neighbourhood:
    """The tiles of a campaign around some of them, read in two queries.

    Args:
        campaign: the campaign.
        names: the tiles that will be asked about; the whole campaign where None.
    """

    def __init__(self, campaign: Campaign, names: Collection[str] | None = None) -> None:
        rows = campaign.tiles.select_related("current_build", "current_revision")
        rows = rows.defer(*UNASKED)
        asked = campaign.tiles.values("tile_id") if names is None else names
        self.rings = rings_of(asked)
        if names is not None:
            rows = rows.filter(tile_id__in={other for ring in self.rings.values() for other in ring})
        self.tiles: Mapping[str, CampaignTile] = {row.tile_id: row for row in rows}

    def near(self, name: str) -> list[CampaignTile]:
        """The campaign's tiles within the rings of a tile, itself among them, sorted by name."""
        return [self.tiles[other] for other in self.rings[name] if other in self.tiles]

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
