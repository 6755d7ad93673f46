"""`manage.py worker`: work at the queues."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import EarthquiltError
from webapp.campaigns.worker import make_worker


class Command(BaseCommand):
    """Run a resident worker until it is stopped."""

    help = "Runs the stages of builds and revisions; loads the networks once and keeps them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which queues, and whether to stop when they are empty."""
        parser.add_argument("--queues", nargs="+", choices=settings.QUEUES, default=list(settings.QUEUES))
        parser.add_argument("--burst", action="store_true", help="stop when the queues are empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work until stopped."""
        try:
            make_worker(options["queues"]).work(burst=options["burst"], logging_level=None)
        except EarthquiltError as error:
            raise CommandError(str(error)) from error
