"""The queue of `script/bench review-desk`: one simulated tile of real size, waiting in many campaigns.

Each campaign has folders of its own, whose files are links to the same ones: what is measured is how soon a
tile is found, read, drawn and shown, and two of them share no address, no open file and no map tile. Runs in
`.venv`: `python -m script.lib.bench.review_desk_campaign FOLDER RESOLUTION COUNT`; its last line is JSON.
"""

import json
import os
import secrets
import sys
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402

from pipeline.again import link  # noqa: E402
from pipeline.grid import SIZE, Tile  # noqa: E402
from script.lib.bench.inputs import TILE, simulated  # noqa: E402
from script.lib.bench.map_tiles_campaign import current_revision, write_products  # noqa: E402
from webapp.accounts.models import User  # noqa: E402
from webapp.campaigns.models import Campaign, GridTile, Revision  # noqa: E402
from webapp.campaigns.spots import spots_told  # noqa: E402

SEED = 8101
NAME = "reviewer"
SEAMS = (1.0, 0.004)


def main(folder: str, resolution: int, count: int) -> None:
    """Make the rows anew, and the rasters where they are not there."""
    call_command("migrate", verbosity=0)
    Campaign.objects.all().delete()
    User.objects.filter(username=NAME).delete()
    password = secrets.token_urlsafe(12)
    reviewer = User.objects.create_user(NAME, password=password)
    reviewer.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    GridTile.ensure([Tile.parse(TILE)])
    rows = [waiting(number, resolution) for number in range(count)]
    first = rows[0]
    if not (first.path / "mosaic.tif").exists():
        truth = simulated(Path(folder), resolution, 1, SEED).truth
        write_products(truth, Tile.parse(TILE), first, first.build, resolution)
    told = spots_told(first)
    for number, row in enumerate(rows):
        for source, target in ((first.path, row.path), (first.build.path, row.build.path)):
            for path in source.glob("*.tif"):
                link(path, target / path.name)
        report = {"seam_score": SEAMS[0] + SEAMS[1] * (count - number), "coverage": 0.999} | told
        Revision.objects.filter(pk=row.pk).update(report=report | {"residual_cloud": 0.002})
    place = {"build": first.build_id, "name": NAME, "password": password, "pixels": SIZE // resolution}
    print(json.dumps(place))


def waiting(number: int, resolution: int) -> Revision:
    """A tile that waits for a verdict, in a campaign of its own."""
    slug = f"desk-{resolution}-{number}"
    settings = {"start": "2023-06-01", "end": "2023-08-31", "resolution": resolution}
    campaign = Campaign.objects.create(name=slug, slug=slug, catalog="/none", settings=settings)
    _, build, revision = current_revision(campaign)
    revision.take_inputs([build])
    return revision


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
