"""`manage.py publish`: publish an edition of a campaign."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pipeline.errors import UsageError
from webapp.campaigns.models import Campaign, Edition
from webapp.campaigns.models.edition import NothingNew


class Command(BaseCommand):
    """Publish the current revisions of a campaign as its next edition."""

    help = "Publishes an edition; refused while a tile is under way or rejected."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which campaign."""
        parser.add_argument("--campaign", required=True, help="slug of the campaign")
        parser.add_argument("--if-new", action="store_true", help="no failure where nothing has changed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish."""
        campaign = Campaign.objects.filter(slug=options["campaign"]).first()
        if campaign is None:
            raise CommandError(f"There is no campaign {options['campaign']!r}.", returncode=2)
        try:
            edition = Edition.publish(campaign)
        except NothingNew as error:
            if not options["if_new"]:
                raise CommandError(str(error)) from error
            self.stdout.write(str(error))
            return
        except UsageError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{edition} is published with {edition.tiles.count()} tiles")
