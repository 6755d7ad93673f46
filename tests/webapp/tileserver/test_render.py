"""Map tiles as bytes: colours, transparency, formats, no torch."""

import io
import subprocess
import sys

import morecantile
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from webapp.tileserver.layers import LAYERS, rgb
from webapp.tileserver.reader import MapTile, OpenFiles, read_point, read_tile
from webapp.tileserver.render import encode, render_tile

UPPER_LEFT = (499980, 5100000)
CENTRE = (15.7, 45.55)
PIXEL = 600
SIDE = 183


def write(path, bands, left=UPPER_LEFT[0], top=UPPER_LEFT[1], nodata=0):
    """Write (bands, rows, cols) uint8 in UTM zone 33 north at 600 m."""
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "crs": "EPSG:32633",
        "nodata": nodata,
        "photometric": "MINISBLACK",
    }
    count, height, width = bands.shape
    transform = from_origin(left, top, PIXEL, PIXEL)
    with rasterio.open(
        path, "w", count=count, height=height, width=width, transform=transform, **profile
    ) as out:
        out.write(bands)
    return str(path)


def flat(*values):
    """Make one constant value a band."""
    return np.stack([np.full((SIDE, SIDE), value, np.uint8) for value in values])


def map_tile_at(lon, lat, zoom):
    tile = morecantile.tms.get("WebMercatorQuad").tile(lon, lat, zoom)
    return MapTile(tile.z, tile.x, tile.y)


def picture(data, mode="RGBA"):
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode))


INSIDE = map_tile_at(*CENTRE, 12)


@pytest.mark.parametrize("fmt", ["png", "webp", "jpg"])
@pytest.mark.parametrize("scale", [1, 2])
def test_true_colour_shows_red_green_blue_and_not_the_near_infrared_as_mask(tmp_path, fmt, scale):
    path = write(tmp_path / "mosaic.tif", flat(200, 100, 50, 0 + 7))
    got = picture(render_tile([path], LAYERS["rgb"], INSIDE, fmt, scale))
    assert got.shape == (256 * scale, 256 * scale, 4)
    assert (got[..., 3] == 255).all()
    assert np.abs(got[..., :3].astype(int) - (200, 100, 50)).max() <= 4


def test_false_colour_puts_the_near_infrared_first(tmp_path):
    path = write(tmp_path / "mosaic.tif", flat(10, 20, 30, 240))
    got = picture(render_tile([path], LAYERS["nir"], INSIDE, "png"))
    assert (got[..., :3] == (240, 10, 20)).all()


def test_empty_ground_and_the_outside_are_transparent(tmp_path):
    bands = flat(9, 9, 9, 9)
    bands[:, :, 90:] = 0
    path = write(tmp_path / "mosaic.tif", bands)
    whole = picture(render_tile([path], LAYERS["rgb"], map_tile_at(*CENTRE, 6), "png"))
    assert set(np.unique(whole[..., 3])) == {0, 255}
    assert (whole[whole[..., 3] == 0] == 0).all()


def test_jpeg_is_white_where_there_is_nothing(tmp_path):
    path = write(tmp_path / "mosaic.tif", flat(0, 0, 0, 0))
    assert (picture(render_tile([path], LAYERS["rgb"], INSIDE, "jpg"), "RGB") == 255).all()


@pytest.mark.parametrize("fmt", ["png", "webp"])
def test_no_files_give_a_transparent_picture(fmt):
    assert (picture(render_tile([], LAYERS["rgb"], INSIDE, fmt))[..., 3] == 0).all()


@pytest.mark.parametrize("fmt", ["png", "webp"])
@pytest.mark.parametrize("zoom", [5, 8, 12, 16])
def test_classes_keep_their_exact_colours_and_are_never_mixed(tmp_path, fmt, zoom):
    rng = np.random.default_rng(7)
    path = write(tmp_path / "landcover.tif", rng.integers(0, 7, (1, SIDE, SIDE)).astype(np.uint8))
    got = picture(render_tile([path], LAYERS["landcover"], map_tile_at(*CENTRE, zoom), fmt))
    allowed = {(*rgb(entry["colour"]), 255) for entry in LAYERS["landcover"].legend} | {(0, 0, 0, 0)}
    assert {tuple(int(v) for v in pixel) for pixel in np.unique(got.reshape(-1, 4), axis=0)} <= allowed


def test_confidence_0_is_shown_and_255_is_not(tmp_path):
    bands = np.zeros((1, SIDE, SIDE), np.uint8)
    bands[:, :90] = 255
    path = write(tmp_path / "confidence.tif", bands, nodata=255)
    got = picture(render_tile([path], LAYERS["confidence"], map_tile_at(*CENTRE, 7), "png"))
    shown = got[got[..., 3] == 255]
    assert len(shown) and (shown[:, :3] == rgb(LAYERS["confidence"].legend[0]["colour"])).all()
    assert (got[..., 3] == 0).any()


def test_holes_of_the_first_file_are_filled_by_the_second(tmp_path):
    holed = flat(200, 200, 200, 200)
    holed[:, 60:120, 60:120] = 0
    first = write(tmp_path / "a.tif", holed)
    second = write(tmp_path / "b.tif", flat(40, 40, 40, 40))
    values = read_tile([first, second], LAYERS["rgb"], map_tile_at(*CENTRE, 8), 256)
    inside = values.data[0][~values.mask[0]]
    assert {40, 200} <= set(np.unique(inside))
    assert (picture(render_tile([first, second], LAYERS["rgb"], INSIDE, "png"))[..., 0] == 40).all()


