"""A campaign of two tiles, driven through the database by real workers, and what it has come to."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import close_old_connections, connection
from django.db.utils import Error as DatabaseError

from tests.faults.source import TILES
from webapp.campaigns.advance import advance
from webapp.campaigns.models import Build, Campaign, Event, Revision
from webapp.campaigns.rings import Neighbourhood
from webapp.campaigns.states import ACTIVE, TileStatus

SETTINGS = {
    "start": "2023-06-01",
    "end": "2023-09-30",
    "max_cloud": 90,
    "resolution": 60,
    "series": 1,
    "agree_datatakes": True,
}
# Of a build and of a revision: what is compared byte by byte.
OF_BUILD = ("composite.tif", "provenance.tif", "probabilities.tif", "scene_list.json")
OF_REVISION = ("mosaic.tif", "landcover.tif", "confidence.tif")
# Folders of a campaign beside those of its tiles.
BESIDE_TILES = ("pyramid", "exports", "comparisons")
POLL_SECONDS = 0.2


def asked(step: Callable[[], Any], seconds: float = 60) -> Any:
    """What the database answers, once it does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            close_old_connections()
            return step()
        except DatabaseError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def forget_all() -> None:
    """Remove what a run before has left in the database."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE campaigns_campaign CASCADE")


def begin(name: str, catalog: str, **settings: Any) -> Campaign:
    """A campaign whose tiles are wanted."""
    campaign = Campaign.objects.create(name=name, catalog=catalog, settings=SETTINGS | settings)
    campaign.want(list(TILES))
    advance(campaign)
    return campaign


def is_over(campaign: Campaign) -> bool:
    """Whether every tile has ended, nothing is at work, and no revision is out of date."""
    if campaign.tiles.due().exists():
        return False
    own = {"campaign_tile__campaign": campaign}
    if Build.objects.filter(status__in=ACTIVE, **own).exists():
        return False
    if Revision.objects.filter(status__in=ACTIVE, **own).exists():
        return False
    near = Neighbourhood(campaign)
    failed = Revision.objects.filter(status="failed", **own)
    given_up = set(failed.values_list("campaign_tile__tile_id", "inputs_hash"))
    return not any(
        near.is_stale(name) for name in near.tiles if (name, near.inputs_hash(name)) not in given_up
    )


def wait_for_end(campaign: Campaign, seconds: float) -> None:
    """Wait until it is over.

    Raises:
        TimeoutError: it is not, with what is at work.
    """
    deadline = time.monotonic() + seconds
    while not asked(lambda: is_over(campaign)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{campaign.slug} has not ended after {seconds:.0f} s: {told(campaign)}")
        time.sleep(POLL_SECONDS)


def told(campaign: Campaign) -> list[tuple]:
    """Where its tiles stand."""
    rows = campaign.tiles.all()
    return [
        (
            row.tile_id,
            row.status,
            row.status_text,
            list(row.builds.values_list("number", "status", "stage", "fence", "attempts", "error")),
            list(row.revisions.values_list("number", "status", "fence", "attempts", "error")),
        )
        for row in rows
    ]


def digest(path: Path) -> str:
    """The sha256 of a file, a scene list as text, or that it is missing.

    Of a scene list that counts which does not depend on a clock or on what else was chosen at the same time:
    a tile that is built again alone has another proof of the same choice.
    """
    if not path.exists():
        return "missing"
    if path.name == "scene_list.json":
        listed = json.loads(path.read_text())
        return as_json({name: value for name, value in listed.items() if name not in ("seconds", "proof")})
    return hashlib.sha256(path.read_bytes()).hexdigest()


def products(campaign: Campaign) -> dict[str, str]:
    """The sha256 of each raster and scene list that counts, by tile and name."""
    found = {}
    for row in campaign.tiles.select_related("current_build", "current_revision"):
        for names, made in ((OF_BUILD, row.current_build), (OF_REVISION, row.current_revision)):
            for name in names:
                found[f"{row.tile_id}/{name}"] = digest(made.path / name) if made else "not made"
    return found


def claims(campaign: Campaign) -> int:
    """How often a stage or a revision was begun."""
    own = {"campaign_tile__campaign": campaign}
    rows = [*Build.objects.filter(**own), *Revision.objects.filter(**own)]
    return sum(row.fence for row in rows)


def broken_rules(campaign: Campaign) -> list[str]:
    """What is so in the database and must not be, in words."""
    found = []
    for row in campaign.tiles.select_related("current_build", "current_revision"):
        if row.status != TileStatus.COMPOSITE:
            found.append(f"{row} is {row.status}: {row.status_text}")
        if row.current_build and row.current_build.status != "done":
            found.append(f"{row.current_build} is current and {row.current_build.status}")
        if row.current_revision is None or row.current_revision.status != "current":
            found.append(f"{row} has no current revision")
        for made in (*row.builds.all(), *row.revisions.all()):
            if made.lease_until is not None:
                found.append(f"{made} has ended and is leased")
            if made.status in ("done", "current", "superseded") and made.error:
                found.append(f"{made} is {made.status} with the error {made.error}")
    found += broken_history(campaign)
    return found


def broken_history(campaign: Campaign) -> list[str]:
    """Lines of the history that do not follow from those before."""
    last: dict[tuple[str, int], str] = {}
    found = []
    for event in Event.objects.filter(campaign=campaign).order_by("id"):
        key = (event.subject, event.subject_id)
        if key in last and event.before != last[key]:
            found.append(f"{event} follows {last[key]}")
        last[key] = event.after
    return found


def orphans(campaign: Campaign) -> list[str]:
    """Files below the campaign's folder that belong to no row or were never finished."""
    known = {
        made.path
        for row in campaign.tiles.all()
        for made in (*row.builds.all(), *row.revisions.all())
    }  # fmt: skip
    known |= {campaign.path / name for name in BESIDE_TILES}
    found = []
    for path in campaign.path.rglob("*"):
        if not path.is_file():
            continue
        owned = any(folder in path.parents for folder in known)
        inside = path.relative_to(campaign.path).parts
        under_way = ".part" in path.name or "source" in inside or any(one[0] == "." for one in inside[:-1])
        if not owned or under_way:
            found.append(str(path.relative_to(campaign.path)))
    return sorted(found)


def as_json(value: Any) -> str:
    return json.dumps(value, default=str)


def finished(campaign: Campaign) -> list[Path]:
    """The products that count of the tiles that have some."""
    found = []
    for row in campaign.tiles.select_related("current_build", "current_revision"):
        for names, made in ((OF_BUILD[:3], row.current_build), (OF_REVISION, row.current_revision)):
            found += [made.path / name for name in names] if made else []
    return found
