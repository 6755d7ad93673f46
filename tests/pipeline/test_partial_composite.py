"""A composite with a scene fetched where it is needed is that with the whole scene; networks as they ship."""

import shutil
from datetime import UTC, date, datetime

import numpy as np
import pytest

from pipeline import imagery, mosaic
from pipeline.catalog.scene import Asset
from pipeline.grid import Tile
from pipeline.raster import BANDS, decode, read_raster
from pipeline.settings import CampaignSettings
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World
from pipeline.tone import load_tone
from tests.file_server import file_server
from tests.pipeline.catalog.making import scene_of, write_bands

SIDE, CORNER = 640, 150
SETTINGS = CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), resolution=60)
DAYS = {"early": date(2023, 7, 10), "late": date(2023, 7, 20)}
TONE = load_tone("default")
COG = {"resolution": 60, "driver": "COG", "compress": "deflate", "blocksize": 64, "tile": "33UVR"}


@pytest.fixture
def scenes(tmp_path, make_tiles_small):
    """Two dates served by ranges, the early one with clouds in one corner; ids are the names of the dates."""
    make_tiles_small(SIDE * 60)
    tile, world = Tile.parse("33UVR"), World(9311, "33UVR")

    def seen(day, cloud_cover):
        sky = {"cloud_cover": cloud_cover, "hazy": False, "orbit": day.day // 20, "tile": tile.name}
        return scene_arrays(world, tile.geobox(60), day, **sky).reflectance

    shown = {name: seen(day, 0) for name, day in DAYS.items()}
    corner = (slice(None), slice(0, CORNER), slice(0, CORNER))
    shown["early"][corner] = seen(DAYS["early"], 60)[corner]
    (tmp_path / "far").mkdir()
    with file_server(tmp_path / "far") as files:
        found = {}
        for name, reflectance in shown.items():
            counts = np.clip(reflectance * 10_000, 1, 20_000).round()
            paths = write_bands(files.folder / name, counts, **COG)
            moment = datetime.combine(DAYS[name], datetime.min.time(), UTC)
            scene = scene_of({}, tile.name, id=name, datetime=moment)
            scene.assets.update({band: Asset(files.at(paths[band])) for band in BANDS})
            found[name] = scene
        yield tile, found


def test_the_composite_is_that_of_whole_scenes(tmp_path, scenes):
    tile, found = scenes
    early, late = found["early"], found["late"]
    partial, whole = tmp_path / "partial", tmp_path / "whole"
    imagery.fetch(early, tile, SETTINGS, partial)
    imagery.mask(early, tile, SETTINGS, partial)
    shutil.copytree(partial, whole)
    took = imagery.fetch(late, tile, SETTINGS, partial, [early])
    assert not imagery.fetch(late, tile, SETTINGS, whole)["partial"]
    for folder in (partial, whole):
        imagery.mask(late, tile, SETTINGS, folder)
        mosaic.compose([early, late], tile, SETTINGS, folder)
    pictures = [read_raster(folder / "composite.tif").data for folder in (partial, whole)]
    ranks = [read_raster(folder / "provenance.tif").data[0] for folder in (partial, whole)]
    masks = [read_raster(folder / "scenes/late/cloud.tif").data[0] for folder in (partial, whole)]
    levels = [TONE.apply(picture).astype(int) for picture in pictures]
    off = np.abs(levels[0] - levels[1]).max(axis=0)
    late_in_both = (ranks[0] == 2) & (ranks[1] == 2)
    assert 0.2 < took["share"] < 0.5 and (ranks[1] == 2).mean() > 0.03
    # The mask does not depend on the blocks that came; edge and correction do, as they go by what is known.
    assert np.array_equal(masks[0][ranks[1] == 2], masks[1][ranks[1] == 2])
    assert ranks[0].all() and ranks[1].all() and (ranks[0] != ranks[1]).mean() < 0.001
    assert (off > 1).mean() < 1e-4 and np.percentile(off[late_in_both], 99.9) <= 1
    gap = np.abs(decode(pictures[0]) - decode(pictures[1])) / decode(pictures[1])
    assert np.median(gap[:, late_in_both], axis=1).max() < 0.005
