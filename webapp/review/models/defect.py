"""Defects that reviewers draw."""

from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.campaigns.models import Override
from webapp.review.models.verdict import Review

CODES = range(1, 7)


class Defect(models.Model):
    """An area of a rejected revision where something is wrong.

    Attributes:
        code: for wrong landcover, the code of the right class; it is kept as a training label.
        override: what it asks of the next build; None where it asks for nothing, or it was withdrawn.
    """

    class Kind(models.TextChoices):
        """What is wrong."""

        CLOUD = "cloud", _("missed cloud")
        SHADOW = "shadow", _("missed cloud shadow")
        HAZE = "haze", _("haze")
        SEAM = "seam", _("visible seam")
        HOLE = "hole", _("hole")
        CLASSES = "classes", _("wrong class")
        OTHER = "other", _("something else")

    review = models.ForeignKey(Review, models.CASCADE, related_name="defects")
    kind = models.CharField(max_length=10, choices=Kind)
    outline = models.MultiPolygonField(srid=4326)
    code = models.PositiveSmallIntegerField(null=True, blank=True)
    words = models.TextField(blank=True)
    override = models.OneToOneField(Override, models.SET_NULL, null=True, blank=True, related_name="defect")

    class Meta:
        """In the order in which they were drawn; a class with wrong landcover, and only there."""

        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="classes", code__in=list(CODES))
                | (~Q(kind="classes") & Q(code__isnull=True)),
                name="defect_class_with_wrong_landcover",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["cloud", "shadow", "haze", "seam", "hole", "classes", "other"]),
                name="defect_kind_legal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} in review {self.review_id}"


DEFECT_KINDS = Defect.Kind.choices
