"""The campaigns app."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Name of the app; the checks of the set-up are registered with it."""

    name = "webapp.campaigns"

    def ready(self) -> None:
        """Register the system checks, and limit what this process reads scenes from."""
        from webapp import checks  # noqa: F401
        from webapp.campaigns.sources import limit

        limit()
