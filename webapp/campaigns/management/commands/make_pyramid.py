"""`manage.py make_pyramid`: bring the low zooms of a campaign up to date, or clean up after them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import EarthquiltError
from webapp import storage
from webapp.campaigns import pyramid
from webapp.campaigns.models import Campaign


class Command(BaseCommand):
    """Make the chips that are stale."""

    help = "Makes the low zooms of a campaign; the workers do it by themselves as revisions land."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which campaign, and what."""
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        parser.add_argument("--all", action="store_true", help="make all again, also what is not stale")
        parser.add_argument(
            "--prune", action="store_true", help="remove chips that nothing has named for a day"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make, and remove where asked."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.", returncode=2)
        storage.begin_work()
        if options["all"]:
            pyramid.mark_all(campaign)
        try:
            self.stdout.write(f"{pyramid.refresh(campaign)} chips made")
        except EarthquiltError as error:
            raise CommandError(str(error)) from error
        if options["prune"]:
            self.stdout.write(f"{pyramid.prune(campaign)} files removed")
