"""Admin page of orders."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from webapp.campaigns.admin import MadeElsewhere, extent_of
from webapp.orders.models import Order


@admin.register(Order)
class OrderAdmin(MadeElsewhere, admin.ModelAdmin):
    """Orders; what is in them is not changed here."""

    list_display = ("id", "customer", "organisation", "campaign", "status", "created_at", "finished_at")
    list_filter = ("status", "organisation", "campaign")
    readonly_fields = fields = (
        "customer", "organisation", "campaign", "extent", "tiles", "status", "status_text", "estimate",
        "created_at", "finished_at",
    )  # fmt: skip

    @admin.display(description=_("Extent"))
    def extent(self, order: Order) -> str:
        """Where its area lies."""
        return extent_of(order.aoi)
