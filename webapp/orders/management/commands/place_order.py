"""`manage.py place_order`: place an order by the same code as the API."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pipeline.errors import EarthquiltError, UsageError
from pipeline.settings import CampaignSettings, parse_date
from webapp.accounts.models import User
from webapp.campaigns import sources
from webapp.orders.aoi import read_aoi
from webapp.orders.services import Area, campaign_of, catalog_address, place


class Command(BaseCommand):
    """Place an order for a customer; prints its number, campaign and tiles, one a line."""

    help = "Places an order, in a campaign of the same settings where there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Source, area, settings of the campaign and customer."""
        parser.add_argument("--campaign-name", default="", help="name of the campaign, where one is made")
        parser.add_argument("--catalog", required=True, help="STAC API, static STAC catalog or SAFE folder")
        area = parser.add_mutually_exclusive_group(required=True)
        area.add_argument("--aoi", type=Path, help="a GeoJSON file")
        area.add_argument("--tile", nargs="+", help="names of tiles")
        parser.add_argument("--start", required=True, help="first day, YYYY-MM-DD")
        parser.add_argument("--end", required=True, help="last day, YYYY-MM-DD")
        parser.add_argument("--max-cloud", type=float, default=80.0, help="most cloud cover, percent")
        parser.add_argument("--resolution", type=int, default=10, help="metres")
        parser.add_argument("--level", default="L2A", help="L1C or L2A")
        parser.add_argument("--customer", required=True, help="user name")
        parser.add_argument("--public", action="store_true", help="make the campaign public")

    def handle(self, *args: Any, **options: Any) -> None:
        """Place the order."""
        try:
            customer = User.objects.get(username=options["customer"])
            area = self.area(options)
            sources.require(catalog_address(options["catalog"]))
            with transaction.atomic():
                campaign = campaign_of(
                    options["catalog"],
                    self.settings(options),
                    customer,
                    name=options["campaign_name"],
                    is_public=options["public"],
                )
                order = place(customer, campaign, area)
        except User.DoesNotExist as error:
            raise CommandError(
                f"There is no customer named {options['customer']!r}.", returncode=2
            ) from error
        except EarthquiltError as error:
            raise CommandError(str(error), returncode=2 if isinstance(error, UsageError) else 1) from error
        self.stdout.write(f"order {order.pk}\ncampaign {campaign.slug}\ntiles {' '.join(area.tiles)}")

    def settings(self, options: dict[str, Any]) -> CampaignSettings:
        """The settings of the campaign."""
        return CampaignSettings(
            start=parse_date(options["start"], "start"),
            end=parse_date(options["end"], "end"),
            max_cloud=options["max_cloud"],
            resolution=options["resolution"],
            level=options["level"],
        )

    def area(self, options: dict[str, Any]) -> Area:
        """The area that is ordered."""
        if options["tile"]:
            return Area.of_tiles(options["tile"])
        try:
            content = options["aoi"].read_bytes()
        except OSError as error:
            raise UsageError(f"{options['aoi']} cannot be read: {error.strerror}.", "aoi") from error
        return Area.of_outline(read_aoi(content))
