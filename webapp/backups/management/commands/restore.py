"""`manage.py restore FOLDER`: what `manage.py backup` made, into the database and storage of the settings."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import StorageError
from webapp.backups.restore import pending, restore, unsound


class Command(BaseCommand):
    """Restore a backup."""

    help = "Restores a backup into the database and the storage, which must be empty, and verifies them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from, and whether something may be lost."""
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="the backup")
        parser.add_argument(
            "--replace", action="store_true", help="lose what the database and the storage hold now"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore; status 1 where it fails, or where something is not as it was."""
        try:
            about = restore(options["folder"], self.stdout.write, options["replace"])
        except StorageError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored what there was at {about['made_at']}.")
        if not about["storage"]:
            self.stdout.write("The backup has no storage: see that it is as it was at that time.")
        if later := pending():
            self.stdout.write(f"Run `manage.py migrate` next: {len(later)} migrations are due.")
            return
        self.stdout.write("Holding products against their checksums")
        if found := unsound():
            raise CommandError("Damaged, see `manage.py verify --mend`: " + "; ".join(found))
