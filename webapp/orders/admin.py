"""Admin page of orders."""

from django.contrib import admin
from django.contrib.gis.admin import GISModelAdmin

from webapp.campaigns.admin import MadeElsewhere
from webapp.orders.models import Order


@admin.register(Order)
class OrderAdmin(MadeElsewhere, GISModelAdmin):
    """Orders; what is in them is not changed here."""

    list_display = ("id", "customer", "organisation", "campaign", "status", "created_at", "finished_at")
    list_filter = ("status", "organisation", "campaign")
    readonly_fields = ("customer", "campaign", "tiles", "status", "status_text", "estimate", "finished_at")
    modifiable = False
