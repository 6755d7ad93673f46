import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from pipeline.__main__ import main
from pipeline.errors import SourceError, UsageError
from pipeline.grid import Tile
from pipeline.image import open_image, parse_stretch
from pipeline.raster import Raster, encode, write_raster
from pipeline.tone import default_curve

SIDE = 64
REFLECTANCE = np.random.default_rng(5).uniform(0.02, 0.5, (4, SIDE, SIDE)).astype(np.float32)
WHOLE = Window(0, 0, SIDE, SIDE)


def write(path, data, scales=None, offsets=None, names=None, tags=None, crs="EPSG:32633"):
    options = {"driver": "GTiff", "count": len(data), "height": SIDE, "width": SIDE, "dtype": data.dtype.name}
    with rasterio.open(path, "w", crs=crs, transform=from_origin(500000, 5100000, 60, 60), **options) as out:
        out.write(data)
        if scales:
            out.scales, out.offsets = (scales,) * len(data), (offsets,) * len(data)
        if names:
            out.descriptions = names
        if tags:
            out.update_tags(**tags)
    return path


def read(path, stretch=None):
    with open_image(path, stretch) as image:
        return image.read(WHOLE)


def test_untagged_16_bits_are_reflectance_times_ten_thousand(tmp_path):
    path = write(tmp_path / "a.tif", np.rint(REFLECTANCE * 10000).astype(np.uint16))
    assert np.abs(read(path) - REFLECTANCE).max() < 1e-4


def test_scale_and_offset_come_from_the_band_tags(tmp_path):
    counts = np.rint((REFLECTANCE + 0.1) * 10000).astype(np.uint16)
    assert np.abs(read(write(tmp_path / "a.tif", counts, 1e-4, -0.1)) - REFLECTANCE).max() < 1e-4


def test_our_own_composites_come_back_as_they_were(tmp_path):
    geobox = Tile.parse("33TWL").geobox(1200)[:SIDE, :SIDE]
    stored = encode(REFLECTANCE)
    stored[:, 3, 4] = 0
    write_raster(tmp_path / "composite.tif", Raster(stored, geobox), nodata=0, reflectance=True)
    back = read(tmp_path / "composite.tif")
    assert np.isnan(back[:, 3, 4]).all()
    assert np.nanmax(np.abs(back - REFLECTANCE)) < 1e-4


def test_8_bits_come_back_by_their_tone_table_or_a_stretch(tmp_path):
    tone = default_curve()
    toned = tone.apply(encode(REFLECTANCE))
    path = write(tmp_path / "toned.tif", toned, tags=tone.tags())
    assert np.abs(read(path) - REFLECTANCE).max() < 0.01
    stretched = (1 + np.rint(REFLECTANCE / 0.5 * 254)).astype(np.uint8)
    path = write(tmp_path / "stretched.tif", stretched)
    assert np.abs(read(path, (0.0, 0.5)) - REFLECTANCE).max() < 0.002
    with pytest.raises(UsageError, match="--stretch LO,HI"):
        read(path)


def test_bands_are_found_by_their_names(tmp_path):
    counts = np.rint(REFLECTANCE * 10000).astype(np.uint16)
    path = write(tmp_path / "a.tif", counts[[2, 1, 0, 3]], names=("B02", "B03", "B04", "B08"))
    assert np.abs(read(path) - REFLECTANCE).max() < 1e-4


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(UsageError, match="near infrared"):
        read(write(tmp_path / "rgb.tif", np.ones((3, SIDE, SIDE), np.uint16)))
    with pytest.raises(SourceError, match="no coordinate system"):
        read(write(tmp_path / "bare.tif", np.ones((4, SIDE, SIDE), np.uint16), crs=None))
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "missing.tif")


@pytest.mark.parametrize("text", ["", "1", "a,b", "0.5,0.1"])
def test_a_stretch_that_is_none_is_refused(text):
    with pytest.raises(UsageError):
        parse_stretch(text)


def test_any_image_is_masked_and_classified_from_the_command_line(tmp_path, capsys):
    water = np.full((4, SIDE, SIDE), [[[350]], [[450]], [[550]], [[150]]], np.uint16)
    path = write(tmp_path / "lake.tif", water)
    assert main(["cloud-mask", str(path), "--out", str(tmp_path / "mask.tif")]) == 0
    with rasterio.open(tmp_path / "mask.tif") as mask:
        assert mask.shape == (SIDE, SIDE) and (mask.read(1) == 0).mean() > 0.5
    sure = ["--confidence", str(tmp_path / "sure.tif")]
    assert main(["classify", str(path), str(path), "--out", str(tmp_path / "map.tif"), *sure]) == 0
    with rasterio.open(tmp_path / "map.tif") as classes, rasterio.open(tmp_path / "sure.tif") as confidence:
        assert (classes.read(1) == 1).mean() > 0.9
        assert classes.colormap(1)[1][:3] == (0x3A, 0x7B, 0xD5)
        assert 0 < confidence.read(1).mean() <= 100


def test_images_of_two_grids_are_not_fused(tmp_path, capsys):
    first = write(tmp_path / "a.tif", np.ones((4, SIDE, SIDE), np.uint16))
    geobox = Tile.parse("33TWL").geobox(1200)
    write_raster(tmp_path / "b.tif", Raster(np.ones((4, *geobox.shape), np.uint16), geobox))
    assert main(["classify", str(first), str(tmp_path / "b.tif"), "--out", str(tmp_path / "m.tif")]) == 2
    assert "does not lie on the grid" in capsys.readouterr().err
