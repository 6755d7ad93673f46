"""Two neighbouring tiles with a patchy landcover, at 600 m; their pixels lie on each other at 60 m."""

from datetime import date

import numpy as np
import pytest
import rasterio
from shapely.geometry import box

from pipeline.delivery.source import TileSource
from pipeline.grid import Tile

RESOLUTION = 600
WEST, EAST = "33TWL", "33TXL"


def write(path, name, bands, nodata, resolution=RESOLUTION):
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "dtype": bands.dtype.name, "photometric": "MINISBLACK", "nodata": nodata}
    profile |= dict(zip(("count", "height", "width"), bands.shape, strict=True))
    profile |= {"crs": f"EPSG:{Tile.parse(name).epsg}", "transform": Tile.parse(name).transform(resolution)}
    with rasterio.open(path, "w", **profile) as out:
        out.write(bands)


def ground(name, seed=0, resolution=RESOLUTION):
    """Random but whole products of a tile: a value depends on the place, so that neighbours agree."""
    tile = Tile.parse(name)
    side = 109_800 // resolution
    east = (tile.left // resolution + np.arange(side))[None, :]
    north = ((tile.top // resolution) - np.arange(side))[:, None]
    mosaic = np.stack([1 + (east * 7 + north * 13 + band * 29 + seed) % 250 for band in range(4)])
    landcover = 1 + ((east // 9 + north // 7 + (east * north) % 11 // 10) % 6)
    confidence = (east + north) % 101
    return mosaic.astype(np.uint8), landcover[None].astype(np.uint8), confidence[None].astype(np.uint8)


@pytest.fixture
def make_source(tmp_path):
    def make(name, revision=1, seed=0, scenes=None, hole=False, resolution=RESOLUTION):
        folder, build = tmp_path / f"{name}-{revision}", tmp_path / f"{name}-build-{revision}"
        mosaic, landcover, confidence = ground(name, seed, resolution)
        if hole:
            mosaic[:, 60:80, 60:80], landcover[:, 60:80, 60:80], confidence[:, 60:80, 60:80] = 0, 0, 255
        write(folder / "mosaic.tif", name, mosaic, 0, resolution)
        write(folder / "landcover.tif", name, landcover, 0, resolution)
        write(folder / "confidence.tif", name, confidence, 255, resolution)
        ranks = np.ones((2, 183, 183), np.uint8)
        ranks[0, :, 90:] = 2
        ranks[0, :10] = 0
        write(build / "provenance.tif", name, ranks, 0)
        older = np.zeros((2, 183, 183), np.uint8)
        older[:, :5] = 201
        write(build / "fill_provenance.tif", name, older, 0)
        scenes = scenes or {
            1: (f"S2A_{name}_A", date(2023, 8, 3)),
            2: (f"S2B_{name}_B", date(2023, 8, 20)),
            201: (f"S2A_{name}_OLD", date(2022, 7, 1)),
        }
        return TileSource(name, revision, folder, build, scenes, "approved")

    return make


@pytest.fixture
def sources(make_source):
    return [make_source(WEST), make_source(EAST)]


@pytest.fixture
def area():
    """Over both tiles, with a slanted edge."""
    return box(15.9, 45.4, 16.6, 45.9).intersection(box(15.5, 45.0, 16.5, 45.8).buffer(0.1))
