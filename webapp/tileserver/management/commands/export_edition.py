"""`manage.py export_edition`: an edition as one PMTiles or MBTiles file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rasterio.errors import RasterioError

from pipeline.errors import EarthquiltError
from webapp.campaigns.models import Edition
from webapp.tileserver.addresses import NotHere, View
from webapp.tileserver.export import export
from webapp.tileserver.layers import LAYERS
from webapp.tileserver.render import CONTENT_TYPES


class Command(BaseCommand):
    """Write one file."""

    help = "Writes a layer of an edition as one file of map tiles, which any static host serves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, and where to."""
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        parser.add_argument("--edition", type=int, help="its number, else the newest")
        parser.add_argument("--layer", default="rgb", choices=list(LAYERS))
        parser.add_argument("--format", default="webp", choices=list(CONTENT_TYPES))
        parser.add_argument("--large", action="store_true", help="map tiles of 512 pixels")
        parser.add_argument("--out", required=True, type=Path, help="file that ends in .pmtiles or .mbtiles")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it."""
        found = (
            Edition.objects.standing().select_related("campaign").filter(campaign__slug=options["campaign"])
        )
        if options["edition"] is not None:
            found = found.filter(number=options["edition"])
        edition = found.order_by("-number").first()
        if edition is None:
            raise CommandError(f"There is no such edition of campaign {options['campaign']!r}.", returncode=2)
        view, layer = View(edition.campaign, edition), LAYERS[options["layer"]]
        try:
            count = export(view, layer, options["format"], options["out"], 2 if options["large"] else 1)
        except (EarthquiltError, NotHere, RasterioError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} map tiles in {options['out']}")
