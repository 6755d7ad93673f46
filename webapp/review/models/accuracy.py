"""Assessments of accuracy: a sample of points, shown blind, and what people say they are."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from webapp.campaigns.models import Campaign, Revision
from webapp.orders.models import Order

if TYPE_CHECKING:
    from webapp.accounts.models import User


class Assessment(models.Model):
    """A stratified random sample of the landcover of a campaign or an order, as it was when it was asked for.

    Attributes:
        revisions: whose landcover is assessed; fixed when it is asked for.
        pixels: of the map by class code (as text), once it is drawn.
        pixel_area: square metres of a pixel.
        error: why it could not be drawn.
    """

    class Status(models.TextChoices):
        """How far it is."""

        DRAWING = "drawing", _("Drawing")
        OPEN = "open", _("Open")
        FAILED = "failed", _("Failed")

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="assessments")
    order = models.ForeignKey(Order, models.SET_NULL, null=True, blank=True, related_name="assessments")
    revisions = models.ManyToManyField(Revision, related_name="assessments")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAWING)
    wanted = models.PositiveIntegerField(help_text="points")
    least = models.PositiveIntegerField(help_text="points of each class")
    seed = models.PositiveBigIntegerField()
    pixels = models.JSONField(default=dict)
    pixel_area = models.FloatField(default=0)
    error = models.TextField(blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        """The newest first."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["drawing", "open", "failed"]), name="assessment_status_legal"
            )
        ]

    def __str__(self) -> str:
        return f"assessment {self.pk} of {self.campaign.slug}"


class SamplePointQuerySet(models.QuerySet):
    """Questions about points."""

    def unlabelled(self) -> "SamplePointQuerySet":
        """Those of which nobody has said what they are."""
        return self.filter(labelled_at__isnull=True)

    def free_for(self, user: "User") -> "SamplePointQuerySet":
        """Those that nobody else looks at, by the database's clock."""
        return self.filter(Q(held_until__isnull=True) | Q(held_until__lt=Now()) | Q(held_by=user))


class SamplePoint(models.Model):
    """A pixel of a sample.

    Attributes:
        number: in random order, from 1.
        mapped: its class by the map, which is not shown before the label is given.
        label: what a person says it is, 1..6; null where it is not labelled, or nobody can tell.
    """

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="points")
    revision = models.ForeignKey(Revision, models.CASCADE, related_name="sample_points")
    number = models.PositiveIntegerField()
    lon = models.FloatField()
    lat = models.FloatField()
    mapped = models.PositiveSmallIntegerField()
    label = models.PositiveSmallIntegerField(null=True, blank=True)
    labelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="labelled_points"
    )
    labelled_at = models.DateTimeField(null=True, blank=True, editable=False)
    held_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="held_points"
    )
    held_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SamplePointQuerySet.as_manager()

    class Meta:
        """In random order; legal codes only; who labelled and when belong together."""

        ordering = ["assessment_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["assessment", "number"], name="point_number_once"),
            models.CheckConstraint(
                condition=Q(mapped__gte=1, mapped__lte=6)
                & (Q(label__isnull=True) | Q(label__gte=1, label__lte=6)),
                name="point_codes_legal",
            ),
            models.CheckConstraint(
                condition=Q(labelled_at__isnull=True, label__isnull=True) | Q(labelled_by__isnull=False),
                name="point_label_has_a_person",
            ),
        ]
        indexes = [models.Index(fields=["assessment", "labelled_at"], name="point_unlabelled")]

    def __str__(self) -> str:
        return f"point {self.number} of {self.assessment_id}"
