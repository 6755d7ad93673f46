"""Campaigns with real rows and tiny real rasters, for tests of what is shown."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import rasterio
from django.db import transaction
from PIL import Image

from pipeline.grid import Tile
from webapp.campaigns.models import Build, Campaign, CampaignTile, Revision, Scene
from webapp.campaigns.rings import Neighbourhood

RESOLUTION = 600
WEST, EAST = "33TWL", "33TXL"
OLDEST_RANK = 201
IN_WEST = (15.7, 45.55)
SETTINGS = {"start": "2023-08-01", "end": "2023-08-31", "resolution": 60}


def make_campaign(slug="alps", public=True, **settings_):
    return Campaign.objects.create(
        slug=slug, name=slug.title(), catalog="/data", is_public=public, settings=SETTINGS | settings_
    )


def write(path, tile, bands, nodata):
    """Write (bands, rows, cols) uint8 on a tile's grid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    transform = Tile.parse(tile).transform(RESOLUTION)
    profile = {"driver": "GTiff", "dtype": "uint8", "photometric": "MINISBLACK", "nodata": nodata}
    profile |= {"count": count, "height": height, "width": width, "transform": transform}
    with rasterio.open(path, "w", crs=f"EPSG:{Tile.parse(tile).epsg}", **profile) as out:
        out.write(bands)


def flat(*values):
    """One constant value a band, empty in the eastern third."""
    bands = np.stack([np.full((183, 183), value, np.uint8) for value in values])
    bands[:, :, 122:] = 0
    return bands


def write_revision(folder, tile, values=(120, 130, 90, 200), landcover=3, confidence=80):
    write(Path(folder) / "mosaic.tif", tile, flat(*values), 0)
    write(Path(folder) / "landcover.tif", tile, flat(landcover), 0)
    confident = flat(confidence)
    confident[confident == 0] = 255
    write(Path(folder) / "confidence.tif", tile, confident, 255)


def write_provenance(folder, tile):
    write(Path(folder) / "provenance.tif", tile, flat(1, 1), 0)


def fill_hole(row, day="2022-07-11"):
    """Make all ground of a tile a hole that shows an older date, in its files and its reports."""
    build, revision = row.current_build, row.current_revision
    write(build.path / "provenance.tif", row.tile_id, np.zeros((2, 183, 183), np.uint8), 0)
    write(build.path / "fill_provenance.tif", row.tile_id, flat(OLDEST_RANK, 4), 0)
    scene = {"id": f"S2A_{row.tile_id}_{day.replace('-', '')}", "datetime": f"{day}T10:00:00+00:00"}
    scene |= {"rank": OLDEST_RANK, "share": 0.0042}
    fill = {"start": "2022-07-01", "end": "2022-08-31", "share": 0.0042, "scenes": [scene]}
    build.report = build.report | {"fill": fill}
    build.save()
    revision.report = revision.report | {"fill": fill}
    revision.save()
    return fill


def make_picture(build):
    """A picture of a scene list: two previews side by side."""
    path = build.path / "scene_list.png"
    previews = np.zeros((343, 700, 3), np.uint8)
    previews[:, :343], previews[:, 357:] = (90, 120, 70), (200, 205, 210)
    Image.fromarray(previews).save(path)
    return path


def make_composite(campaign, name, by=None):
    """A tile with a finished build of two scenes, one used."""
    row = campaign.want([name], by)[0]
    build = Build.begin(row)
    assert build.claim()
    candidates = [
        {"id": f"S2A_{name}_20230815", "datetime": datetime(2023, 8, 15, 10, tzinfo=UTC), "cloud_cover": 4.0,
         "clear_share": 0.97, "hazy": False, "chosen": True, "rank": 1, "reason": "covers 97.0 % alone"},
        {"id": f"S2B_{name}_20230810", "datetime": datetime(2023, 8, 10, 10, tzinfo=UTC), "cloud_cover": 55.0,
         "clear_share": 0.3, "hazy": True, "chosen": False, "reason": "hazy (0.91)"},
    ]  # fmt: skip
    Scene.record(build, candidates)
    write_provenance(build.path, name)
    with transaction.atomic():
        report = {
            "coverage": 0.9985,
            "residual_cloud": 0.002,
            "shares_fetched": {f"S2A_{name}_20230815": 0.374},
        }
        assert build.finish("done", stage="done", report=report)
    row.refresh_from_db()
    assert row.move("composite", current_build=build)
    return row


def make_revision(row, seam_score=1.08, **values):
    """The next revision of a tile with its rasters, made current."""
    revision = Revision.begin(row)
    revision.take_inputs(Neighbourhood(row.campaign).inputs(row.tile_id))
    assert revision.claim()
    write_revision(revision.path, row.tile_id, **values)
    assert revision.become_current({"coverage": 0.9985, "seam_score": seam_score, "warnings": []})
    CampaignTile.objects.filter(pk=row.pk).update(is_changed=False)
    row.refresh_from_db()
    return revision


def make_tile(campaign, name, **values) -> CampaignTile:
    """A tile with a finished build and a current revision."""
    row = make_composite(campaign, name)
    make_revision(row, **values)
    return row


def make_tiles(campaign, *names) -> list[CampaignTile]:
    """Neighbouring tiles with finished builds and revisions that know of each other."""
    rows = [make_composite(campaign, name) for name in names]
    for row in rows:
        make_revision(row)
    return rows


def make_failed(campaign, name, sentence) -> CampaignTile:
    """A tile whose build failed."""
    row = campaign.want([name])[0]
    build = Build.begin(row)
    assert build.claim()
    with transaction.atomic():
        assert build.finish("failed", error=sentence)
    row.refresh_from_db()
    assert row.move("failed", sentence, status_text=sentence)
    return row


def make_scenes(row, side=183):
    """Files of two dates of a tile's build, and its composite and probabilities."""
    build = row.current_build
    build.scenes.filter(rank__isnull=True).update(rank=2, chosen=True, hazy=False, reason="")
    for number, scene in enumerate(build.scenes.all()):
        folder = build.path / "scenes" / scene.scene_id
        write(folder / "image.tif", row.tile_id, flat(60 + 60 * number, 90, 70, 150), 0)
        mask = np.zeros((1, side, side), np.uint8)
        mask[0, 20:40, 20:40] = 1 if number else 2
        mask[:, :, 122:] = 255
        write(folder / "cloud.tif", row.tile_id, mask, 255)
        classes = np.concatenate([flat(2 + number), flat(70 + number)])
        classes[1, :, 122:] = 255
        write(folder / "classes.tif", row.tile_id, classes, 0)
    write(build.path / "probabilities.tif", row.tile_id, flat(5, 20, 204, 10, 10, 6), 0)
    write(build.path / "composite.tif", row.tile_id, flat(101, 201, 151, 251), 0)
    return build
