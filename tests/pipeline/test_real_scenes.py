"""The chain on the real alpine scenes: two adjacent tiles, five dates."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from pipeline.__main__ import main
from pipeline.grid import Tile
from pipeline.raster import read_raster

TILES = ("33TWL", "33TWM")
UNCLEAR = (0, 3, 8, 9, 10)


@pytest.fixture(scope="module")
def alpine(shared_data):
    return shared_data / "alpine_33TWL_33TWM"


@pytest.fixture(scope="module")
def products(alpine, tmp_path_factory):
    out = tmp_path_factory.mktemp("alpine")
    dates = ["--start", "2023-08-01", "--end", "2023-08-31", "--max-cloud", "80", "--resolution", "60"]
    tiles = ["--tile", "33TWL", "--tile", "33TWM"]
    catalog = ["--catalog", str(alpine / "catalog.json")]
    assert main(["run", *catalog, *tiles, *dates, "--out", str(out)]) == 0
    return out


def report(products, name):
    return json.loads((products / name / "report.json").read_text())


def seen_clear_by_the_scenes_own_class_map(alpine, name):
    """Pixels of the tile that the class map of any date calls clear, on the tile's 60 m grid."""
    geobox = Tile.parse(name).geobox(60)
    seen = np.zeros(geobox.shape, bool)
    for path in alpine.glob(f"*_{name}_*/SCL.tif"):
        with (
            rasterio.open(path) as dataset,
            WarpedVRT(
                dataset,
                crs=str(geobox.crs),
                transform=geobox.affine,
                height=geobox.shape[0],
                width=geobox.shape[1],
                resampling=Resampling.nearest,
            ) as on_grid,
        ):
            seen |= ~np.isin(on_grid.read(1), UNCLEAR)
    return seen


@pytest.mark.parametrize("name", TILES)
def test_what_any_date_shows_clear_is_covered(products, alpine, name):
    clear = seen_clear_by_the_scenes_own_class_map(alpine, name)
    covered = read_raster(products / name / "provenance.tif").data[0] > 0
    assert clear.mean() > 0.98
    assert (covered & clear).sum() / clear.sum() >= 0.999


@pytest.mark.parametrize("name", TILES)
def test_two_or_three_scenes_a_tile_are_enough(products, name):
    used = chosen(products, name)
    listed = [scene for scene in used if not scene["added"]]
    assert 2 <= len(listed) <= 3
    assert not any(scene["hazy"] for scene in used)


@pytest.mark.parametrize("name", TILES)
def test_what_is_used_besides_comes_behind_the_list_and_tells_why(products, name):
    listed = [scene["rank"] for scene in chosen(products, name) if not scene["added"]]
    besides = [scene for scene in chosen(products, name) if scene["added"]]
    assert sorted(listed) == list(range(1, len(listed) + 1))
    assert all(scene["reason"].startswith(("fetched for the landcover", "adds")) for scene in besides)


def chosen(products, name):
    scenes = json.loads((products / name / "scene_list.json").read_text())["scenes"]
    return [scene for scene in scenes if scene["chosen"]]


@pytest.mark.parametrize("name", TILES)
def test_holes_are_told_and_not_hidden(products, name):
    provenance = read_raster(products / name / "provenance.tif").data
    holes = (provenance[0] == 0).mean()
    found = report(products, name)
    assert found["coverage"] == pytest.approx(1 - holes, abs=1e-9)
    assert (provenance[1][provenance[0] == 0] == 0).all()
    if holes:
        assert any("stays empty" in warning for warning in found["warnings"])


@pytest.mark.parametrize("product", ["mosaic.tif", "landcover.tif", "confidence.tif"])
def test_neighbours_agree_to_the_bit_on_their_overlap(products, product):
    south, north = (read_raster(products / name / product).data for name in TILES)
    rows = 9_780 // 60
    assert (south[:, :rows] == north[:, -rows:]).all()


def test_the_offset_is_not_applied_a_second_time(products):
    composite = read_raster(products / "33TWL" / "composite.tif").data
    blue = composite[2][composite[2] > 0]
    assert (blue <= 1).mean() < 1e-3
    assert 150 < np.percentile(blue, 1) < 500
