"""Chips: the pictures of the low zooms, as rows that name files (see `pipeline.pyramid`)."""

from typing import TYPE_CHECKING

from django.contrib.gis.db import models
from django.db.models import Q

from pipeline import pyramid
from pipeline.pyramid import ChipStore
from webapp import storage
from webapp.campaigns.models.campaign import Campaign, CampaignTile

if TYPE_CHECKING:
    from webapp.campaigns.models.revision import Revision


class Place(models.Model):
    """A place of the pyramid and the key of what is there; no key where there is no data."""

    z = models.PositiveSmallIntegerField()
    x = models.PositiveIntegerField()
    y = models.PositiveIntegerField()
    key = models.CharField(max_length=64, blank=True)

    class Meta:
        """No table of its own."""

        abstract = True

    @property
    def chip(self) -> pyramid.Chip:
        """The place as the pipeline takes it."""
        return pyramid.Chip(self.z, self.x, self.y)


class Chip(Place):
    """What a campaign's current revisions show at a place.

    Attributes:
        wanted: the revision that last changed what lies here; its becoming current marks the row stale.
        is_stale: the key is of before. Whoever makes the chip reads `wanted` first, and clears the mark only
            where `wanted` is the same still, so that a revision that lands meanwhile is never lost.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="chips")
    wanted = models.PositiveBigIntegerField()
    is_stale = models.BooleanField(default=True)

    class Meta:
        """Each place once; what is stale is found at once."""

        ordering = ["campaign_id", "z", "x", "y"]
        constraints = [models.UniqueConstraint(fields=["campaign", "z", "x", "y"], name="chip_once")]
        indexes = [models.Index(fields=["campaign", "z"], condition=Q(is_stale=True), name="chip_stale")]

    def __str__(self) -> str:
        return f"{self.campaign.slug}/{self.z}/{self.x}/{self.y}"

    @classmethod
    def mark(cls, tile: CampaignTile, revision: "Revision") -> None:
        """Mark what a tile's new revision changes as stale, in the transaction in which it becomes current.

        Rows are written in one order by all, so that two revisions never wait for each other.
        """
        chips = pyramid.with_ancestors(pyramid.chips_of(tile.tile.grid))
        cls.objects.bulk_create(
            [cls(campaign_id=tile.campaign_id, wanted=revision.pk, **chip._asdict()) for chip in chips],
            update_conflicts=True,
            unique_fields=["campaign", "z", "x", "y"],
            update_fields=["wanted", "is_stale"],
        )


class EditionChip(Place):
    """What an edition shows at a place, for ever; a place without a row has no data."""

    edition = models.ForeignKey("campaigns.Edition", models.CASCADE, related_name="chips")

    class Meta:
        """Each place once."""

        ordering = ["edition_id", "z", "x", "y"]
        constraints = [models.UniqueConstraint(fields=["edition", "z", "x", "y"], name="edition_chip_once")]

    def __str__(self) -> str:
        return f"{self.edition}: {self.z}/{self.x}/{self.y}"


def folder_of(campaign: Campaign) -> str:
    """Where a campaign's chips are, below the storage root."""
    return f"{campaign.slug}/pyramid"


def store_of(campaign: Campaign) -> ChipStore:
    """The files of a campaign's chips on this machine."""
    return ChipStore(storage.place_of(folder_of(campaign)))


def name_of(campaign: Campaign, key: str) -> str:
    """The file of a chip, below the storage root."""
    return f"{folder_of(campaign)}/{store_of(campaign).name(key)}"


def brought(campaign: Campaign, key: str) -> ChipStore:
    """The files of a campaign's chips with that of a key on this machine.

    Raises:
        StorageError: it cannot be had.
    """
    if key:
        storage.root().bring_file(name_of(campaign, key))
    return store_of(campaign)
