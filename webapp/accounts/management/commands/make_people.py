"""`manage.py make_people`: one person of each role."""

import json
import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.db import transaction

from webapp.accounts.models import User
from webapp.accounts.roles import OPERATOR, ROLES


class Command(BaseCommand):
    """Make a customer, a reviewer and an operator with random passwords, and print them once."""

    help = "Makes a person of each role; those that exist keep their passwords unless --reset is given."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How to print, and whether to make new passwords."""
        parser.add_argument("--json", action="store_true", help="print one JSON object {name: password}")
        parser.add_argument("--reset", action="store_true", help="new passwords for those who exist")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Make them."""
        made = {}
        for role in ROLES:
            person, is_new = User.objects.get_or_create(username=role)
            if is_new or options["reset"]:
                made[role] = secrets.token_urlsafe(9)
                person.set_password(made[role])
                person.is_staff = person.is_superuser = role == OPERATOR
                person.save()
                person.groups.set([Group.objects.get_or_create(name=role)[0]])
        if options["json"]:
            self.stdout.write(json.dumps(made))
        else:
            for name, password in made.items():
                self.stdout.write(f"{name} {password}")
