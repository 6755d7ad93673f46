"""Which revisions a changed tile makes possible: a look at its rings, with a constant number of queries."""

from collections.abc import Collection
from dataclasses import dataclass, field

from django.db.models import Q

from webapp.campaigns.models import Campaign, Revision, hash_of_keys
from webapp.campaigns.queue import hint_revision
from webapp.campaigns.rings import rings_of
from webapp.campaigns.states import ACTIVE, DUE, RevisionStatus, TileStatus


@dataclass
class Known:
    """What is known of the revisions of a tile.

    Attributes:
        active: the one that waits or runs.
        failed: the inputs on which one has failed.
    """

    active: Revision | None = None
    failed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Target:
    """A tile with a composite whose revision may be due.

    Attributes:
        key: of its row.
        name: of the tile.
        inputs: of its current revision, as a hash; "" where it has none.
        near: the names of the tiles within its rings.
    """

    key: int
    name: str
    inputs: str
    near: list[str]


def look(campaign: Campaign, targets: Collection[str]) -> None:
    """Begin and queue the revisions of some tiles that their inputs ask for and allow."""
    found = composites(campaign, targets)
    near = {name for one in found for name in one.near}
    rows = campaign.tiles.filter(tile_id__in=near).values_list("tile_id", "status", "current_build_id")
    due = {name for name, status, _ in rows if status in DUE}
    builds = {name: key for name, _, key in rows if key}
    known = revisions_of(found)
    missing = []
    for one in found:
        inputs = hash_of_keys(builds[name] for name in one.near if name in builds)
        if known[one.key].active is None and inputs != one.inputs and inputs not in known[one.key].failed:
            missing.append(one.key)
    begun = Revision.begin_all(campaign, missing)
    active = ((one, begun.get(one.key) or known[one.key].active) for one in found)
    queue([revision for one, revision in active if revision is not None and due.isdisjoint(one.near)])


def inputs_of(campaign: Campaign, name: str) -> dict[int, int] | None:
    """The builds that a revision of a tile is made from, as keys by tiles' keys; None while a tile is due."""
    near = rings_of([name])[name]
    rows = campaign.tiles.filter(tile_id__in=near).order_by("tile_id")
    found = list(rows.values_list("pk", "status", "current_build_id"))
    if any(status in DUE for _, status, _ in found):
        return None
    return {key: build for key, _, build in found if build}


def composites(campaign: Campaign, names: Collection[str]) -> list[Target]:
    """Those of some tiles that have a composite, sorted by name; one query."""
    rows = campaign.tiles.filter(tile_id__in=names, status=TileStatus.COMPOSITE).order_by("tile_id")
    told = rows.values_list("pk", "tile_id", "current_revision__inputs_hash", "tile__near")
    return [Target(key, name, inputs or "", near) for key, name, inputs, near in told]


def revisions_of(targets: Collection[Target]) -> dict[int, Known]:
    """The revisions of tiles that are at work or have failed; one query."""
    known = {one.key: Known() for one in targets}
    rows = Revision.objects.filter(campaign_tile__in=known.keys()).filter(
        Q(status__in=ACTIVE) | Q(status=RevisionStatus.FAILED)
    )
    for row in rows.only("campaign_tile_id", "status", "inputs_hash", "fence", "is_ready"):
        if row.status == RevisionStatus.FAILED:
            known[row.campaign_tile_id].failed.add(row.inputs_hash)
        else:
            known[row.campaign_tile_id].active = row
    return known


def queue(ready: Collection[Revision]) -> None:
    """Mark revisions that wait for no tile, and tell the workers of those that nobody holds."""
    keys = [one.pk for one in ready]
    if not keys:
        return
    Revision.objects.filter(pk__in=keys, is_ready=False).update(is_ready=True)
    for revision in Revision.objects.free().filter(pk__in=keys).only("pk", "fence").order_by("pk"):
        hint_revision(revision)


def reach_of(names: Collection[str]) -> set[str]:
    """Some tiles and all within their rings; one query."""
    return {other for ring in rings_of(names).values() for other in ring}
