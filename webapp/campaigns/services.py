"""What people ask of tiles."""

from typing import TYPE_CHECKING

from django.db import transaction

from webapp.campaigns.advance import advance, lock
from webapp.campaigns.models import Build, CampaignTile
from webapp.campaigns.states import OrderStatus, TileStatus

if TYPE_CHECKING:
    from webapp.accounts.models import User


@transaction.atomic
def rebuild(tile: CampaignTile, by: "User | None" = None, text: str = "asked for") -> Build:
    """Begin the next build of a tile, or give the one that is under way; failed orders of it open again."""
    lock(tile.campaign)
    tile.refresh_from_db()
    if tile.status == TileStatus.IDLE:
        tile.move(TileStatus.WANTED, text, by)
    build = Build.begin(tile, by, text)
    for order in tile.orders.filter(status=OrderStatus.FAILED):
        order.resume(f"{tile.tile_id} is built again", by)
    advance(tile.campaign, [tile.tile_id])
    return build
