"""Keys of maps, and how much each was used a day."""

import hashlib
import secrets
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now

from webapp.campaigns.models import Campaign

PREFIX = "eq_"
SHOWN = 11
USUAL_PER_MINUTE = 1200


def digest_of(token: str) -> str:
    """Give what is kept of a key: sha256, as 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


class MapKey(models.Model):
    """A key; what it opens is what its owner may see, less what it is not for."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="map_keys")
    name = models.CharField(max_length=80)
    shown = models.CharField(max_length=SHOWN, editable=False, help_text="how the key begins")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    campaigns = models.ManyToManyField(Campaign, blank=True, help_text="none: all that the owner may see")
    layers = models.JSONField(default=list, blank=True, help_text="names of layers; none: all")
    referrers = models.JSONField(
        default=list, blank=True, help_text="hosts, as maps.example.org or *.example.org; none: any"
    )
    per_minute = models.PositiveIntegerField(default=USUAL_PER_MINUTE, help_text="most requests a minute")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """The newest first."""

        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.shown}…)"

    @classmethod
    def make(cls, owner: Any, name: str, **scope: Any) -> tuple["MapKey", str]:
        """Make a key.

        Args:
            owner: whose it is.
            name: what people call it.
            scope: layers, referrers and per_minute; campaigns are added to the row.

        Returns:
            The row, and the key itself, which is kept nowhere.
        """
        token = PREFIX + secrets.token_urlsafe(32)
        row = cls.objects.create(
            owner=owner, name=name, shown=token[:SHOWN], digest=digest_of(token), **scope
        )
        return row, token

    def revoke(self) -> None:
        """Let it open nothing any more; its use stays."""
        type(self).objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=Now())


class KeyUse(models.Model):
    """What a key was used for on one day (UTC)."""

    key = models.ForeignKey(MapKey, models.CASCADE, related_name="uses")
    day = models.DateField()
    answered = models.PositiveBigIntegerField(default=0)
    refused = models.PositiveBigIntegerField(default=0)

    class Meta:
        """One row a day."""

        ordering = ["key_id", "day"]
        constraints = [models.UniqueConstraint(fields=["key", "day"], name="key_use_once_a_day")]

    def __str__(self) -> str:
        return f"{self.key_id} on {self.day}"

    @classmethod
    @transaction.atomic
    def add(cls, key: int, day: Any, answered: int, refused: int) -> None:
        """Add to a day's numbers, unless the key is gone; several processes may do so at once."""
        if not MapKey.objects.select_for_update(no_key=True).filter(pk=key).exists():
            return
        cls.objects.bulk_create([cls(key_id=key, day=day)], ignore_conflicts=True)
        cls.objects.filter(key=key, day=day).update(
            answered=F("answered") + answered, refused=F("refused") + refused
        )
