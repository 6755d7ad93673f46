"""The campaigns app."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Name of the app; the checks of the set-up are registered with it."""

    name = "webapp.campaigns"

    def ready(self) -> None:
        """Register the system checks."""
        from webapp import checks  # noqa: F401
