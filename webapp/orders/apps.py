"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Name of the app."""

    name = "webapp.orders"

    def ready(self) -> None:
        """Queue deliveries that are due, and the look at old ones, with each sweep; keep what they need."""
        from django.db.models.signals import pre_delete

        from webapp.campaigns.advance import swept
        from webapp.campaigns.models import Revision
        from webapp.orders.jobs import hint_due
        from webapp.orders.retention import hint_retention, keep_what_is_delivered

        swept.connect(lambda sender, **kwargs: hint_due(), weak=False, dispatch_uid="deliveries")
        swept.connect(lambda sender, **kwargs: hint_retention(), weak=False, dispatch_uid="old-deliveries")
        pre_delete.connect(keep_what_is_delivered, sender=Revision, dispatch_uid="delivered-revisions")
