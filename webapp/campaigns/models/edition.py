"""Editions: what customers and external maps see."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.gis.db.models import Extent
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext

from pipeline.errors import UsageError
from webapp.campaigns.models.campaign import Campaign, CampaignTile
from webapp.campaigns.models.chip import EditionChip
from webapp.campaigns.models.event import Event
from webapp.campaigns.models.revision import Revision
from webapp.campaigns.states import ACTIVE, EditionStatus, ReviewStatus, TileStatus

if TYPE_CHECKING:
    from webapp.accounts.models import User


class Frozen(models.Model):
    """A row that is written once."""

    class Meta:
        """No table of its own."""

        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row, the first time only.

        Raises:
            UsageError: the row exists.
        """
        if not self._state.adding:
            raise UsageError(gettext("%(edition)s is published and cannot be changed.") % {"edition": self})
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse.

        Raises:
            UsageError: always.
        """
        raise UsageError(gettext("%(edition)s is published and cannot be removed.") % {"edition": self})


class NothingNew(UsageError):
    """The newest edition shows what would be published."""


class EditionQuerySet(models.QuerySet):
    """Questions about editions."""

    def standing(self) -> "EditionQuerySet":
        """Those that were not taken back."""
        return self.filter(withdrawal__isnull=True)


class Edition(Frozen):
    """A frozen table tile -> revision of a campaign, published in one transaction."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="editions")
    number = models.PositiveIntegerField()
    published_at = models.DateTimeField(db_default=Now(), editable=False)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    bounds = models.JSONField(
        null=True, editable=False, help_text="west, south, east, north in degrees around its tiles"
    )

    objects = EditionQuerySet.as_manager()

    class Meta:
        """Numbers are unique, the newest first."""

        ordering = ["campaign_id", "-number"]
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="edition_number_once")]

    def __str__(self) -> str:
        words = {"campaign": self.campaign.slug, "number": self.number}
        return gettext("%(campaign)s edition %(number)s") % words

    @property
    def is_withdrawn(self) -> bool:
        """Whether it was taken back."""
        return hasattr(self, "withdrawal")

    @classmethod
    @transaction.atomic
    def publish(cls, campaign: Campaign, by: "User | None" = None) -> "Edition":
        """Freeze the current revisions of all finished tiles as the next edition.

        Raises:
            UsageError: a tile is under way, or a revision is waiting or rejected.
            NothingNew: the newest edition shows these revisions.
            SourceError: a low zoom that was still to be made could not be.
        """
        from webapp.campaigns import comparison, web_copies
        from webapp.campaigns.pyramid import refresh

        Campaign.objects.select_for_update().get(pk=campaign.pk)
        tiles = list(campaign.tiles.select_for_update(of=("self",)).select_related("current_revision"))
        revisions = [tile.current_revision for tile in tiles if tile.current_revision]
        refuse_unfinished(campaign, tiles)
        newest = campaign.latest_edition
        if newest and set(newest.tiles.values_list("revision_id", flat=True)) == {r.pk for r in revisions}:
            raise NothingNew(
                gettext("%(edition)s shows these revisions already.") % {"edition": newest}, "campaign"
            )
        number = (campaign.editions.aggregate(last=Max("number"))["last"] or 0) + 1
        bounds = extent_of(campaign.tiles.filter(current_revision__isnull=False))
        edition = cls.objects.create(campaign=campaign, number=number, published_by=by, bounds=bounds)
        EditionTile.objects.bulk_create(
            EditionTile(edition=edition, tile_id=tile.tile_id, revision=tile.current_revision)
            for tile in tiles
            if tile.current_revision
        )
        refresh(campaign)
        chips = campaign.chips.exclude(key="").values("z", "x", "y", "key")
        EditionChip.objects.bulk_create(EditionChip(edition=edition, **chip) for chip in chips)
        Event.objects.create(
            subject="edition",
            subject_id=edition.pk,
            campaign=campaign,
            after=EditionStatus.PUBLISHED,
            text=f"{len(revisions)} tiles",
            by=by,
        )
        web_copies.hint_due(edition)
        comparison.hint_count_since_last(edition)
        return edition


