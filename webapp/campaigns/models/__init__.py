"""The nouns of the web application."""

from webapp.campaigns.models.build import Build, Override, Scene
from webapp.campaigns.models.campaign import Campaign, CampaignTile, GridTile, fingerprint, pinned
from webapp.campaigns.models.chip import Chip, EditionChip
from webapp.campaigns.models.edition import Edition, EditionTile, Withdrawal
from webapp.campaigns.models.event import Event
from webapp.campaigns.models.revision import Revision, RevisionInput, hash_of, hash_of_keys

__all__ = [
    "Build",
    "Campaign",
    "CampaignTile",
    "Chip",
    "Edition",
    "EditionChip",
    "EditionTile",
    "Event",
    "GridTile",
    "Override",
    "Revision",
    "RevisionInput",
    "Scene",
    "Withdrawal",
    "fingerprint",
    "hash_of",
    "hash_of_keys",
    "pinned",
]
