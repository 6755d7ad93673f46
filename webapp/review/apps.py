"""The review app."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """Name of the app."""

    name = "webapp.review"
