"""What people ask of tiles."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext

from pipeline.errors import UsageError
from pipeline.grid import Tile
from webapp.campaigns.advance import advance, lock
from webapp.campaigns.models import Build, Campaign, CampaignTile, Override
from webapp.campaigns.networks import store
from webapp.campaigns.states import OrderStatus, TileStatus
from webapp.campaigns.words import in_records

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


def check_dates(tile: CampaignTile, asked: Mapping[str, Any]) -> None:
    """Refuse dates asked of a tile that leave no day.

    Args:
        tile: whose campaign's dates count where none are asked for.
        asked: as of `Override.collect`; "start" and "end" (YYYY-MM-DD) are looked at.

    Raises:
        UsageError: the first day lies after the last.
    """
    own = tile.campaign.pipeline_settings.of_tile(Tile.parse(tile.tile_id))
    start, end = asked.get("start") or str(own.start), asked.get("end") or str(own.end)
    if end < start:
        raise UsageError(
            gettext(
                "No day is left from %(start)s to %(end)s: what is not asked for is as asked before, "
                "or the campaign's %(start_)s to %(end_)s."
            )
            % {
                "start": start,
                "end": end,
                "start_": own.start,
                "end_": own.end,
            }
        )


@transaction.atomic
def withdraw(*overrides: Override, by: "User | None" = None) -> Build:
    """Take back what was asked of a tile, and begin a build without it; the history keeps it.

    Raises:
        UsageError: what else was asked leaves no day without it.
    """
    tile = overrides[0].campaign_tile
    lock(tile.campaign)
    text = "; ".join([take_back(one, by) for one in overrides])
    check_dates(tile, Override.collect(tile))
    return rebuild(tile, by, text)


def take_back(override: Override, by: "User | None" = None) -> str:
    """Remove what was asked of a tile; the history keeps it. Gives the sentence that it keeps."""
    told = {name: value for name, value in override.content.items() if name != "geometry"}
    wish = ", ".join(f"{name} {value}" for name, value in told.items())
    with in_records():
        text = f"{override.get_kind_display()} ({wish}) was withdrawn"
    tile = override.campaign_tile
    override.delete()
    tile.remember(tile.status, tile.status, text, by)
    return text


def fit_tone(campaign: Campaign, names: Sequence[str] = ()) -> None:
    """Give a campaign without builds a tone curve of its own, fitted to a sample of its scenes.

    Args:
        campaign: whose `settings` get the table.
        names: tiles to look at; those of the campaign where empty.

    Raises:
        UsageError: a build exists, or there is no tile to look at.
        NoScenes: there is hardly any clear ground to fit to.
    """
    from pipeline.tone.contrast import Crossings
    from pipeline.tone.fit import fit_tone as fitted_to
    from pipeline.tone.sample import sample_campaign

    tiles = [Tile.parse(name) for name in names or campaign.tiles.values_list("tile_id", flat=True)]
    if not tiles:
        raise UsageError(
            gettext("%(slug)s has no tiles yet: name those to fit the tone curve to.")
            % {"slug": campaign.slug},
            "tile",
        )
    if campaign.has_builds:
        raise UsageError(
            gettext("The tone curve of %(slug)s is fixed since its first build.") % {"slug": campaign.slug},
            "tone",
        )
    sample = sample_campaign(campaign.catalog, tiles, campaign.pipeline_settings, models=store().folder)
    with transaction.atomic():
        lock(campaign)
        campaign.refresh_from_db()
        campaign.settings["tone"] = fitted_to(Crossings.of(sample)).to_json()
        campaign.save()
