"""Orders: a customer's area of interest on a campaign."""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.gis.db import models
from django.db.models import Q
from django.db.models.functions import Now

from webapp.accounts import roles
from webapp.campaigns.models import Campaign, CampaignTile
from webapp.campaigns.models.event import Stateful
from webapp.campaigns.states import ACTIVE, ORDER_MOVES, OrderStatus, TileStatus

if TYPE_CHECKING:
    from webapp.accounts.models import User


class OrderQuerySet(models.QuerySet):
    """Questions about orders."""

    def visible_to(self, user: Any) -> "OrderQuerySet":
        """A customer's own; the operator and the reviewers see all."""
        if roles.sees_everything(user):
            return self
        return self.filter(customer=user) if user.is_authenticated else self.none()


class Order(Stateful):
    """A customer's area of interest on a campaign, and how far it is."""

    MOVES = ORDER_MOVES

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders")
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="orders")
    aoi = models.MultiPolygonField(srid=4326, spatial_index=True)
    tiles = models.ManyToManyField(CampaignTile, related_name="orders")
    status = models.CharField(max_length=20, choices=OrderStatus, default=OrderStatus.PLACED)
    status_text = models.TextField(blank=True, help_text="sentences for the customer")
    estimate = models.JSONField(default=dict, help_text="area_km2, tiles, share_built when it was placed")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        """The newest first; legal states only."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_legal")
        ]
        indexes = [models.Index(fields=["campaign", "status"], name="order_by_status")]

    def __str__(self) -> str:
        return f"order {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.status in (OrderStatus.PLACED, OrderStatus.RUNNING)

    def progress(self) -> dict[str, Any]:
        """How many tiles are finished, and in which state each is."""
        from webapp.campaigns.advance import is_finished

        tiles = list(self.tiles.select_related("current_revision", "current_build").order_by("tile_id"))
        pending = pending_revisions(tiles)
        finished = [tile for tile in tiles if is_finished(tile, pending)]
        return {
            "tiles": len(tiles),
            "finished": len(finished),
            "share": len(finished) / len(tiles) if tiles else 0.0,
            "by_status": {
                status: sum(tile.status == status for tile in tiles)
                for status in TileStatus.values
                if any(tile.status == status for tile in tiles)
            },
        }


def pending_revisions(tiles: list[CampaignTile]) -> set[int]:
    """Keys of the tiles among these for which a revision waits or runs."""
    from webapp.campaigns.models import Revision

    found = Revision.objects.filter(campaign_tile__in=tiles, status__in=ACTIVE)
    return set(found.values_list("campaign_tile_id", flat=True))
