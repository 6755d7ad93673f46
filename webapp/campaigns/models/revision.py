"""Revisions: the served mosaic and landcover of a tile."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib.gis.db import models
from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from webapp.accounts import roles
from webapp.campaigns.models.build import Build, Leased, LeasedQuerySet
from webapp.campaigns.models.campaign import Campaign, CampaignTile
from webapp.campaigns.models.chip import Chip
from webapp.campaigns.states import ACTIVE, REVISION_MOVES, ReviewStatus, RevisionStatus


class RevisionQuerySet(LeasedQuerySet):
    """Questions about revisions."""

    def visible_to(self, user: Any) -> "RevisionQuerySet":
        """Besides what one sees of builds, what is published in a visible campaign."""
        if roles.sees_everything(user):
            return self
        published = self.model.objects.filter(
            edition_tiles__edition__campaign__in=Campaign.objects.visible_to(user),
            edition_tiles__edition__withdrawal__isnull=True,
        )
        own = super().visible_to(user)
        return self.filter(Q(pk__in=published.values("pk")) | Q(pk__in=own.values("pk")))


class Revision(Leased):
    """A tile's mosaic and landcover, made from its build and its neighbours'."""

    MOVES = REVISION_MOVES

    campaign_tile = models.ForeignKey(CampaignTile, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=RevisionStatus, default=RevisionStatus.WAITING)
    build = models.ForeignKey(
        Build,
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="own_revisions",
        help_text="the tile's own build",
    )
    builds = models.ManyToManyField(Build, through="RevisionInput", related_name="revisions")
    inputs_hash = models.CharField(max_length=64, blank=True, editable=False)
    folder = models.CharField(max_length=200, help_text="relative to the storage root")
    files = models.JSONField(
        default=dict, blank=True, editable=False, help_text="its products, when finished"
    )
    has_web_copies = models.BooleanField(
        default=False, editable=False, help_text="its products are laid out for web maps"
    )
    is_ready = models.BooleanField(
        default=False, editable=False, help_text="no tile that it is made from was due when last looked at"
    )
    review_status = models.CharField(max_length=20, choices=ReviewStatus, default=ReviewStatus.UNREVIEWED)

    objects = RevisionQuerySet.as_manager()

    class Meta:
        """Numbers are unique, one at work and one current per tile, legal states only."""

        ordering = ["campaign_tile_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["campaign_tile", "number"], name="revision_number_once"),
            models.UniqueConstraint(
                fields=["campaign_tile"], condition=Q(status__in=ACTIVE), name="one_active_revision_per_tile"
            ),
            models.UniqueConstraint(
                fields=["campaign_tile"], condition=Q(status="current"), name="one_current_revision_per_tile"
            ),
            models.CheckConstraint(
                condition=Q(status__in=RevisionStatus.values), name="revision_status_legal"
            ),
            models.CheckConstraint(
                condition=Q(review_status__in=ReviewStatus.values), name="review_status_legal"
            ),
            models.CheckConstraint(
                condition=~Q(status="current") | Q(build__isnull=False), name="current_revision_has_build"
            ),
        ]
        indexes = [
            models.Index(fields=["status", "lease_until"], name="revision_due"),
            models.Index(
                fields=["campaign_tile"],
                condition=Q(is_ready=True, status__in=ACTIVE),
                name="revision_ready",
            ),
        ]

    def __str__(self) -> str:
        words = {"tile": self.campaign_tile, "number": self.number}
        return gettext("%(tile)s revision %(number)s") % words

    @classmethod
    def begin(cls, tile: CampaignTile) -> "Revision":
        """Make the next revision of a tile, waiting for its ring."""
        return cls.begin_all(tile.campaign, [tile.pk])[tile.pk]

    @classmethod
    def begin_all(cls, campaign: Campaign, tiles: Collection[int]) -> dict[int, "Revision"]:
        """Make the next revision of each of some tiles of a campaign, by the tiles' keys."""
        if not tiles:
            return {}
        rows = campaign.tiles.filter(pk__in=tiles).order_by("tile_id").only("tile_id", "campaign")
        made = []
        with transaction.atomic(savepoint=False):
            for tile in rows.annotate(last=Max("revisions__number")):
                number = (tile.last or 0) + 1
                folder = f"{campaign.slug}/{tile.tile_id}/revisions/{number}"
                made.append(cls(campaign_tile=tile, number=number, folder=folder))
            cls.objects.bulk_create(made)
            cls.remember_all(made, "")
        return {one.campaign_tile_id: one for one in made}

    def take_inputs(self, builds: list[Build]) -> None:
        """Fix the builds that this revision is made from."""
        self.take_input_keys({build.campaign_tile_id: build.pk for build in builds})

    def take_input_keys(self, builds: Mapping[int, int]) -> None:
        """Fix the builds that this revision is made from, as keys by those of their campaign's tiles."""
        with transaction.atomic(savepoint=False):
            if self.build_id:
                RevisionInput.objects.filter(revision=self).delete()
            rows = [RevisionInput(revision=self, build_id=key) for key in builds.values()]
            RevisionInput.objects.bulk_create(rows)
            self.build_id, self.inputs_hash = builds[self.campaign_tile_id], hash_of_keys(builds.values())
            self.save(update_fields=["build", "inputs_hash"])

    @transaction.atomic
    def give_way(self, current: "Revision") -> bool:
        """End unmade: the current revision shows the same and is from now on one of these inputs."""
        CampaignTile.objects.select_for_update().get(pk=self.campaign_tile_id)
        text = f"not made: revision {current.number} shows the same"
        if not self.finish(RevisionStatus.SUPERSEDED, text, error=""):
            return False
        current.take_inputs(list(self.builds.all()))
        return True

    @transaction.atomic
    def become_current(self, report: dict[str, Any], files: dict[str, Any] | None = None) -> bool:
        """Take the place of the tile's current revision, whose files stay; the low zooms become stale.

        Args:
            report: its figures.
            files: its products, see `soundness.fingerprints`.
        """
        tile = CampaignTile.objects.select_for_update().get(pk=self.campaign_tile_id)
        for old in current_revisions(tile) if tile.current_revision_id else ():
            old.move(RevisionStatus.SUPERSEDED, f"replaced by revision {self.number}")
        if not self.finish(RevisionStatus.CURRENT, report=report, files=files or {}, error=""):
            transaction.set_rollback(True)
            return False
        CampaignTile.objects.filter(pk=tile.pk).update(current_revision=self, changed_at=Now())
        Chip.mark(self.campaign_tile, self)
        return True


class RevisionInput(models.Model):
    """A build that a revision was made from."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="inputs")
    build = models.ForeignKey(Build, models.RESTRICT, related_name="uses")

    class Meta:
        """Each build once."""

        constraints = [models.UniqueConstraint(fields=["revision", "build"], name="input_once_per_revision")]

    def __str__(self) -> str:
        return f"{self.revision_id} from {self.build_id}"


def current_revisions(tile: CampaignTile) -> models.QuerySet:
    """The current revision of a tile, as a query of one row at most."""
    return tile.revisions.filter(status=RevisionStatus.CURRENT)


def hash_of(builds: list[Build]) -> str:
    """What a set of builds has in common with itself only (sha256, hex)."""
    return hash_of_keys(build.pk for build in builds)


def hash_of_keys(keys: Iterable[int]) -> str:
    """The same of the keys of builds."""
    return hashlib.sha256(json.dumps(sorted(keys)).encode()).hexdigest()
