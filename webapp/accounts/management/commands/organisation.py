"""`manage.py organisation`: make an organisation, set its quotas, say who belongs to it."""

from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify

from webapp.accounts.models import Organisation, User

UNLIMITED = "none"


def limit_of(kind: type[int] | type[float]) -> Callable[[str], int | float | None]:
    """Reads a number of a kind, or None for "none"."""

    def read(text: str) -> int | float | None:
        if text == UNLIMITED:
            return None
        try:
            return kind(text)
        except ValueError as error:
            raise ArgumentTypeError(f"{text!r} is neither a number nor {UNLIMITED!r}") from error

    return read


class Command(BaseCommand):
    """Make or change one organisation, and print it with its members."""

    help = "Makes an organisation where there is none of that name, changes what is given, and prints it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Name, quotas and members."""
        parser.add_argument("name", help="of the organisation")
        parser.add_argument("--km2", type=limit_of(float), default=SUPPRESS, help="most km2 a month, or none")
        parser.add_argument(
            "--orders", type=limit_of(int), default=SUPPRESS, help="most orders a month, or none"
        )
        parser.add_argument("--add", nargs="+", default=[], metavar="USER", help="people who join")
        parser.add_argument("--remove", nargs="+", default=[], metavar="USER", help="people who leave")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Do all that is asked, or nothing."""
        name = options["name"]
        found = Organisation.objects.filter(name=name).first()
        organisation = found or Organisation(name=name, slug=slugify(name)[:50])
        for field, word in (("quota_km2", "km2"), ("quota_orders", "orders")):
            if word in options:
                setattr(organisation, field, options[word])
        try:
            organisation.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages), returncode=2) from error
        organisation.save()
        for user in self.people(options["add"]):
            User.objects.filter(pk=user.pk).update(organisation=organisation)
        for user in self.people(options["remove"]):
            User.objects.filter(pk=user.pk, organisation=organisation).update(organisation=None)
        most = [UNLIMITED if one is None else f"{one:g}" for one in organisation.quotas]
        members = " ".join(organisation.members.order_by("username").values_list("username", flat=True))
        self.stdout.write(f"{organisation.slug}\nkm2 {most[0]}\norders {most[1]}\nmembers {members}")

    def people(self, names: list[str]) -> list[User]:
        """The people of these names."""
        found = {user.username: user for user in User.objects.filter(username__in=names)}
        for name in names:
            if name not in found:
                raise CommandError(f"There is nobody named {name!r}.", returncode=2)
        return list(found.values())
