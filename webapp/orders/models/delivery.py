"""Deliveries: the files that an order was given, from the revisions that they pin."""

from typing import TYPE_CHECKING, Any

from django.contrib.gis.db import models
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pipeline.delivery.options import DeliveryOptions
from pipeline.errors import UsageError
from webapp.campaigns.models import Campaign, Revision
from webapp.campaigns.models.build import Leased
from webapp.campaigns.states import ACTIVE, OrderStatus
from webapp.orders.models.order import Order

if TYPE_CHECKING:
    from webapp.accounts.models import User

MOVES = {
    "waiting": ("running", "failed"),
    "running": ("ready", "failed"),
    "ready": ("removed",),
    "failed": (),
    "removed": (),
}


class Delivery(Leased):
    """One making of an order's files; a further one replaces none, and says what changed since."""

    class Status(models.TextChoices):
        """How far a delivery is."""

        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        REMOVED = "removed", _("Removed")

    MOVES = MOVES

    order = models.ForeignKey(Order, models.CASCADE, related_name="deliveries")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status, default=Status.WAITING)
    options = models.JSONField(help_text="as of DeliveryOptions")
    revisions = models.ManyToManyField(Revision, related_name="deliveries", help_text="what it is made from")
    folder = models.CharField(max_length=200, help_text="relative to the storage root")
    step = models.CharField(max_length=100, blank=True, help_text="what is being made")
    like = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, help_text="the delivery that it makes again"
    )
    remove_after = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="when its files are removed"
    )
    is_told = models.BooleanField(default=False, editable=False, help_text="the customer knows of that")

    class Meta:
        """Numbers are unique, one of an order at a time, legal states only; the newest first."""

        ordering = ["order_id", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="delivery_number_once"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(status__in=ACTIVE), name="one_active_delivery_per_order"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "running", "ready", "failed", "removed"]),
                name="delivery_status_legal",
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id} delivery {self.number}"

    @classmethod
    @transaction.atomic
    def begin(
        cls,
        order: Order,
        options: DeliveryOptions,
        by: "User | None" = None,
        like: "Delivery | None" = None,
    ) -> "Delivery":
        """Ask for an order's files.

        Args:
            order: whose.
            options: what is made.
            by: who asks.
            like: a delivery whose revisions are used once more.

        Raises:
            UsageError: the order is not ready (nor failed, with tiles that are good and asked for without the
                others), or a delivery of it is under way.
        """
        order = Order.objects.select_for_update().get(pk=order.pk)
        if order.status == OrderStatus.FAILED:
            order.take_good_tiles(options.incomplete)
        elif order.status != OrderStatus.READY:
            raise UsageError(
                gettext("Order %(number)s is %(status)s; it can be delivered when it is ready.")
                % {"number": order.pk, "status": order.get_status_display().lower()},
                "order",
            )
        if order.deliveries.filter(status__in=ACTIVE).exists():
            raise UsageError(
                gettext("A delivery of order %(number)s is under way.") % {"number": order.pk}, "order"
            )
        number = (order.deliveries.aggregate(last=Max("number"))["last"] or 0) + 1
        folder = f"deliveries/{order.pk}/{number}"
        made = cls.objects.create(
            order=order, number=number, options=options.to_json(), folder=folder, like=like
        )
        made.remember("", made.status, ", ".join(options.layers), by)
        return made

    @property
    def campaign_id(self) -> int:
        """The campaign's key."""
        return self.order.campaign_id

    @property
    def campaign(self) -> Campaign:
        """The campaign."""
        return self.order.campaign

    @property
    def tile_name(self) -> str:
        """None: it is of an area."""
        return ""

    @property
    def manifest(self) -> dict[str, Any]:
        """What was made, where it is ready."""
        return self.report

    def again(self, by: "User | None" = None) -> "Delivery":
        """Ask for the same files once more, from the same revisions.

        Raises:
            UsageError: it is none whose files were removed, or a delivery of the order is under way.
        """
        if self.status != self.Status.REMOVED:
            raise UsageError(
                gettext("Delivery %(number)s is %(status)s: its files were not removed.")
                % {"number": self.number, "status": self.get_status_display().lower()},
                "number",
            )
        return self.begin(self.order, DeliveryOptions.from_json(self.options), by, like=self)

    @property
    def before(self) -> "Delivery | None":
        """The last one that was made before."""
        earlier = self.order.deliveries.filter(status=self.Status.READY, number__lt=self.number)
        return earlier.order_by("-number").first()
