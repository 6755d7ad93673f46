"""The tileserver app."""

from django.apps import AppConfig


class TileserverConfig(AppConfig):
    """Name of the app."""

    name = "webapp.tileserver"
