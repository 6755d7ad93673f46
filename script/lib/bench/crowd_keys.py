"""Two keys for `script/bench crowd`; runs in `.venv` and prints them as JSON, the flooding one first."""

import json
import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
django.setup()

from webapp.accounts.models import User  # noqa: E402
from webapp.keys.models import MapKey  # noqa: E402

if __name__ == "__main__":
    owner, _ = User.objects.get_or_create(username="crowd")
    made = []
    for name, per_minute in (("flood", 600), ("other", 1_000_000)):
        _, token = MapKey.make(owner, name=name, per_minute=per_minute)
        made.append(token)
    print(json.dumps(made))
