"""Tiles of a campaign that tests ask for, and set going."""

from webapp.campaigns.advance import advance
from webapp.campaigns.models import CampaignTile


def tile(name):
    return CampaignTile.objects.get(tile_id=name)


def begin(campaign, *names):
    campaign.want(list(names))
    advance(campaign)
