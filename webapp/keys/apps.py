"""The keys app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KeysConfig(AppConfig):
    """Name of the app."""

    name = "webapp.keys"
    verbose_name = _("map keys")
