"""The notices app."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Name of the app."""

    name = "webapp.notices"

    def ready(self) -> None:
        """Write a notice with each end of an order or delivery, and queue what is due with each sweep."""
        from django.db.models.signals import post_save

        from webapp.campaigns.advance import swept
        from webapp.campaigns.models import Event
        from webapp.notices import checks
        from webapp.notices.jobs import hint_due
        from webapp.notices.outbox import on_event, on_goes_soon
        from webapp.orders.retention import goes_soon

        post_save.connect(on_event, sender=Event, dispatch_uid="notices")
        goes_soon.connect(on_goes_soon, dispatch_uid="notices")
        swept.connect(lambda sender, **kwargs: hint_due(), weak=False, dispatch_uid="notices")
        checks.register_all()
