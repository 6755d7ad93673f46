"""The campaign of `script/bench world`: tiles of land, wanted all at once.

Runs in `.venv`: `python -m script.lib.bench.world_campaign TILES SLUG`; its last line is JSON.
"""

import json
import os
import sys
import time

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
django.setup()

import django_rq  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from pipeline.grid import Tile  # noqa: E402
from pipeline.land import existing_tiles  # noqa: E402
from webapp.campaigns.models import Campaign, GridTile  # noqa: E402
from webapp.campaigns.wanting import want_all  # noqa: E402

SETTINGS = {"start": "2023-06-01", "end": "2023-08-31"}


def main(count: int, slug: str) -> None:
    """Make it in place of all others; gives the seconds that asking for its tiles took, and one of them."""
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE campaigns_campaign CASCADE")
    django_rq.get_connection("cpu").flushdb()
    names = [one.name for one in existing_tiles().values() if one.land > 0][:count]
    began = time.monotonic()
    GridTile.ensure([Tile.parse(name) for name in names])
    known = time.monotonic()
    campaign = Campaign.objects.create(
        slug=slug, name=slug, catalog="/none", settings=SETTINGS, is_public=True
    )
    want_all(campaign, names)
    west, south, east, north = Tile.parse(names[0]).footprint.bounds
    told = {"tiles": len(names), "grid_seconds": known - began, "want_seconds": time.monotonic() - known}
    print(json.dumps(told | {"tile": names[0], "box": f"{west},{south},{east},{north}"}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
