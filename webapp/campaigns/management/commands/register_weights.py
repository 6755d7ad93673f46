"""`manage.py register_weights NAME DIR`: weights of one's own, for campaigns to pin."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pipeline.errors import EarthquiltError
from pipeline.networks import NAMES
from webapp.campaigns import networks


class Command(BaseCommand):
    """Check weights and copy them into the storage, where all workers find them."""

    help = "Keep weights of one's own in the storage, so that campaigns can pin them."

    def add_arguments(self, parser: CommandParser) -> None:
        """The network and where its weights lie."""
        parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
        parser.add_argument("source", type=Path, metavar="DIR", help="where `train` left weights and card")

    def handle(self, *args: Any, **options: Any) -> None:
        """Register, and print what a campaign pins."""
        try:
            found = networks.add(options["name"], options["source"])
        except EarthquiltError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['name']} {found.pin}")
