"""`manage.py backup FOLDER`: database and storage, copied while the application goes on."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import StorageError
from webapp.backups.backup import back_up


class Command(BaseCommand):
    """Make a backup in a new folder."""

    help = "Makes a backup of the database and the storage in a new folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to, and what."""
        parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder")
        parser.add_argument(
            "--since", type=Path, metavar="BACKUP", help="link what has not changed since that earlier backup"
        )
        parser.add_argument(
            "--database-only", action="store_true", help="leave out a storage that is kept by other means"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Back up; status 1 where it fails."""
        try:
            made = back_up(
                options["folder"], self.stdout.write, not options["database_only"], options["since"]
            )
        except StorageError as error:
            raise CommandError(str(error)) from error
        rows = sum(made["rows"].values())
        told = f"{rows} rows, {made['files']} files, {made['bytes'] / 1e6:.1f} MB"
        self.stdout.write(f"{options['folder']} is whole: {told}.")
