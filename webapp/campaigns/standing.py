"""How far tiles are, as orders, pages and editions count it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from webapp.campaigns.models import CampaignTile, Revision
from webapp.campaigns.states import ACTIVE, TileStatus

Phase = Literal["idle", "building", "blending", "done", "empty", "failed"]


@dataclass(frozen=True)
class Standing:
    """How far a tile is.

    Attributes:
        phase: idle, building, blending, done, empty or failed.
        text: a sentence, where there is something to tell.
    """

    phase: Phase
    text: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more is to come by itself."""
        return self.phase in ("done", "empty", "failed", "idle")


def standings(tiles: Iterable[CampaignTile]) -> dict[int, Standing]:
    """How far each tile is, by its key, with one query."""
    tiles = list(tiles)
    newest = (
        Revision.objects.filter(campaign_tile__in=tiles)
        .order_by("campaign_tile_id", "-number")
        .distinct("campaign_tile_id")
        .values_list("campaign_tile_id", "status", "error")
    )
    revisions = {key: (status, error) for key, status, error in newest}
    return {tile.pk: _standing(tile, *revisions.get(tile.pk, ("", ""))) for tile in tiles}


def _standing(tile: CampaignTile, revision_status: str, revision_error: str) -> Standing:
    if tile.is_due:
        return Standing("building", tile.status_text)
    if tile.status == TileStatus.EMPTY:
        return Standing("empty", tile.status_text)
    if tile.status == TileStatus.FAILED:
        return Standing("failed", tile.status_text)
    if tile.status == TileStatus.IDLE:
        return Standing("idle")
    if revision_status in ("", *ACTIVE):
        return Standing("blending", tile.status_text)
    if tile.current_revision_id:
        return Standing("done", revision_error or tile.status_text)
    return Standing("failed", revision_error)
