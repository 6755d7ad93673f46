"""The orders app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Name of the app."""

    name = "webapp.orders"
