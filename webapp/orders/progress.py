"""How far the tiles of orders are, stage by stage: one code for the pages and the API."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.campaigns.models import Build, CampaignTile, Revision
from webapp.campaigns.standing import Standing, standings
from webapp.campaigns.states import ACTIVE, Stage
from webapp.orders.looks import STAGES
from webapp.orders.sources import without_source

# What a tile goes through: the stages of its build, and then its mosaic with its neighbours.
STEPS = (*(stage.value for stage in Stage if stage != Stage.DONE), "blending")


@dataclass(frozen=True)
class TileProgress:
    """How far a tile is.

    Attributes:
        tile: its name.
        phase: as of `Standing`.
        stage: the stage of the build under way, or "blending"; "" where nothing is under way.
        at_work: whether a worker is at it, and it does not only wait for one.
        review: of the current revision; "" without one.
        text: a sentence, where there is something to tell.
    """

    tile: str
    phase: str
    stage: str
    at_work: bool
    review: str
    text: str

    @property
    def step(self) -> int:
        """How many of `STEPS` are behind it."""
        if self.stage:
            return STEPS.index(self.stage)
        return len(STEPS) if self.phase == "done" else 0

    @property
    def state(self) -> str:
        """The word that colour and shape stand for."""
        if self.phase == "done":
            return {"approved": "approved", "rejected": "rejected"}.get(self.review, "made")
        if self.phase == "building":
            return "working" if self.at_work else "waiting"
        return self.phase

    def to_json(self) -> dict[str, Any]:
        """All of it, and in how many steps."""
        return {
            "tile": self.tile,
            "phase": self.phase,
            "stage": self.stage,
            "at_work": self.at_work,
            "step": self.step,
            "steps": len(STEPS),
            "review": self.review,
            "text": self.text,
        }


def tiles_progress(
    tiles: Iterable[CampaignTile], known: Mapping[int, Standing] | None = None
) -> dict[int, TileProgress]:
    """How far each tile is, by its key, in three queries however many there are.

    Args:
        tiles: with their campaign at hand.
        known: their standings, where they were read before.
    """
    tiles = list(tiles)
    known = standings(tiles) if known is None else known
    builds = {
        key: (stage, status == "running")
        for key, stage, status in Build.objects.filter(
            campaign_tile__in=tiles, status__in=ACTIVE
        ).values_list("campaign_tile_id", "stage", "status")
    }
    revisions = Revision.objects.filter(campaign_tile__in=tiles)
    blending = dict(revisions.filter(status__in=ACTIVE).values_list("campaign_tile_id", "status"))
    reviews = dict(
        revisions.filter(pk__in=[tile.current_revision_id for tile in tiles if tile.current_revision_id])
        .order_by()
        .values_list("campaign_tile_id", "review_status")
    )
    return {
        tile.pk: _progress(
            tile, known[tile.pk], builds.get(tile.pk), blending.get(tile.pk), reviews.get(tile.pk, "")
        )
        for tile in tiles
    }


def _progress(
    tile: CampaignTile,
    standing: Standing,
    build: tuple[str, bool] | None,
    blending: str | None,
    review: str,
) -> TileProgress:
    stage, at_work = "", False
    if standing.phase == "building" and build and build[0] in STEPS:
        stage, at_work = build
    elif standing.phase == "blending":
        stage, at_work = "blending", blending == "running"
    return TileProgress(
        tile.tile_id,
        standing.phase,
        stage,
        at_work,
        review,
        without_source(standing.text, tile.campaign.catalog),
    )


def summary(tiles: Iterable[TileProgress]) -> list[str]:
    """What the tiles of an order are doing, in a few words each, the most first."""
    counts = Counter(_doing(one) for one in tiles if one.phase in ("building", "blending", "failed", "empty"))
    return [f"{count} {words}" for words, count in counts.most_common()]


def _doing(one: TileProgress) -> str:
    if one.phase in ("failed", "empty"):
        return str(STAGES[one.phase])
    return str(STAGES[one.stage]) if one.at_work or one.stage == "blending" else str(STAGES["waiting"])
