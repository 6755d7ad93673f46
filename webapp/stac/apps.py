"""The stac app."""

from django.apps import AppConfig


class StacConfig(AppConfig):
    """Name of the app."""

    name = "webapp.stac"
