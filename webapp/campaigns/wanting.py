"""Asking for many tiles of a campaign at once: of an area, of all land, or by name."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext
from shapely import MultiPolygon

from pipeline.errors import UsageError
from pipeline.grid import Tile, tiles_of
from pipeline.land import LandLimits, existing_tiles, tiles_of_land
from webapp.campaigns.advance import begin_builds, lock
from webapp.campaigns.models import Campaign
from webapp.campaigns.states import TileStatus

if TYPE_CHECKING:
    from webapp.accounts.models import User


def names_of_land(limits: LandLimits) -> list[str]:
    """The names of the tiles that all land within limits needs."""
    return [one.name for one in tiles_of_land(limits)]


def names_of_area(area: MultiPolygon) -> list[str]:
    """The names of the existing tiles that an area needs; neighbours stand in for tiles that do not exist.

    Raises:
        UsageError: the grid cannot serve the area, or no tile of it exists.
    """
    found = set()
    for tile in tiles_of(area):
        if tile.name in existing_tiles():
            found.add(tile.name)
        else:
            ground = area.intersection(tile.footprint)
            found |= {one.name for one in tile.neighbours() if one.footprint.intersects(ground)}
    return known(sorted(found))


def names_as_given(names: Collection[str]) -> list[str]:
    """The names of existing tiles, as the grid writes them.

    Raises:
        UsageError: one is none of the grid's, or none exists.
    """
    return known(sorted({Tile.parse(name).name for name in names}))


def known(names: Collection[str]) -> list[str]:
    """Those of some tiles that are published.

    Raises:
        UsageError: there is none.
    """
    found = [name for name in names if name in existing_tiles()]
    if not found:
        raise UsageError(gettext("No tile of Sentinel-2 lies there."), "tiles")
    return found


@transaction.atomic
def want_all(campaign: Campaign, names: Collection[str], by: "User | None" = None) -> int:
    """Ask for tiles of a campaign and begin what is possible; gives how many had not been asked for."""
    asked = campaign.tiles.exclude(status=TileStatus.IDLE)
    before = set(asked.values_list("tile_id", flat=True))
    # Before any tile, as all who hold both take them in this order.
    lock(campaign)
    campaign.want(list(names), by)
    begin_builds(campaign)
    return len(set(names) - before)
