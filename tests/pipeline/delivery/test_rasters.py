import numpy as np
import pytest
import rasterio
from pyproj import CRS
from rasterio.features import geometry_mask, sieve
from rio_cogeo.cogeo import cog_validate
from scipy.ndimage import binary_dilation, label
from shapely.geometry import box

from pipeline.delivery import rasters
from pipeline.delivery.grid import grid_of, in_crs
from pipeline.delivery.source import SceneNumbers
from pipeline.errors import UsageError
from pipeline.landcover.classes import COLORMAP
from tests.pipeline.delivery.conftest import EAST, RESOLUTION, WEST

UTM33 = CRS.from_epsg(32633)


def written(path, name, sources, area, crs=None):
    geobox = grid_of(sources, area, crs)
    outline = in_crs(area, CRS.from_user_input(str(geobox.crs)))
    rasters.write_layer(path, rasters.LAYERS[name], sources, geobox, outline, SceneNumbers.of(sources))
    with rasterio.open(path) as dataset:
        return dataset.read(), geobox, outline


@pytest.mark.parametrize("name", list(rasters.LAYERS))
@pytest.mark.parametrize("crs", [None, CRS.from_epsg(3857), CRS.from_epsg(4326), CRS.from_epsg(3035)])
def test_every_layer_is_a_valid_cog_in_its_projection(tmp_path, sources, area, name, crs):
    path = tmp_path / "out.tif"
    found, _, _ = written(path, name, sources, area, crs)
    valid, errors, _ = cog_validate(path, strict=True, quiet=True)
    assert valid and not errors
    with rasterio.open(path) as dataset:
        assert CRS.from_wkt(dataset.crs.to_wkt()) == (crs or UTM33)
        assert dataset.nodata == rasters.LAYERS[name].nodata
        if name == "landcover":
            assert {code: dataset.colormap(1)[code] for code in COLORMAP} == COLORMAP
    assert (found != rasters.LAYERS[name].nodata).any()


@pytest.mark.parametrize("name", ["mosaic", "landcover", "confidence"])
@pytest.mark.parametrize("side", [160, 1024])
def test_in_its_own_zone_pixels_are_those_of_the_tiles_and_nothing_lies_outside(
    tmp_path, make_source, area, name, side, monkeypatch
):
    monkeypatch.setattr(rasters, "SIDE", side)
    layer = rasters.LAYERS[name]
    sources = [make_source(tile, resolution=60) for tile in (WEST, EAST)]
    found, geobox, outline = written(tmp_path / "out.tif", name, sources, area)
    inside = geometry_mask([outline], geobox.shape, geobox.affine, invert=True)
    assert (found[:, ~inside] == layer.nodata).all()
    whole = {}
    for source in sources:
        with rasterio.open(source.folder / f"{name}.tif") as dataset:
            whole[source.name] = dataset.read(), dataset.transform
    rows, cols = np.nonzero(inside)
    for row, col in list(zip(rows, cols, strict=True))[::9973]:
        x, y = geobox.affine @ (col + 0.5, row + 0.5)
        wanted = [
            data[:, int(r), int(c)]
            for data, transform in whole.values()
            for c, r in [~transform @ (x, y)]
            if 0 <= c < 1830 and 0 <= r < 1830
        ]
        assert wanted and (found[:, row, col] == wanted[0]).all()


def test_provenance_tells_scenes_by_one_number_over_all_tiles(tmp_path, sources, area):
    numbers = SceneNumbers.of(sources)
    found, _, _ = written(tmp_path / "out.tif", "provenance", sources, area)
    assert [row[0] for row in numbers.rows] == [1, 2, 3, 4, 5, 6]
    assert {row[1] for row in numbers.rows} == {WEST, EAST}
    shown = set(np.unique(found)) - {0}
    tiles = {number: tile for number, tile, *_ in numbers.rows}
    assert {tiles[number] for number in shown} == {WEST, EAST}
    assert found.dtype == np.uint16


def test_holes_that_show_an_older_date_name_its_scene(tmp_path, sources):
    numbers = SceneNumbers.of(sources)
    top = sources[0].tile.footprint
    found, _, _ = written(tmp_path / "out.tif", "provenance", sources[:1], top)
    old = next(number for number, tile, scene, _ in numbers.rows if tile == WEST and scene.endswith("OLD"))
    assert (found == old).sum() > 100


def test_sieving_keeps_no_small_patch_inside_and_no_data_stays(tmp_path, make_source):
    source = make_source(WEST, hole=True)
    area = source.tile.footprint
    geobox = grid_of([source], area, None)
    outline = in_crs(area, UTM33)
    whole, out = tmp_path / "whole.tif", tmp_path / "out.tif"
    numbers = SceneNumbers.of([source])
    rasters.write_layer(whole, rasters.LAYERS["landcover"], [source], geobox, None, numbers, cog=False)
    hectares = 5 * RESOLUTION**2 / 1e4
    rasters.sieved(whole, out, geobox, outline, hectares)
    with rasterio.open(whole) as first, rasterio.open(out) as second:
        before, after = first.read(1), second.read(1)
        assert cog_validate(out, strict=True, quiet=True)[0]
    inside = geometry_mask([outline], geobox.shape, geobox.affine, invert=True)
    assert ((before == 0) == (after == 0))[inside].all()
    assert smallest(before) == 1
    # One pass of the sieve may leave a patch whose neighbours are small as well; here it leaves none.
    assert smallest(np.where(inside, after, 0)) >= 5 or smallest_away_from(after, inside) >= 5


def test_the_sieve_is_that_of_the_whole_raster(tmp_path, make_source):
    source = make_source(WEST, hole=True)
    area = source.tile.footprint
    geobox = grid_of([source], area, None)
    whole, out = tmp_path / "whole.tif", tmp_path / "out.tif"
    numbers = SceneNumbers.of([source])
    rasters.write_layer(whole, rasters.LAYERS["landcover"], [source], geobox, None, numbers, cog=False)
    rasters.sieved(whole, out, geobox, in_crs(area, UTM33).buffer(5000), 40 * RESOLUTION**2 / 1e4)
    with rasterio.open(whole) as first, rasterio.open(out) as second:
        codes, found = first.read(1), second.read(1)
    wanted = sieve(codes, size=40, mask=codes != 0)
    assert (found == wanted).all() and (found != codes).sum() > 1000
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"whole.tif", "out.tif"}


def smallest(codes):
    sizes = [np.bincount(label(codes == code)[0].ravel())[1:].min() for code in np.unique(codes) if code]
    return min(sizes)


def smallest_away_from(codes, inside):
    """The smallest patch that the cut does not touch."""
    edge = binary_dilation(~inside)
    sizes = []
    for code in np.unique(codes[inside]):
        patches, count = label(codes == code)
        for number in range(1, count + 1):
            patch = patches == number
            if code and not (patch & edge).any():
                sizes.append(patch.sum())
    return min(sizes)


def test_an_area_beside_the_tiles_is_refused(sources):
    with pytest.raises(UsageError) as caught:
        grid_of(sources, box(0, 0, 1, 1), None)
    assert caught.value.field == "aoi"
