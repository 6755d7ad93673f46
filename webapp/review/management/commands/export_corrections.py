"""`manage.py export_corrections`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.campaigns.models import Campaign
from webapp.review.corrections import export


class Command(BaseCommand):
    """Write reviewers' corrections as training labels."""

    help = (
        "Write reviewers' corrections of the landcover as training labels for `train --data corrections=DIR`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Folder and campaign."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--campaign", metavar="SLUG", help="only this one's")

    def handle(self, *args: Any, **options: Any) -> None:
        """Export, and say how many files there are."""
        slug = options["campaign"]
        campaign = Campaign.objects.filter(slug=slug).first() if slug else None
        if slug and campaign is None:
            raise CommandError(f"There is no campaign {slug}.")
        found = export(options["folder"], campaign)
        self.stdout.write(f"{len(found)} files of corrections are in {options['folder']}.")
