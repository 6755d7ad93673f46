"""The maps app."""

from django.apps import AppConfig


class MapsConfig(AppConfig):
    """Name of the app."""

    name = "webapp.maps"
