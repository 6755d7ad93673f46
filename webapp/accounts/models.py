"""The people who use the web application, and the organisations they belong to."""

from django.contrib.auth.models import AbstractUser
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from webapp.accounts import roles


class Organisation(models.Model):
    """People who share their orders, and how much they may order a month."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=50, unique=True)
    quota_km2 = models.FloatField(
        _("km² a month"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("calendar months, UTC; empty: without limit"),
    )
    quota_orders = models.PositiveIntegerField(
        _("orders a month"), null=True, blank=True, help_text=_("calendar months, UTC; empty: without limit")
    )

    class Meta:
        """By name; no quota below nothing."""

        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(quota_km2__isnull=True) | Q(quota_km2__gte=0), name="quota_km2_not_negative"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def quotas(self) -> tuple[float | None, int | None]:
        """Most km2 and most orders a month; None: without limit."""
        return self.quota_km2, self.quota_orders


class User(AbstractUser):
    """A person; what they may do comes from their roles."""

    organisation = models.ForeignKey(
        Organisation, models.SET_NULL, null=True, blank=True, related_name="members"
    )

    @property
    def role_names(self) -> list[str]:
        """The roles of this person, in words."""
        return [str(roles.WORDS[name]) for name in sorted(roles.roles_of(self))]

    def visible_orders(self) -> models.QuerySet:
        """The orders that this person may see; what is seen by way of an order asks here."""
        return self.orders.model.objects.visible_to(self)
