"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Name of the app."""

    name = "webapp.orders"

    def ready(self) -> None:
        """Queue deliveries that are due with each sweep."""
        from webapp.campaigns.advance import swept
        from webapp.orders.jobs import hint_due

        swept.connect(lambda sender, **kwargs: hint_due(), weak=False, dispatch_uid="deliveries")
