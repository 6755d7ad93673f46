"""`manage.py want_tiles`: ask for many tiles of a campaign at once."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import UsageError
from pipeline.land import LandLimits, existing_tiles
from webapp.campaigns.models import Campaign
from webapp.campaigns.wanting import names_as_given, names_of_area, names_of_land, want_all
from webapp.orders.aoi import read_aoi

LIMITS = LandLimits()


class Command(BaseCommand):
    """Want the tiles of an area, of all land, or by name."""

    help = "Asks for tiles of a campaign, without an order; what was asked for before stays as it is."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which campaign, and what."""
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--land", action="store_true", help="all land within the limits below")
        what.add_argument("--aoi", type=Path, help="a GeoJSON file of an area")
        what.add_argument("--tile", nargs="+", help="names of tiles")
        parser.add_argument(
            "--north", type=float, default=LIMITS.north, help="northern limit of land, degrees"
        )
        parser.add_argument(
            "--south", type=float, default=LIMITS.south, help="southern limit of land, degrees"
        )
        parser.add_argument(
            "--island-km2", type=float, default=LIMITS.island_km2, help="smaller islands are left out"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell how many tiles there are, want none")

    def handle(self, *args: Any, **options: Any) -> None:
        """Want them."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.", returncode=2)
        try:
            names = self.names(options)
            if options["dry_run"]:
                land = sum(existing_tiles()[name].own_km2 for name in names) / 1e6
                self.stdout.write(f"{len(names)} tiles with {land:.1f} million km2 of land")
                return
            self.stdout.write(f"{len(names)} tiles, {want_all(campaign, names)} of them new")
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from error

    def names(self, options: dict[str, Any]) -> list[str]:
        """The names of the tiles."""
        if options["land"]:
            return names_of_land(LandLimits(options["north"], options["south"], options["island_km2"]))
        if options["tile"]:
            return names_as_given(options["tile"])
        try:
            content = options["aoi"].read_bytes()
        except OSError as error:
            raise UsageError(f"{options['aoi']} cannot be read: {error.strerror}.", "aoi") from error
        return names_of_area(read_aoi(content, limited=False))
