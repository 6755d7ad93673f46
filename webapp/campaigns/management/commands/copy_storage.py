"""`manage.py copy_storage FOLDER`: bring the products of a folder into the storage that the settings name."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import EarthquiltError
from pipeline.store import copy_into
from webapp import storage


class Command(BaseCommand):
    """Copy what is not there yet."""

    help = "Copies all products of a folder into the bucket of STORAGE_URL; run again, it goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from."""
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="what STORAGE_URL was before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Copy, with a line for each unit and file."""
        if settings.STORAGE_BUCKET is None:
            raise CommandError("STORAGE_URL names no bucket: set it to s3://BUCKET/PREFIX.", returncode=2)
        try:
            moved = copy_into(storage.root(), options["folder"], self.stdout.write)
        except EarthquiltError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{moved.units} units and {moved.files} files copied ({moved.bytes / 2**20:.1f} MiB), "
            f"{moved.there} were there"
        )
