"""`manage.py fit_tone`: fit the tone curve of a campaign before its first build."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import EarthquiltError
from webapp.campaigns.models import Campaign
from webapp.campaigns.services import fit_tone


class Command(BaseCommand):
    """Fit one tone curve for all tiles of a campaign to a sample of its scenes."""

    help = "Fits the tone curve of a campaign that has no builds yet and keeps it in its settings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which campaign, and what to look at."""
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        parser.add_argument("--tile", action="append", default=[], help="a tile; else the campaign's tiles")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fit."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.", returncode=2)
        try:
            fit_tone(campaign, options["tile"])
        except EarthquiltError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{campaign.slug} has a tone curve of its own")
