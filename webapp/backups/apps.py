"""The backups application: commands only."""

from django.apps import AppConfig


class BackupsConfig(AppConfig):
    """It has no tables."""

    name = "webapp.backups"
