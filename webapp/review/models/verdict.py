"""Reviews: QC verdicts on revisions."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from webapp.campaigns.models import Build, Override, Revision


class Verdict(models.TextChoices):
    """What a reviewer decides."""

    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")


class Reason(models.TextChoices):
    """Why a revision is rejected; countable."""

    CLOUD = "cloud", _("cloud left in the mosaic")
    SHADOW = "shadow", _("cloud shadow left in the mosaic")
    HAZE = "haze", _("haze")
    SEAM = "seam", _("visible seam")
    HOLE = "hole", _("hole in the data")
    GEOMETRY = "geometry", _("shifted or doubled ground")
    COLOUR = "colour", _("wrong colours")
    CLASSES = "classes", _("wrong landcover")
    OTHER = "other", _("something else")


class Review(models.Model):
    """One verdict of one reviewer on one revision."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    words = models.TextField(blank=True)
    overrides = models.ManyToManyField(
        Override, blank=True, related_name="reviews", help_text="what it asks of the next build"
    )
    successor = models.ForeignKey(
        Build,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="asked_by",
        help_text="the build that answers it",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """The newest first; a rejection has a reason, an approval none."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(verdict__in=Verdict.values), name="review_verdict_legal"),
            models.CheckConstraint(
                condition=Q(verdict="approve", reason="") | Q(verdict="reject", reason__in=Reason.values),
                name="review_reason_with_rejection",
            ),
            models.UniqueConstraint(
                fields=["revision"], condition=Q(verdict="approve"), name="one_approval_per_revision"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} of revision {self.revision_id}"


class Opinion(models.Model):
    """A second verdict on a revision, given without knowing the first; it changes nothing of the revision."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="opinions")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="opinions")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=20, choices=Reason, blank=True)
    words = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """One for each revision; a rejection has a reason, an approval none."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="approve", reason="") | Q(verdict="reject", reason__in=Reason.values),
                name="opinion_reason_with_rejection",
            ),
            models.UniqueConstraint(fields=["revision"], name="one_opinion_per_revision"),
        ]

    def __str__(self) -> str:
        return f"second {self.verdict} of revision {self.revision_id}"