def test_the_rim_of_a_file_shows_only_where_no_other_has_anything(tmp_path):
    rimmed = flat(100, 100, 100, 100)
    rimmed[:, :, -1] = 250
    first = write(tmp_path / "a.tif", rimmed)
    larger, (left, top) = np.full((4, SIDE + 40, SIDE), 100, np.uint8), UPPER_LEFT
    second = write(tmp_path / "b.tif", larger, left + 100_200, top + 20 * PIXEL)
    tile = map_tile_at(16.41, 45.55, 7)
    alone = read_tile([first], LAYERS["rgb"], tile, 256)
    assert alone.max() > 200
    both = read_tile([first, second], LAYERS["rgb"], tile, 256)
    assert set(np.unique(both.compressed())) == {100}
    assert (~both.mask).sum() > (~alone.mask).sum()


def test_files_that_do_not_reach_the_map_tile_are_left_out(tmp_path):
    far = write(tmp_path / "far.tif", flat(1, 1, 1, 1), left=700000)
    near = write(tmp_path / "near.tif", flat(80, 80, 80, 80))
    assert read_tile([far], LAYERS["rgb"], INSIDE, 256) is None
    assert (picture(render_tile([far, near], LAYERS["rgb"], INSIDE, "png"))[..., 0] == 80).all()


def test_overviews_are_read_where_the_map_is_coarser(tmp_path):
    path = write(tmp_path / "mosaic.tif", flat(100, 100, 100, 100))
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4])
    with rasterio.open(path, "r+", overview_level=1) as coarse:
        coarse.write(np.full((4, coarse.height, coarse.width), 200, np.uint8))
    fine = read_tile([path], LAYERS["rgb"], map_tile_at(*CENTRE, 9), 256)
    rough = read_tile([path], LAYERS["rgb"], map_tile_at(*CENTRE, 5), 256)
    assert set(np.unique(fine.compressed())) == {100}
    assert set(np.unique(rough.compressed())) == {200}


def test_a_tile_across_the_antimeridian_shows_on_both_sides_and_nowhere_else(tmp_path):
    path = str(tmp_path / "mosaic.tif")
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "crs": "EPSG:32760",
        "nodata": 0,
        "photometric": "MINISBLACK",
    }
    profile |= {
        "count": 4,
        "height": SIDE,
        "width": SIDE,
        "transform": from_origin(750000, 8200000, PIXEL, PIXEL),
    }
    with rasterio.open(path, "w", **profile) as out:
        out.write(flat(90, 90, 90, 90))
    for lon, data in [(179.7, True), (-179.9, True), (178.0, False), (-178.0, False), (0.1, False)]:
        values = read_tile([path], LAYERS["rgb"], map_tile_at(lon, -16.6, 11), 256)
        assert (values is not None) == data
    world = read_tile([path], LAYERS["rgb"], MapTile(3, 0, 4), 256)
    assert not world.mask[0, :, 0].all() and world.mask[0, :, 5:].all()


@pytest.mark.parametrize("tile", [(0, 0, 0), (1, 0, 0), (20, 0, 0), (20, 2**20 - 1, 2**20 - 1), (3, 7, 7)])
def test_the_ends_of_the_world_are_pictures_too(tmp_path, tile):
    path = write(tmp_path / "mosaic.tif", flat(5, 5, 5, 5))
    assert picture(render_tile([path], LAYERS["rgb"], MapTile(*tile), "png")).shape == (256, 256, 4)


def test_a_point_gives_the_values_of_the_first_file_with_data(tmp_path):
    empty = write(tmp_path / "a.tif", flat(0, 0, 0, 0))
    full = write(tmp_path / "b.tif", flat(11, 22, 33, 44))
    assert read_point([empty, full], LAYERS["rgb"], *CENTRE) == (full, (11, 22, 33))
    assert read_point([empty, full], LAYERS["rgb"], -40.0, 10.0) is None


def test_open_files_keeps_only_the_last_used_ones(tmp_path):
    files = OpenFiles(limit=2)
    paths = [write(tmp_path / f"{name}.tif", flat(1)) for name in "abc"]
    first = files.get(paths[0]).dataset
    second = files.get(paths[1]).dataset
    assert files.get(paths[0]).dataset is first
    files.get(paths[2])
    assert second.closed and not first.closed
    files.close()
    assert first.closed


def test_lossless_webp_of_categories_is_exact():
    rng = np.random.default_rng(3)
    colours = np.array([(*rgb(entry["colour"]), 255) for entry in LAYERS["landcover"].legend], np.uint8)
    drawn = colours[rng.integers(0, len(colours), (64, 64))]
    assert (picture(encode(drawn, "webp", lossless=True)) == drawn).all()


def test_serving_a_map_tile_never_loads_torch(tmp_path):
    path = write(tmp_path / "mosaic.tif", flat(1, 2, 3, 4))
    code = (
        "import sys\n"
        "from webapp.tileserver.layers import LAYERS\n"
        "from webapp.tileserver.render import render_tile\n"
        f"assert render_tile([{path!r}], LAYERS['rgb'], {tuple(INSIDE)!r} and __import__("
        f"'webapp.tileserver.reader', fromlist=['MapTile']).MapTile(*{tuple(INSIDE)!r}), 'png')\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
