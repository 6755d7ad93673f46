"""Two dates of one ground, each with noise of its own: what the blend shows where they take turns."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter

from pipeline.assessment.edges import EdgeFigures
from pipeline.blending import blend_window
from pipeline.contributor import Prepare, contributors
from pipeline.ramps import Ramps
from pipeline.raster import Raster, write_raster

RESOLUTION, ROWS, COLS, OVERLAP = 60, 1_740, 243, 163
BOTH = slice(COLS - OVERLAP, COLS)
LINE = COLS - OVERLAP // 2
MARGIN, DRAW = 120, 100
INNER, FAR = slice(MARGIN, ROWS - MARGIN), slice(60, -60)


def stored(pixels):
    return pixels.astype(np.float64)


SHARP = Prepare(lambda pixels: (pixels != 0).all(axis=0), lambda pixels, window: stored(pixels), sharp=True)
MEAN = Prepare(SHARP.valid, SHARP.values)


@pytest.fixture(scope="module", params=[0.0, 0.5, 1.0])
def dates(request, tmp_path_factory):
    """West and east on the whole grid (NaN outside), files, grids; white noise and noise of some pixels."""
    rng, folder = np.random.default_rng(3), tmp_path_factory.mktemp("dates")
    width = 2 * COLS - OVERLAP
    common = gaussian_filter(rng.normal(0, 1, (2, ROWS, width)), (0, 2, 2)) * 1_500 + 4_000
    whole = GeoBox((ROWS, width), Affine(RESOLUTION, 0, 500_000, 0, -RESOLUTION, 5_100_000), "EPSG:32633")
    seen, paths = [], {}
    for position, name in enumerate("ab"):
        noise = gaussian_filter(rng.normal(0, 1, common.shape), (0, request.param, request.param))
        first = position * (width - COLS)
        picture = np.full(common.shape, np.nan)
        own = slice(first, first + COLS)
        level = 60 * position
        picture[..., own] = np.rint((common + level + 100 * noise / noise.std())[..., own])
        place = GeoBox((ROWS, COLS), whole.affine @ Affine.translation(first, 0), whole.crs)
        paths[name] = folder / f"{name}.tif"
        write_raster(paths[name], Raster(picture[..., own].astype(np.uint16), place), nodata=0)
        seen.append(picture)
    return seen, paths, whole


def blended(dates, prepare):
    _, paths, whole = dates
    with contributors(paths, dict.fromkeys(paths, prepare), Ramps()) as sources:
        return blend_window(whole, sources, 2).values


def figures(dates, prepare):
    """Those of the line where the dates take turns, from the 1,500 rows that no other edge is near."""
    shown, (west, east) = blended(dates, prepare), dates[0]
    whose = np.broadcast_to(np.where(np.arange(shown.shape[2]) < LINE, 1, 2), shown.shape[1:]).astype(
        np.uint8
    )
    edges = EdgeFigures(RESOLUTION)
    for first in range(MARGIN, ROWS - MARGIN, DRAW):
        rows, near = slice(first - edges.apron, first + DRAW + edges.apron), slice(LINE - 30, LINE + 30)
        grounds = {1: west[:, rows, near], 2: east[:, rows, near]}
        inner = slice(edges.apron, edges.apron + DRAW), slice(10, -10)
        edges.add(shown[:, rows, near], grounds, whose[rows, near], inner)
    return edges.report()


def test_the_line_is_not_blurred(dates):
    assert figures(dates, SHARP)["blur"] >= 0.9


def test_the_mean_of_two_dates_is_blurred(dates):
    assert figures(dates, MEAN)["blur"] < 0.8


def test_the_line_stands_out_no_more_than_any_other(dates):
    found = figures(dates, SHARP)
    assert 0.95 <= found["seam_score"] <= 1.05


def test_dates_that_show_the_same_stay_as_they_are(tmp_path):
    """Far from the corners, where the smooth part of each is a mean of ground that the other has not."""
    pixels = np.random.default_rng(4).integers(1_000, 9_000, (2, 200, 2 * COLS - OVERLAP)).astype(np.uint16)
    whole = GeoBox(pixels.shape[1:], Affine(RESOLUTION, 0, 500_000, 0, -RESOLUTION, 5_100_000), "EPSG:32633")
    paths = {}
    for first, name in ((0, "a"), (COLS - OVERLAP, "b")):
        paths[name] = tmp_path / f"{name}.tif"
        place = GeoBox((200, COLS), whole.affine @ Affine.translation(first, 0), whole.crs)
        write_raster(paths[name], Raster(pixels[..., first : first + COLS], place), nodata=0)
    shown = blended((None, paths, whole), SHARP)
    np.testing.assert_allclose(shown[:, FAR], pixels[:, FAR], rtol=1e-9)


def test_the_level_changes_over_a_kilometre_and_without_a_step(dates):
    """The east is 60 brighter: 300 m either side of the line the means differ by their part of the ramp."""
    shown = blended(dates, SHARP)[:, INNER]
    west, east = (picture[:, INNER] for picture in dates[0])
    off = (shown - west)[..., BOTH].mean(axis=(0, 1))
    bright = (east - west)[..., BOTH].mean()
    middle = LINE - BOTH.start
    assert abs(off[:40].mean()) < 3 and abs(off[-40:].mean() - bright) < 3
    here, there = off[middle - 5 : middle].mean(), off[middle : middle + 5].mean()
    assert 0 < there - here < 0.6 * bright


def test_what_is_no_reflectance_is_the_plain_mean(dates):
    shown = blended(dates, MEAN)[..., BOTH]
    west, east = (picture[..., BOTH] for picture in dates[0])
    assert np.all(shown >= np.minimum(west, east) - 1e-6) and np.all(shown <= np.maximum(west, east) + 1e-6)
