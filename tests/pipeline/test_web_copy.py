"""Copies laid out for web maps: on the grid of map tiles, equal to the products they come from."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from pipeline.errors import SourceError
from pipeline.web_copy import (
    BLOCK,
    EQUATOR_PIXEL,
    HALF_WORLD,
    WEB_MERCATOR,
    list_of,
    native_zoom,
    path_of,
    write_web_copies,
)

SIDE = 400
PIXEL = 60


def hills(count, seed=3):
    rows, cols = np.mgrid[:SIDE, :SIDE]
    rng = np.random.default_rng(seed)
    bands = [
        120 + 60 * np.sin(rows / 23 + band) * np.cos(cols / 31) + rng.integers(-3, 4, rows.shape)
        for band in range(count)
    ]
    return np.stack(bands).astype(np.uint8)


def write(path, bands, nodata, left=500_000, crs="EPSG:32633"):
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"driver": "GTiff", "dtype": "uint8", "nodata": nodata, "photometric": "MINISBLACK"}
    transform = from_origin(left, 5_100_000, PIXEL, PIXEL)
    with rasterio.open(
        path, "w", count=len(bands), height=SIDE, width=SIDE, crs=crs, transform=transform, **options
    ) as out:
        out.write(bands)


@pytest.fixture
def revision(tmp_path):
    mosaic = hills(4)
    mosaic[:, 150:200, 100:180] = 0
    write(tmp_path / "mosaic.tif", mosaic, 0)
    classes = (hills(1, seed=5) // 40).clip(1, 6)
    write(tmp_path / "landcover.tif", classes, 0)
    write(tmp_path / "confidence.tif", hills(1, seed=6) // 3, 255)
    return tmp_path


def test_each_block_of_a_copy_is_a_map_tile(revision):
    assert write_web_copies(revision) == ("mosaic.tif", "landcover.tif", "confidence.tif")
    for product in list_of(revision):
        with rasterio.open(path_of(revision, product)) as copy, rasterio.open(revision / product) as source:
            zoom = native_zoom(PIXEL, 45.9)
            pixel = EQUATOR_PIXEL / 2**zoom
            assert copy.crs == WEB_MERCATOR and copy.res == pytest.approx((pixel, pixel))
            assert copy.block_shapes[0] == (BLOCK, BLOCK)
            assert (copy.nodata, copy.count) == (source.nodata, source.count)
            coarsest = BLOCK * 2 ** (zoom - 9)
            left, top = (copy.transform.c + HALF_WORLD) / pixel, (HALF_WORLD - copy.transform.f) / pixel
            assert left / coarsest == pytest.approx(round(left / coarsest), abs=1e-6)
            assert top / coarsest == pytest.approx(round(top / coarsest), abs=1e-6)
            assert copy.overviews(1) == [2**step for step in range(1, zoom - 8)]


def test_a_copy_shows_what_the_product_shows(revision):
    write_web_copies(revision)
    for product, rule in (("mosaic.tif", Resampling.bilinear), ("landcover.tif", Resampling.nearest)):
        with rasterio.open(path_of(revision, product)) as copy, rasterio.open(revision / product) as source:
            found = copy.read()
            wanted = np.zeros_like(found)
            reproject(
                rasterio.band(source, list(range(1, source.count + 1))),
                wanted,
                dst_transform=copy.transform,
                dst_crs=copy.crs,
                src_nodata=0,
                dst_nodata=0,
                resampling=rule,
            )
        assert ((found == 0) == (wanted == 0)).mean() > 0.9999
        both = (found > 0) & (wanted > 0)
        assert both.any() and (found == 0).any()
        assert (np.abs(found.astype(int) - wanted)[both] <= 1).mean() > 0.999


def test_classes_stay_classes_at_all_zooms(revision):
    write_web_copies(revision)
    path = path_of(revision, "landcover.tif")
    with rasterio.open(path) as copy:
        levels = len(copy.overviews(1))
    for level in range(levels):
        with rasterio.open(path, overview_level=level) as coarse:
            assert set(np.unique(coarse.read())) <= {0, 1, 2, 3, 4, 5, 6}


def test_what_is_there_is_not_made_again(revision):
    write_web_copies(revision)
    before = path_of(revision, "mosaic.tif").stat().st_mtime_ns
    path_of(revision, "landcover.tif").unlink()
    assert len(write_web_copies(revision)) == 3
    assert path_of(revision, "mosaic.tif").stat().st_mtime_ns == before


def test_a_tile_over_the_antimeridian_gets_none(tmp_path):
    for product, nodata in (("mosaic.tif", 0), ("landcover.tif", 0), ("confidence.tif", 255)):
        write(tmp_path / product, hills(4 if product == "mosaic.tif" else 1), nodata, 720_000, "EPSG:32660")
    assert write_web_copies(tmp_path) == () and list_of(tmp_path) == ()


def test_before_all_are_made_there_is_no_list(revision):
    (revision / "confidence.tif").unlink()
    with pytest.raises(SourceError, match=r"confidence\.tif"):
        write_web_copies(revision)
    assert list_of(revision) is None
