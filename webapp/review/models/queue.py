"""What waits for a verdict, and who holds it."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from webapp.campaigns.models import Revision
from webapp.campaigns.states import ReviewStatus, RevisionStatus
from webapp.campaigns.words import in_records

if TYPE_CHECKING:
    from webapp.accounts.models import User


class QueueEntryQuerySet(models.QuerySet):
    """Questions about the queue."""

    def waiting(self) -> "QueueEntryQuerySet":
        """Those without a verdict, held or not; a first look is only at the current revision of a tile."""
        looked_at = Q(
            revision__status=RevisionStatus.CURRENT, revision__review_status=ReviewStatus.UNREVIEWED
        )
        return self.filter(done_at__isnull=True).filter(Q(kind=QueueEntry.Kind.SECOND) | looked_at)

    def for_reviewer(self, user: Any) -> "QueueEntryQuerySet":
        """Without second looks at what the person has judged."""
        judged = self.filter(kind=QueueEntry.Kind.SECOND, revision__reviews__reviewer=user)
        return self.exclude(pk__in=judged.values("pk"))

    def free(self) -> "QueueEntryQuerySet":
        """Held by nobody, by the database's clock."""
        return self.filter(Q(held_until__isnull=True) | Q(held_until__lt=Now()))

    def held_by(self, user: Any) -> "QueueEntryQuerySet":
        """Held by a person, by the database's clock."""
        return self.filter(held_by=user, held_until__gte=Now())


class QueueEntry(models.Model):
    """A revision that waits for a verdict, with the reason for its place in the queue.

    Who holds it stands in the same row, so that a row that another transaction has just taken fails the
    condition when the lock on it is got.

    Attributes:
        priority: 0..100, the likeliest trouble highest.
        grounds: why, the weightiest first: see `priority.Ground`.
        spots: places to look at, once they were searched for: see `pipeline.trouble`.
        held_until: nobody else may take it before (database clock).
    """

    class Kind(models.TextChoices):
        """Which look it is."""

        FIRST = "first", _("first look")
        SECOND = "second", _("second opinion")

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="queue_entries")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.FIRST)
    priority = models.FloatField(default=0)
    grounds = models.JSONField(default=list)
    spots = models.JSONField(null=True, blank=True)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="held_entries"
    )
    held_since = models.DateTimeField(null=True, blank=True, editable=False)
    held_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    done_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = QueueEntryQuerySet.as_manager()

    class Meta:
        """The weightiest first; each look once."""

        ordering = ["-priority", "id"]
        constraints = [
            models.UniqueConstraint(fields=["revision", "kind"], name="queue_entry_once"),
            models.CheckConstraint(condition=Q(kind__in=["first", "second"]), name="queue_kind_legal"),
            models.CheckConstraint(
                condition=Q(held_until__isnull=True) | Q(held_since__isnull=False),
                name="hold_has_a_beginning",
            ),
        ]
        indexes = [models.Index(fields=["done_at", "-priority", "id"], name="queue_order")]

    def __str__(self) -> str:
        words = {"kind": self.get_kind_display(), "revision": self.revision}
        return gettext("%(kind)s at %(revision)s") % words

    def hold(self, user: "User") -> None:
        """Give it to a person, whose transaction has the row."""
        self.held_by, self.held_since = user, Now()
        self.held_until = Now() + settings.REVIEW_HOLD
        self.save(update_fields=["held_by", "held_since", "held_until"])
        self.refresh_from_db(fields=["held_by", "held_since", "held_until"])
        tile = self.revision.campaign_tile
        with in_records():
            tile.remember(tile.status, tile.status, f"{self} taken", user)


QUEUE_KINDS = QueueEntry.Kind.choices