class Withdrawal(Frozen):
    """An edition that was taken back: it stays in the history, and nobody is shown it any more."""

    edition = models.OneToOneField(Edition, models.CASCADE, related_name="withdrawal")
    words = models.TextField(help_text="why, for those who ask for it")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"withdrawal of {self.edition}"

    @classmethod
    @transaction.atomic
    def take_back(cls, edition: Edition, words: str, by: "User | None" = None) -> "Withdrawal":
        """Take an edition back; the newest one that stands becomes the latest.

        Raises:
            UsageError: no reason is given, or it was taken back already.
        """
        Campaign.objects.select_for_update().get(pk=edition.campaign_id)
        if not words.strip():
            raise UsageError(gettext("Say why the edition is taken back."), "words")
        if cls.objects.filter(edition=edition).exists():
            raise UsageError(gettext("%(edition)s was taken back already.") % {"edition": edition}, "edition")
        made = cls.objects.create(edition=edition, words=words.strip(), by=by)
        Event.objects.create(
            subject="edition",
            subject_id=edition.pk,
            campaign_id=edition.campaign_id,
            before=EditionStatus.PUBLISHED,
            after=EditionStatus.WITHDRAWN,
            text=made.words,
            by=by,
        )
        return made


class EditionTile(Frozen):
    """The revision of one tile that an edition shows."""

    edition = models.ForeignKey(Edition, models.CASCADE, related_name="tiles")
    tile = models.ForeignKey("campaigns.GridTile", models.PROTECT)
    revision = models.ForeignKey(Revision, models.RESTRICT, related_name="edition_tiles")

    class Meta:
        """Each tile once."""

        ordering = ["edition_id", "tile_id"]
        constraints = [models.UniqueConstraint(fields=["edition", "tile"], name="tile_once_per_edition")]

    def __str__(self) -> str:
        return f"{self.edition}: {self.tile_id}"


def extent_of(rows: models.QuerySet) -> tuple[float, float, float, float] | None:
    """West, south, east and north in degrees around the tiles of some rows; None where there are no rows."""
    return rows.aggregate(box=Extent("tile__footprint"))["box"]


def refuse_unfinished(campaign: Campaign, tiles: list[CampaignTile]) -> None:
    """Refuse to publish what is not whole.

    Raises:
        UsageError: with the tiles that stand in the way.
    """
    from webapp.campaigns.rings import Neighbourhood

    near = Neighbourhood(campaign)
    at_work = Revision.objects.filter(campaign_tile__campaign=campaign, status__in=ACTIVE)
    pending = set(at_work.values_list("campaign_tile_id", flat=True))
    rejected = ReviewStatus.REJECTED
    obstacles = {
        gettext("The edition cannot be published while tiles are not finished: %(names)s."): [
            t for t in tiles if t.is_due or t.pk in pending
        ],
        gettext("The edition cannot be published while tiles are without a mosaic: %(names)s."): [
            t for t in tiles if t.status == TileStatus.COMPOSITE and not t.current_revision
        ],
        gettext(
            "The edition cannot be published while tiles are not up to date with their neighbours: %(names)s."
        ): [t for t in tiles if near.is_stale(t.tile_id)],
        gettext("The edition cannot be published while tiles are rejected: %(names)s."): [
            t for t in tiles if t.current_revision and t.current_revision.review_status == rejected
        ],
    }
    for sentence, found in obstacles.items():
        if found:
            names = ", ".join(tile.tile_id for tile in found[:10])
            raise UsageError(sentence % {"names": names}, "campaign")
    if not any(tile.current_revision for tile in tiles):
        raise UsageError(
            gettext("Campaign %(slug)s has no finished tile to publish.") % {"slug": campaign.slug},
            "campaign",
        )
