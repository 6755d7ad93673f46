"""Two tiles of zone 33 and one of zone 34 that meet at 18 E, 49 N: simulated ground, own noise."""

from datetime import date

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from pipeline.blending import blend_window
from pipeline.contributor import Prepare, contributors, pixel_centres
from pipeline.mosaic.blend import toned
from pipeline.ramps import Ramps
from pipeline.raster import QUANTIFICATION, Raster, encode, filled, read_raster, write_raster
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World
from pipeline.tone import load_tone

SIZE, RESOLUTION, MARGIN = 400, 60, 90
MERIDIAN = 18.0
TONE = load_tone("default")
REFLECTANCE = Prepare(
    filled, lambda stored, window: (stored.astype(np.float64) - 1) / QUANTIFICATION, sharp=True
)
LEVELS = Prepare(
    lambda levels: (levels != 0).all(axis=0), lambda levels, window: TONE.invert(levels).astype(np.float64)
)


def grid(epsg, below):
    """A square of pixels around the meridian that begins `below` pixels south of its middle."""
    x, y = Transformer.from_crs(4326, epsg, always_xy=True).transform(MERIDIAN, 49.0)
    left, top = round(x / 60) * 60 - SIZE // 2 * RESOLUTION, round(y / 60) * 60 - below * RESOLUTION
    return GeoBox((SIZE, SIZE), Affine(RESOLUTION, 0, left, 0, -RESOLUTION, top), f"EPSG:{epsg}")


GRIDS = {"north33": grid(32633, 60 - SIZE), "south33": grid(32633, -60), "east34": grid(32634, -SIZE // 2)}


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """What each of the three tiles shows, in levels, as files."""
    folder, world = tmp_path_factory.mktemp("zone"), World(9004, "33UYR")
    sources, shown = {}, {}
    for position, (name, place) in enumerate(GRIDS.items()):
        scene = scene_arrays(world, place, date(2023, 7, 10), cloud_cover=0, hazy=False, orbit=0)
        noise = np.random.default_rng(position).normal(0, 0.001, scene.clear.shape)
        stored = encode((scene.clear * (1 + 0.003 * position) + noise).astype(np.float32))
        sources[name] = folder / f"{name}.tif"
        write_raster(sources[name], Raster(stored, place), nodata=0)
    with contributors(sources, dict.fromkeys(sources, REFLECTANCE), Ramps()) as opened:
        for name, place in GRIDS.items():
            shown[name] = folder / f"shown_{name}.tif"
            levels = toned(blend_window(place, opened, 4), TONE)
            write_raster(shown[name], Raster(levels, place), nodata=0)
    return shown, {name: read_raster(path).data for name, path in shown.items()}


def difference(versions, name, other, east):
    """Levels between two versions on one side of the meridian, the other brought to this one's pixels."""
    paths, levels = versions
    with contributors({other: paths[other]}, {other: LEVELS}, Ramps()) as (source,):
        part = source.part(GRIDS[name])
    longitude, _ = Transformer.from_crs(str(GRIDS[name].crs), 4326, always_xy=True).transform(
        *pixel_centres(GRIDS[name])
    )
    both = (part.weight > 0.9) & ((longitude > MERIDIAN) == east)
    both[:MARGIN] = both[-MARGIN:] = both[:, :MARGIN] = both[:, -MARGIN:] = False
    there = TONE.apply(encode(part.values, both)).astype(int)
    assert both.sum() > 5_000
    return np.abs(there - levels[name])[:, both]


@pytest.mark.parametrize(
    ("name", "other", "east"),
    [
        ("north33", "east34", True),
        ("south33", "east34", True),
        ("east34", "north33", False),
        ("east34", "south33", False),
    ],
)
def test_a_version_shows_the_ground_of_the_other_zone_as_that_zone_does(versions, name, other, east):
    found = difference(versions, name, other, east)
    assert np.median(found, axis=1).max() <= 1
    assert np.percentile(found, 99, axis=1).max() <= 4


@pytest.mark.parametrize("name", ["north33", "south33"])
def test_ground_brought_over_and_back_differs_by_a_level_in_the_median(versions, name):
    assert np.median(difference(versions, name, "east34", east=False), axis=1).max() <= 1


def test_the_zone_edge_leaves_no_step(versions):
    """Means 300 m on either side of the meridian differ by at most a level more than elsewhere."""
    for name in ("north33", "south33"):
        columns = versions[1][name][:, MARGIN:-MARGIN].astype(float).mean(axis=1)
        means = columns.reshape(4, -1, 300 // RESOLUTION).mean(axis=2)
        steps = np.abs(np.diff(means, axis=1))
        at = SIZE // 2 // (300 // RESOLUTION) - 1
        assert np.all(steps[:, at] <= np.median(steps, axis=1) + 1)
