import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from rasterio.features import shapes
from shapely.geometry import shape

from pipeline.delivery.vectors import write_polygons
from tests.pipeline.delivery.conftest import WEST, write


@pytest.mark.parametrize("side", [16, 50, 1024])
def test_polygons_are_the_patches_of_the_whole_raster_whatever_the_blocks(tmp_path, make_source, side):
    landcover = make_source(WEST, hole=True).folder / "landcover.tif"
    number = write_polygons(landcover, tmp_path / "out.gpkg", side)
    with rasterio.open(landcover) as dataset:
        codes = dataset.read(1)
        whole = [
            (shape(one).normalize(), int(code))
            for one, code in shapes(codes, codes != 0, transform=dataset.transform)
        ]
    meta, _, outlines, (found, names, hectares) = pyogrio.raw.read(tmp_path / "out.gpkg")
    assert number == len(found) == len(whole)
    assert "32633" in meta["crs"]
    area = {code: sum(one.area for one, other in whole if other == code) for code in range(1, 7)}
    parts = shapely.from_wkb(outlines)
    assert shapely.is_valid(parts).all()
    for code in range(1, 7):
        assert shapely.area(parts[found == code]).sum() == pytest.approx(area[code])
    assert sorted(round(one.area) for one, _ in whole) == sorted(np.round(hectares * 1e4).astype(int))
    assert set(names[found == 3]) == {"tree"}


def test_a_raster_without_data_gives_an_empty_layer(tmp_path):
    write(tmp_path / "none.tif", WEST, np.zeros((1, 183, 183), np.uint8), 0)
    assert write_polygons(tmp_path / "none.tif", tmp_path / "out.gpkg") == 0
    assert pyogrio.read_info(tmp_path / "out.gpkg")["features"] == 0
