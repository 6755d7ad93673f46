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

# What a map of 1400 x 900 pixels shows to each side, degrees, where the page begins to ask for single tiles.
VIEW_EAST, VIEW_NORTH = 7.5, 6.0
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
    shown = names[len(names) // 2]
    west, south, east, north = Tile.parse(shown).footprint.bounds
    view = (
        max(west - VIEW_EAST, -180),
        max(south - VIEW_NORTH, -90),
        min(east + VIEW_EAST, 180),
        min(north + VIEW_NORTH, 90),
    )
    told = {"tiles": len(names), "grid_seconds": known - began, "want_seconds": time.monotonic() - known}
    print(json.dumps(told | {"tile": shown, "box": ",".join(map(str, view))}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
