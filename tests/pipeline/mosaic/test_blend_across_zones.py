from datetime import date

import numpy as np
import pytest
from pyproj import Transformer

from pipeline.contributor import Prepare, contributors, pixel_centres
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic import blend
from pipeline.ramps import Ramps
from pipeline.raster import Raster, decode, encode, read_raster, write_raster
from pipeline.settings import CampaignSettings

RESOLUTION = 300


@pytest.fixture(scope="module")
def settings():
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", RESOLUTION)
    return coarse


def write_build(folder, tile, factor):
    """A composite of ground that depends on longitude and latitude alone, with waves of some pixels."""
    geobox = tile.geobox(RESOLUTION)
    longitude, latitude = Transformer.from_crs(tile.epsg, 4326, always_xy=True).transform(
        *pixel_centres(geobox)
    )
    wave = 1 + 0.3 * np.sin(longitude * 20) * np.cos(latitude * 25)
    wave += 0.05 * np.sin(longitude * 400) * np.cos(latitude * 500)
    wave += 0.05 * np.sin(longitude * 310 + latitude * 420)
    stored = encode(np.array([0.06, 0.07, 0.05, 0.3])[:, None, None] * wave * factor)
    write_raster(folder / "composite.tif", Raster(stored, geobox), nodata=0)
    write_raster(folder / "provenance.tif", Raster(np.ones((2, *geobox.shape), np.uint8), geobox))
    sums = CellSums(geobox)
    sums.add(decode(stored), np.ones(geobox.shape, bool), geobox)
    sums.cells().save(folder / "balance.npz")


@pytest.fixture(scope="module")
def pair(tmp_path_factory, settings):
    """Two tiles on the two sides of 18 E, one brighter than the other, each with its mosaic."""
    folder = tmp_path_factory.mktemp("zones")
    west = Tile.parse("33TXM")
    east = max(
        (other for other in west.neighbours() if other.zone == 34),
        key=lambda other: west.overlap_geometry(other).area,
    )
    builds = {tile.name: folder / tile.name for tile in (west, east)}
    for tile, factor in ((west, 1.0), (east, 1.1)):
        write_build(builds[tile.name], tile, factor)
    reports = {tile.name: blend(tile, builds, settings, folder / "r" / tile.name) for tile in (west, east)}
    return folder, west, east, reports


LEVELS = Prepare(lambda stored: (stored != 0).all(axis=0), lambda stored, window: stored.astype(np.float64))


def test_both_sides_show_the_same_within_resampling(pair):
    folder, west, east, _ = pair
    here = read_raster(folder / "r" / west.name / "mosaic.tif")
    paths = {east.name: folder / "r" / east.name / "mosaic.tif"}
    with contributors(paths, {east.name: LEVELS}, Ramps(edge=3_000.0, hole=300.0)) as (source,):
        part = source.part(here.geobox)
    both = part.weight == 1
    both[:10] = both[-10:] = both[:, :10] = both[:, -10:] = False
    difference = np.abs(part.values[:, both] - here.data[:, both])
    assert both.sum() > 5_000
    assert difference.max() <= 2 and difference.mean() < 0.6


def test_both_sides_use_the_same_corrections(pair):
    _, west, east, reports = pair
    assert reports[west.name]["balance"] == reports[east.name]["balance"]
    found = [reports[west.name]["balance"][tile.name] for tile in (west, east)]
    nir = [np.array(one["gain"][3]) + np.array(one["offset"][3]) / 0.3 for one in found]
    assert nir[0].max() > 1.03 and nir[1].min() < 0.97


def test_no_seam_is_seen_at_the_zone_edge(pair):
    for report in pair[3].values():
        assert 0.95 <= report["seam_score_tiles"] <= 1.05 and report["seam_pairs"] > 300
