"""`manage.py sweep`: queue what is due."""

from typing import Any

from django.core.management.base import BaseCommand

from webapp.campaigns.advance import sweep


class Command(BaseCommand):
    """Queue again what is due, from the state in the database alone."""

    help = "Queues again what is due: lost hints, work of killed workers, tries that were put off."

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep once."""
        self.stdout.write(f"{sweep()} campaigns looked at")
