"""A simulated campaign for `script/bench low-zooms`: rows of many tiles, overviews of each, mosaics of two.

Overviews of equal size are one file under several names: what is measured is where pixels are found, merged,
read and encoded, and those need not differ.
"""

import os
from pathlib import Path

import numpy as np
from django.db import transaction
from rasterio.enums import Resampling
from shapely import box

from pipeline.grid import Tile, tiles_of
from pipeline.landcover.classes import COLORMAP
from pipeline.pyramid import NAME
from pipeline.pyramid.chips import Span, span_of
from pipeline.pyramid.overview import write_stack
from pipeline.raster import Raster, write_raster
from webapp.campaigns.models import Build, Campaign, CampaignTile, Chip, GridTile, Revision

AREA = box(-30, -38, 180, 38)
FINE = ("33NWA", "33NXA")
RESOLUTION = 10
SETTINGS = {"start": "2023-01-01", "end": "2023-12-31", "resolution": RESOLUTION}
SLUG = "twenty-thousand"


def make(tiles: int) -> Campaign:
    """Make rows and rasters as they are when the last revision has landed, the pyramid still to be made."""
    names = [tile.name for tile in tiles_of(AREA)]
    chosen = sorted({*FINE, *names[: tiles - len(FINE)]})
    campaign = Campaign.objects.create(
        name=SLUG, slug=SLUG, catalog="/none", is_public=True, settings=SETTINGS
    )
    rows = _rows(campaign, [Tile.parse(name) for name in chosen])
    overviews = Overviews(campaign.path / "overviews")
    for row in rows:
        overviews.give(row)
        Chip.mark(row, row.current_revision)
    for row in rows:
        if row.tile_id in FINE:
            write_fine(row)
    return campaign


@transaction.atomic
def _rows(campaign: Campaign, tiles: list[Tile]) -> list[CampaignTile]:
    GridTile.ensure(tiles)
    made = CampaignTile.objects.bulk_create(
        CampaignTile(campaign=campaign, tile_id=tile.name) for tile in tiles
    )
    folder, first = f"{SLUG}/{{}}/{{}}/1", {"number": 1}
    builds = Build.objects.bulk_create(
        Build(
            folder=folder.format(row.tile_id, "builds"),
            campaign_tile=row,
            status="done",
            stage="done",
            **first,
        )
        for row in made
    )
    revisions = Revision.objects.bulk_create(
        Revision(
            folder=folder.format(row.tile_id, "revisions"),
            campaign_tile=row,
            status="current",
            build=build,
            **first,
        )
        for row, build in zip(made, builds, strict=True)
    )
    for row, build, revision in zip(made, builds, revisions, strict=True):
        row.status, row.current_build, row.current_revision = "composite", build, revision
    CampaignTile.objects.bulk_update(made, ["status", "current_build", "current_revision"], batch_size=1000)
    return made


class Overviews:
    """Overviews by their size, made once and linked to each tile of that size."""

    def __init__(self, folder: Path):
        self.folder = folder

    def give(self, row: CampaignTile) -> None:
        span = span_of(Tile.parse(row.tile_id))
        first = self.folder / f"{span.rows}-{span.cols}.tif"
        if not first.exists():
            stack = ground(span.rows, span.cols, seed=span.rows * 1000 + span.cols)
            write_stack(first, stack, Span(0, 0, span.cols, span.rows).geobox)
        path = row.current_revision.path / NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(first, path)


def ground(rows: int, cols: int, seed: int) -> np.ndarray:
    """Seven bands of hills with a little noise, patches of classes and ranks; uint8, all with data."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :cols]
    hills = 110 + 40 * np.sin(x / 17 + seed) * np.cos(y / 23) + 20 * np.sin((x + y) / 5)
    bands = [hills + 10 * band + rng.integers(-1, 2, (rows, cols)) for band in range(4)]
    patches = (np.sin(x / 9 + seed) + np.cos(y / 7) + 2).astype(int)
    return np.stack([*bands, 1 + patches, 60 + hills / 8, 1 + patches % 3]).astype(np.uint8)


def write_fine(row: CampaignTile) -> None:
    """Write mosaic and landcover at full size, 10,980 x 10,980, as the pipeline does."""
    geobox = Tile.parse(row.tile_id).geobox(RESOLUTION)
    rows, cols = geobox.shape.yx
    folder = row.current_revision.path
    if (folder / "landcover.tif").exists():
        return
    stack = np.empty((7, rows, cols), np.uint8)
    for top in range(0, rows, 1098):
        stack[:, top : top + 1098] = ground(1098, cols, seed=top)
    write_raster(folder / "mosaic.tif", Raster(stack[:4], geobox), nodata=0, cog=True, picture=True)
    options = {"nodata": 0, "cog": True, "overviews": Resampling.mode, "colormap": COLORMAP}
    write_raster(folder / "landcover.tif", Raster(stack[4:5], geobox), **options)
