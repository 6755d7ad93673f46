"""Orders: a customer's area of interest on a campaign."""

from typing import TYPE_CHECKING, Any

import shapely
from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.gis.db.models import Union
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from pipeline.errors import UsageError
from webapp.accounts import roles
from webapp.accounts.models import Organisation
from webapp.campaigns.models import Campaign, CampaignTile
from webapp.campaigns.models.event import Stateful
from webapp.campaigns.standing import Standing, standings
from webapp.campaigns.states import OPEN_ORDERS, ORDER_MOVES, BuildStatus, OrderStatus, TileStatus
from webapp.orders.aoi import area_km2
from webapp.orders.sources import without_source

if TYPE_CHECKING:
    from webapp.accounts.models import User

PROBLEM = {"empty": "has no scene that serves", "failed": "failed", "idle": "is no longer wanted"}


class OrderQuerySet(models.QuerySet):
    """Questions about orders."""

    def visible_to(self, user: Any) -> "OrderQuerySet":
        """A person's own and those of the organisation; the operator and the reviewers see all.

        An order that was placed for an organisation stays there: a customer who leaves no longer sees it, and
        one who joins brings no earlier orders along.
        """
        if roles.sees_everything(user):
            return self
        if not user.is_authenticated:
            return self.none()
        own = Q(customer=user, organisation=None)
        return self.filter(own | Q(organisation=user.organisation_id) if user.organisation_id else own)

    def whose(self, user: Any, whose: str) -> "OrderQuerySet":
        """Those that a person placed ("mine"), those of the organisation ("organisation"), or all ("")."""
        if whose == "mine":
            return self.filter(customer=user)
        if whose == "organisation":
            organisation = user.organisation_id
            return self.filter(organisation=organisation) if organisation else self.none()
        return self


class Order(Stateful):
    """A customer's area of interest on a campaign, and how far it is."""

    MOVES = ORDER_MOVES

    customer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="orders", editable=False
    )
    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="orders")
    aoi = models.MultiPolygonField(srid=4326, spatial_index=True)
    tiles = models.ManyToManyField(CampaignTile, related_name="orders")
    status = models.CharField(max_length=20, choices=OrderStatus, default=OrderStatus.PLACED)
    status_text = models.TextField(blank=True, help_text="sentences for the customer")
    estimate = models.JSONField(default=dict, help_text="area_km2, tiles, share_built when it was placed")
    taken_km2 = models.FloatField(
        null=True, editable=False, help_text="of a failed order whose good tiles were asked for: their area"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta:
        """The newest first; legal states only."""

        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_legal")
        ]
        indexes = [
            models.Index(fields=["campaign", "status"], name="order_by_status"),
            models.Index(fields=["organisation", "created_at"], name="order_by_month"),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.status in OPEN_ORDERS

    def progress(self) -> dict[str, Any]:
        """How many tiles there are, how many are finished, and how many are in which phase."""
        return self.progress_in(standings(self.tiles.all()))

    def progress_in(self, known: dict[int, Standing]) -> dict[str, Any]:
        """The same from standings that were read for several orders at once."""
        phases = [known[tile.pk].phase for tile in self.tiles.all()]
        finished = sum(phase not in ("building", "blending") for phase in phases)
        return {
            "tiles": len(phases),
            "finished": finished,
            "share": finished / len(phases) if phases else 0.0,
            "phases": {phase: phases.count(phase) for phase in sorted(set(phases))},
        }

    def settle(self) -> None:
        """End the order where all its tiles are finished, with a sentence for each that has no mosaic."""
        tiles = list(self.tiles.order_by("tile_id"))
        found = standings(tiles)
        if not self.is_open or not all(found[tile.pk].is_finished for tile in tiles):
            return
        problems = [
            f"{tile.tile_id} {PROBLEM[found[tile.pk].phase]}: {found[tile.pk].text}"
            for tile in tiles
            if found[tile.pk].phase != "done"
        ]
        phases = {found[tile.pk].phase for tile in tiles}
        ready = "done" in phases and "failed" not in phases
        text = without_source(" ".join(problems), self.campaign.catalog)
        self.move(
            OrderStatus.READY if ready else OrderStatus.FAILED, text, status_text=text, finished_at=Now()
        )

    @transaction.atomic
    def cancel(self, by: "User | None" = None) -> None:
        """Take the order back; tiles that nobody else wants and that have nothing yet are left alone.

        Raises:
            UsageError: the order is over.
        """
        # Before any tile, as all who hold both take them in this order.
        Campaign.objects.select_for_update(no_key=True).only("pk").get(pk=self.campaign_id)
        if not self.is_open or not self.move(OrderStatus.CANCELLED, "cancelled", by, finished_at=Now()):
            raise UsageError(
                gettext("Order %(number)s is %(status)s and cannot be cancelled.")
                % {"number": self.pk, "status": self.get_status_display().lower()},
                "status",
            )
        others = Order.objects.filter(status__in=OPEN_ORDERS).values("tiles")
        for tile in self.tiles.due().filter(current_build__isnull=True).exclude(pk__in=others):
            build, text = tile.active_build, f"order {self.pk} was cancelled"
            # The tile before its build, as who ends a build does.
            if tile.move(TileStatus.IDLE, text, by) and build:
                build.move(BuildStatus.SUPERSEDED, text, by, finished_at=Now())

    def good_tiles(self) -> models.QuerySet:
        """Its tiles that have a mosaic."""
        return self.tiles.filter(current_revision__isnull=False)

    def take_good_tiles(self, agreed: bool) -> None:
        """Let a failed order be delivered with the tiles that are good, whose area it then counts for.

        Args:
            agreed: whether the customer has asked for them without the others.

        Raises:
            UsageError: the customer has not, or no tile is good.
        """
        good = self.good_tiles()
        if not good.exists():
            raise UsageError(
                gettext("Order %(number)s has failed and no tile of it has a mosaic.") % {"number": self.pk},
                "order",
            )
        if not agreed:
            raise UsageError(
                gettext(
                    "Order %(number)s has failed in part: ask with incomplete for the tiles that are good."
                )
                % {"number": self.pk},
                "incomplete",
            )
        ground = good.aggregate(whole=Union("tile__footprint"))["whole"]
        shown = shapely.from_wkb(bytes(self.aoi.intersection(ground).wkb))
        self.taken_km2 = round(area_km2(shown), 1)
        self.save(update_fields=["taken_km2"])

    def resume(self, text: str, by: "User | None" = None) -> None:
        """Open a failed order again, because one of its tiles is tried again."""
        if self.status == OrderStatus.FAILED:
            self.move(OrderStatus.RUNNING, text, by, status_text="", finished_at=None, taken_km2=None)
