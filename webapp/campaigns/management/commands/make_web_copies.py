"""`manage.py make_web_copies`: lay the products of an edition out for web maps."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import EarthquiltError
from webapp import storage
from webapp.campaigns import web_copies
from webapp.campaigns.models import Edition


class Command(BaseCommand):
    """Make the copies that are missing."""

    help = "Lays the products of an edition out for web maps; the workers do it by themselves for the newest."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which edition."""
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        parser.add_argument("--edition", type=int, help="its number, else the newest")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make them, one tile after the other."""
        editions = Edition.objects.standing().filter(campaign__slug=options["campaign"]).order_by("-number")
        if options["edition"] is not None:
            editions = editions.filter(number=options["edition"])
        edition = editions.first()
        if edition is None:
            raise CommandError(f"There is no such edition of campaign {options['campaign']!r}.", returncode=2)
        storage.begin_work()
        made = 0
        for revision in web_copies.due(edition):
            try:
                made += web_copies.make(revision)
            except EarthquiltError as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"{made} tiles laid out for web maps")
