"""Hot spots that no mask told: clouds and shadows by other dates, and seams."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer

from pipeline.grid import Tile
from pipeline.raster import Raster, opened, write_raster
from pipeline.suspects import View
from pipeline.trouble import find_spots

TILE = Tile.parse("33TWL")
EAST = Tile.parse("33TXL")
RESOLUTION = 60
SIDE = 1830
SPOT = (slice(605, 649), slice(902, 946))
GROUND = np.array([90, 100, 70, 150])


def build(folder, change=None, dates=3, season=0):
    """A tile of textured ground that several dates show; `change` alters the first one's levels in place."""
    geobox = TILE.geobox(RESOLUTION)
    rng = np.random.default_rng(4)
    ground = GROUND[:, None, None] + rng.integers(-8, 9, (4, SIDE, SIDE))
    for number in range(dates):
        levels = ground + number * season + rng.integers(-2, 3, (4, SIDE, SIDE))
        if number == 0 and change:
            change(levels)
        place = folder / "scenes" / f"date-{number}"
        place.mkdir(parents=True)
        whole = np.clip(levels, 1, 255).astype(np.uint8)
        write_raster(place / "image.tif", Raster(whole, geobox), nodata=0)
        write_raster(place / "cloud.tif", Raster(np.zeros((1, SIDE, SIDE), np.uint8), geobox), nodata=255)
        if number == 0:
            write_raster(folder / "mosaic.tif", Raster(whole, geobox), nodata=0)
    ranks = np.ones((2, SIDE, SIDE), np.uint8)
    write_raster(folder / "provenance.tif", Raster(ranks, geobox))
    write_raster(
        folder / "confidence.tif", Raster(np.full((1, SIDE, SIDE), 90, np.uint8), geobox), nodata=255
    )
    scenes = [{"id": f"date-{number}", "rank": 1 if number == 0 else None} for number in range(dates)]
    (folder / "scene_list.json").write_text(json.dumps({"scenes": scenes}))
    return folder


def brighten(levels):
    levels[(slice(None), *SPOT)] += np.array([60, 58, 62, 55])[:, None, None]


def darken(levels):
    levels[(slice(None), *SPOT)] = levels[(slice(None), *SPOT)] * 0.45


def ripen(levels):
    levels[(slice(None), *SPOT)] += np.array([45, 15, 5, -30])[:, None, None]


def inside(spot):
    affine = TILE.geobox(RESOLUTION).affine
    x, y = Transformer.from_crs(4326, TILE.epsg, always_xy=True).transform(spot.lon, spot.lat)
    col, row = ~affine @ (x, y)
    return SPOT[0].start <= row <= SPOT[0].stop and SPOT[1].start <= col <= SPOT[1].stop


@pytest.mark.parametrize(("change", "kind"), [(brighten, "cloud"), (darken, "shadow")])
@pytest.mark.parametrize("dates", [2, 3])
def test_what_other_dates_show_otherwise_is_found_where_it_is(tmp_path, change, kind, dates):
    folder = build(tmp_path, change, dates, season=6)
    (spot,) = find_spots(folder, folder)
    assert spot.kind == kind and inside(spot)
    assert spot.hectares == pytest.approx(44 * 44 * 0.36, rel=0.02)


def test_a_ripening_field_and_another_season_are_neither(tmp_path):
    folder = build(tmp_path, ripen, 3, season=-25)
    assert find_spots(folder, folder) == []


def test_a_date_alone_tells_nothing_and_missing_files_neither(tmp_path):
    alone = build(tmp_path / "alone", brighten, 1)
    assert find_spots(alone, alone) == []
    gone = build(tmp_path / "gone", brighten, 2)
    (gone / "scenes" / "date-1" / "image.tif").unlink()
    assert find_spots(gone, gone) == []


def shown(folder, step, ranks):
    """Texture as strong as a step, with the step along the border of ranks."""
    geobox = TILE.geobox(RESOLUTION)
    rng = np.random.default_rng(5)
    levels = GROUND[:, None, None] + rng.integers(-8, 9, (4, SIDE, SIDE)) + step * (ranks > 1)
    write_raster(folder / "mosaic.tif", Raster(levels.astype(np.uint8), geobox), nodata=0)
    write_raster(
        folder / "provenance.tif", Raster(np.stack([ranks, np.ones_like(ranks)]).astype(np.uint8), geobox)
    )


def test_a_step_between_two_scenes_is_a_seam_and_texture_is_none(tmp_path):
    folder = build(tmp_path)
    ranks = np.ones((SIDE, SIDE), np.uint8)
    ranks[605:649, 700:] = 2
    shown(folder, 14, ranks)
    spots = find_spots(folder, folder)
    assert {spot.kind for spot in spots} == {"seam"}
    shown(folder, 2, ranks)
    assert find_spots(folder, folder) == []


def test_a_step_where_a_neighbour_begins_is_told_as_such(tmp_path):
    folder = build(tmp_path)
    ranks = np.ones((SIDE, SIDE), np.uint8)
    shown(folder, 0, ranks)
    geobox = TILE.geobox(RESOLUTION)
    begins = round((EAST.left - TILE.left) / RESOLUTION)
    levels = np.full((4, SIDE, SIDE), 90, np.uint8)
    levels[:, :, begins:] += 16
    write_raster(folder / "mosaic.tif", Raster(levels, geobox), nodata=0)
    assert find_spots(folder, folder) == []
    spots = find_spots(folder, folder, tile=TILE)
    assert {spot.kind for spot in spots} == {"edge"}


@pytest.mark.parametrize(("resolution", "factor"), [(10, 8), (20, 4), (60, 1)])
def test_the_view_is_coarse_and_its_cells_are_whole(tmp_path, resolution, factor):
    path = tmp_path / "one.tif"
    size = 109_800 // resolution if resolution > 20 else 1830
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=1,
        dtype="uint8",
        crs=f"EPSG:{TILE.epsg}",
        transform=Affine(resolution, 0, TILE.left, 0, -resolution, TILE.top),
    ) as out:
        out.write(np.ones((1, size, size), np.uint8))
    with opened(path) as dataset:
        view = View.of(dataset, max(round(640 / resolution), 1))
    assert view.factor == factor and view.shape == (size // factor, size // factor)
    assert view.read(path).shape == (1, *view.shape)
