"""The campaign of `script/bench map-tiles`: one tile of simulated ground at 10 m, published and laid out.

Runs in `.venv`: `python -m script.lib.bench.map_tiles_campaign FOLDER [METRES]`; its last line is JSON.
"""

import json
import os
import random
import sys
from pathlib import Path

import django
import numpy as np
from rasterio.enums import Resampling
from rasterio.warp import transform

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
django.setup()

from django.core.management import call_command  # noqa: E402

from pipeline.grid import Tile  # noqa: E402
from pipeline.landcover.classes import COLORMAP  # noqa: E402
from pipeline.raster import opened, picture_writer, raster_writer, windows  # noqa: E402
from pipeline.tone import load_tone  # noqa: E402
from pipeline.web_copy import path_of  # noqa: E402
from script.lib.bench.inputs import TILE, simulated  # noqa: E402
from script.lib.map_tiles import map_tile_at  # noqa: E402
from webapp.campaigns import web_copies  # noqa: E402
from webapp.campaigns.models import (  # noqa: E402
    Build,
    Campaign,
    CampaignTile,
    Chip,
    Edition,
    GridTile,
    Revision,
)

SLUG = "map-tiles"
SEED = 8101
RESOLUTION = 10
COUNT, LOWEST, HIGHEST = 200, 8, 14
INSIDE = 0.02
BLOCK = 1024


def main(folder: str, resolution: str = str(RESOLUTION)) -> None:
    call_command("migrate", verbosity=0)
    edition = Edition.objects.filter(campaign__slug=SLUG).first() or publish(Path(folder), int(resolution))
    for revision in web_copies.due(edition):
        web_copies.make(revision)
    revision = edition.tiles.get().revision
    place = {
        "tiles": random_tiles(Tile.parse(TILE)),
        "campaign": SLUG,
        "product": str(revision.path / "mosaic.tif"),
        "copy": str(path_of(revision.path, "mosaic.tif")),
    }
    print(json.dumps(place))


def publish(folder: Path, resolution: int = RESOLUTION) -> Edition:
    """Make rows and rasters of the tile, and its edition; the queue is not asked."""
    tile = Tile.parse(TILE)
    settings = {"start": "2023-06-01", "end": "2023-08-31", "resolution": resolution}
    campaign = Campaign.objects.create(
        name=SLUG, slug=SLUG, catalog="/none", is_public=True, settings=settings
    )
    GridTile.ensure([tile])
    row, build, revision = current_revision(campaign)
    write_products(simulated(folder, resolution, 1, SEED).truth, tile, revision, build, resolution)
    Chip.mark(row, revision)
    revision.take_inputs([build])
    return Edition.publish(campaign)


def current_revision(campaign: Campaign) -> tuple[CampaignTile, Build, Revision]:
    """A tile with a finished build and a current revision of it, whose files are still to be written."""
    row = CampaignTile.objects.create(campaign=campaign, tile_id=TILE)
    names = {"campaign_tile": row, "number": 1}
    folder = f"{campaign.slug}/{TILE}"
    build = Build.objects.create(folder=f"{folder}/builds/1", status="done", stage="done", **names)
    revision = Revision.objects.create(folder=f"{folder}/revisions/1", status="current", build=build, **names)
    row.status, row.current_build, row.current_revision = "composite", build, revision
    row.save()
    return row, build, revision


def write_products(
    truth: Path, tile: Tile, revision: Revision, build: Build, resolution: int = RESOLUTION
) -> None:
    """Write the true ground of the simulation as the pipeline writes its products."""
    geobox, tone = tile.geobox(resolution), load_tone("default")
    clear = next(truth.glob("clear_*.tif"))
    with opened(clear) as source, picture_writer(revision.path / "mosaic.tif", geobox, tone.tags()) as mosaic:
        for window in windows(source.shape, BLOCK):
            mosaic.write(tone.apply(source.read(window=window)), window=window)
    options = {"nodata": 0, "cog": True, "overviews": Resampling.mode, "colormap": COLORMAP}
    confident = raster_writer(revision.path / "confidence.tif", geobox, 1, "uint8", nodata=255, cog=True)
    made_of = raster_writer(build.path / "provenance.tif", geobox, 2, "uint8", nodata=0)
    with (
        opened(truth / "classes.tif") as source,
        raster_writer(revision.path / "landcover.tif", geobox, 1, "uint8", **options) as landcover,
        confident as confidence,
        made_of as provenance,
    ):
        for window in windows(source.shape, BLOCK):
            classes = source.read(window=window)
            landcover.write(classes, window=window)
            confidence.write(np.uint8(60) + classes * np.uint8(5), window=window)
            provenance.write(np.ones((2, *classes.shape[1:]), np.uint8), window=window)


def random_tiles(tile: Tile) -> list[list[int]]:
    """Distinct map tiles over the tile, as many of each zoom as there are, up to a share.

    The highest zoom, which most of any map is of, makes up the number.
    """
    rng = random.Random(SEED)
    west, south, east, north = box_of(tile)
    found: dict[tuple[int, int, int], None] = {}
    share = COUNT // (HIGHEST - LOWEST + 1)
    for zoom in range(LOWEST, HIGHEST + 1):
        here: set[tuple[int, int, int]] = set()
        wanted = share if zoom < HIGHEST else COUNT - len(found)
        for _ in range(200 * wanted):
            if len(here) == wanted:
                break
            lon, lat = rng.uniform(west + INSIDE, east - INSIDE), rng.uniform(south + INSIDE, north - INSIDE)
            here.add((zoom, *map_tile_at(lon, lat, zoom)))
        found |= dict.fromkeys(sorted(here))
    tiles = [list(each) for each in found]
    rng.shuffle(tiles)
    return tiles


def box_of(tile: Tile) -> tuple[float, float, float, float]:
    """West, south, east, north of a box in degrees inside a tile."""
    left, bottom, right, top = tile.bounds
    xs, ys = transform(
        f"EPSG:{tile.epsg}", "EPSG:4326", [left, left, right, right], [bottom, top, bottom, top]
    )
    return max(xs[:2]), max(ys[0], ys[2]), min(xs[2:]), min(ys[1], ys[3])


if __name__ == "__main__":
    main(*sys.argv[1:])
