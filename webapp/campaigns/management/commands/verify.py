"""`manage.py verify`: are the finished products what they were?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webapp.campaigns.models import Campaign
from webapp.campaigns.soundness import damaged, mend


class Command(BaseCommand):
    """Hold the products that count against the checksums they were finished with."""

    help = "Finds products that are missing or whose bytes changed since they were finished."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which campaigns, and whether to make again what is damaged."""
        parser.add_argument("campaigns", nargs="*", metavar="CAMPAIGN", help="slugs; all where none is named")
        parser.add_argument("--mend", action="store_true", help="have what is damaged made again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify; status 1 where something is damaged and was not to be mended."""
        rows = Campaign.objects.order_by("slug")
        if options["campaigns"]:
            rows = rows.filter(slug__in=options["campaigns"])
            if missing := set(options["campaigns"]) - set(rows.values_list("slug", flat=True)):
                raise CommandError(f"There is no campaign {', '.join(sorted(missing))}.")
        found = 0
        for campaign in rows:
            for tile, made, names in damaged(campaign):
                found += 1
                told = f"{made}: {', '.join(names)}"
                self.stdout.write(mend(tile, made, names) if options["mend"] else told)
        self.stdout.write(f"{found} damaged")
        if found and not options["mend"]:
            raise CommandError("Run it with --mend to have what is damaged made again.")
