"""Keeps a campaign's low zooms up to date: makes the chips that revisions have marked stale.

No locks: files are named by their content, and a row takes a result only where nothing has landed since the
work began (see `Chip.wanted`). A chip is made when its children are; of two workers that make two children
of one chip, the second to end finds both made.
"""

from pathlib import Path

import numpy as np
from django.contrib.gis.geos import Polygon

from pipeline import pyramid
from pipeline.grid import Tile
from webapp import storage
from webapp.campaigns.models import Campaign, Chip, EditionChip, Revision
from webapp.campaigns.models.chip import brought, folder_of, name_of, store_of

# Degrees around a chip in which tiles are looked for: their outlines are cut short between points.
RIM = 0.05
PRUNE_AFTER_SECONDS = 24 * 3600


def refresh(campaign: Campaign) -> int:
    """Make all stale chips of a campaign, the highest zoom first.

    Returns:
        How many were made.

    Raises:
        SourceError: a product or a chip is missing or broken; what could be made is kept.
        StorageError: a file cannot be written.
    """
    made = 0
    for zoom in range(pyramid.BASE_ZOOM, -1, -1):
        keys = campaign.chips.filter(is_stale=True, z=zoom).order_by("x", "y").values_list("pk", flat=True)
        made += sum(_remake(campaign, key) for key in list(keys))
    return made


def _remake(campaign: Campaign, key: int) -> bool:
    """Make one chip, if it is stale still and can be made."""
    row = campaign.chips.filter(pk=key, is_stale=True).first()
    stack = row and (_base(campaign, row.chip) if row.z == pyramid.BASE_ZOOM else _above(campaign, row.chip))
    if row is None or stack is None:
        return False
    store = store_of(campaign)
    content = store.write(row.chip, stack)
    if content:
        storage.root().keep(name_of(campaign, content))
    current = campaign.chips.filter(pk=row.pk, wanted=row.wanted)
    return bool(current.update(key=content, is_stale=False))


def _base(campaign: Campaign, chip: pyramid.Chip) -> np.ndarray:
    found = [
        (tile.tile.grid, overview_of(tile.current_revision))
        for tile in campaign.tiles.filter(
            current_revision__isnull=False, tile__footprint__bboverlaps=_around(chip)
        )
        .select_related("tile", "campaign", "current_revision__build")
        .order_by("tile_id")
        if chip in pyramid.chips_of(tile.tile.grid)
    ]
    return pyramid.merged(chip, found)


def _around(chip: pyramid.Chip) -> Polygon:
    """A box in longitude and latitude around a chip."""
    west, south, east, north = pyramid.lonlat_box(*chip)
    return Polygon.from_bbox((west - RIM, south - RIM, east + RIM, north + RIM))


def _above(campaign: Campaign, chip: pyramid.Chip) -> np.ndarray | None:
    """Give a chip from its children, None while one of them is stale."""
    left, top = chip.children[0].x, chip.children[0].y
    rows = campaign.chips.filter(z=chip.z + 1, x__in=(left, left + 1), y__in=(top, top + 1))
    children = {row.chip: row for row in rows}
    if any(row.is_stale for row in children.values()):
        return None
    keys = [children[child].key if child in children else "" for child in chip.children]
    return pyramid.parent_of([brought(campaign, key).read(key) for key in keys])


def overview_of(revision: Revision) -> Path:
    """The overview of a revision, made where it is missing."""
    if not revision.has(pyramid.NAME):
        build = revision.build.bring("provenance.tif", "fill_provenance.tif")
        with storage.working(revision.folder) as place:
            pyramid.write_overview(Tile.parse(revision.tile_name), place, build)
    return revision.bring(pyramid.NAME) / pyramid.NAME


def mark_all(campaign: Campaign) -> None:
    """Mark all chips of a campaign as stale, as if every revision had just landed."""
    for tile in campaign.tiles.filter(current_revision__isnull=False).select_related("tile"):
        Chip.mark(tile, tile.current_revision)


def prune(campaign: Campaign) -> int:
    """Remove the files of chips that neither the campaign nor an edition names, after a day.

    Returns:
        How many were removed.
    """
    keys = set(campaign.chips.values_list("key", flat=True))
    keys.update(EditionChip.objects.filter(edition__campaign=campaign).values_list("key", flat=True))
    wanted = {store_of(campaign).name(key) for key in keys if key}
    return storage.root().age_out(folder_of(campaign), wanted, PRUNE_AFTER_SECONDS)
