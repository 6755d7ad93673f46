"""The keys app."""

from django.apps import AppConfig


class KeysConfig(AppConfig):
    """Name of the app."""

    name = "webapp.keys"
    verbose_name = "map keys"
