"""A folder of SAFE products, Level-1C and Level-2A."""

import hashlib
from datetime import UTC, date, datetime

import numpy as np
import pytest

from pipeline.catalog import download, open_catalog, read_preview, read_scene
from pipeline.errors import SourceError, UsageError
from pipeline.grid import Tile
from tests.pipeline.catalog.making import surface
from tests.pipeline.catalog.safes import make_safe, write_manifest

AUGUST = (date(2023, 8, 1), date(2023, 8, 31))
GRID = Tile.parse("33TWL").geobox(600)


def found(folder, level="L2A", most=100):
    catalog = open_catalog(folder, level)
    return catalog.search("33TWL", *AUGUST, most), catalog.rejected


def test_the_metadata_of_a_product_become_a_scene(tmp_path):
    product = make_safe(tmp_path, surface() + 1000)
    (scene,), rejected = found(tmp_path)
    assert rejected == []
    assert scene.id == product.stem
    assert (scene.tile, scene.level, scene.baseline, scene.cloud_cover) == ("33TWL", "L2A", "05.09", 3.5)
    assert scene.datetime == datetime(2023, 8, 15, 10, 0, 0, 246000, tzinfo=UTC)
    assert scene.datatake == "GS2A_20230815T095031"
    assert (scene.sun_azimuth, scene.sun_elevation) == (152.25, 54.5)
    assert found(product)[0] == [scene]


@pytest.mark.parametrize("level", ["1C", "2A"])
def test_mixed_baselines_give_one_radiometry(tmp_path, level):
    ground = surface()
    make_safe(tmp_path / "a", ground, level=level, baseline="02.14", offset=None, day="20230805")
    make_safe(tmp_path / "b", ground + 1000, level=level, day="20230815")
    old, new = found(tmp_path, f"L{level}")[0]
    assert (old.baseline, new.baseline) == ("02.14", "05.09")
    np.testing.assert_array_equal(read_scene(old, GRID), ground + 1)
    np.testing.assert_array_equal(read_scene(new, GRID), ground + 1)


def test_each_bands_own_offset_is_applied(tmp_path):
    product = make_safe(tmp_path, surface() + 1000)
    metadata = product / "MTD_MSIL2A.xml"
    metadata.write_text(metadata.read_text().replace('band_id="7">-1000', 'band_id="7">-900'))
    (scene,), _ = found(tmp_path)
    assert scene.assets["nir"].offset == pytest.approx(-0.09)
    assert scene.assets["red"].offset == pytest.approx(-0.1)


def test_levels_are_not_mixed_and_the_reason_is_told(tmp_path):
    make_safe(tmp_path, surface(), level="1C")
    make_safe(tmp_path, surface(), level="2A")
    scenes, rejected = found(tmp_path)
    assert [scene.level for scene in scenes] == ["L2A"]
    assert len(rejected) == 1
    assert "L1C" in rejected[0][1]


def test_a_reprocessed_product_counts_once(tmp_path):
    make_safe(tmp_path, surface(), baseline="02.14", offset=None, created="20230816T155057")
    newer = make_safe(tmp_path, surface() + 1000, created="20230820T155057")
    scenes, _ = found(tmp_path)
    assert [scene.id for scene in scenes] == [newer.stem]


def test_split_granules_are_merged(tmp_path):
    north, south = surface(1), surface(2)
    north[:, 100:] = 0
    south[:, :80] = 0
    make_safe(tmp_path, north, offset=0, created="20230815T155057")
    make_safe(tmp_path, south, offset=0, minute=1, created="20230815T165057")
    (scene,), _ = found(tmp_path)
    assert len(scene.parts) == 2
    assert (read_scene(scene, GRID) > 0).all()


def test_the_preview_is_the_products_own(tmp_path):
    pvi = np.full((3, 343, 343), 128, np.uint8)
    make_safe(tmp_path, surface(), offset=0, pvi=pvi)
    (scene,), _ = found(tmp_path)
    np.testing.assert_allclose(read_preview(scene), 128 / 255 * 0.3558, rtol=1e-6)


def test_dates_tile_and_cloud_cover_choose(tmp_path):
    make_safe(tmp_path, surface(), day="20230731")
    make_safe(tmp_path, surface(), day="20230801", cloud=80)
    make_safe(tmp_path, surface(), day="20230831", cloud=81)
    make_safe(tmp_path, surface(), day="20230815", tile="33TWM")
    assert [scene.datetime.day for scene in found(tmp_path, most=80)[0]] == [1]
    assert [scene.datetime.day for scene in found(tmp_path, most=100)[0]] == [1, 31]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<PROCESSING_BASELINE>05.09</PROCESSING_BASELINE>", "", "lacks the element PROCESSING_BASELINE"),
        ("10000</BOA_QUANT", "ten</BOA_QUANT", "'ten', which is no number"),
        ("10000</BOA_QUANT", "0</BOA_QUANT", "not above 0"),
        ('band_id="7"', 'band_id="77"', "lack a number for a band"),
        ("<SPECIAL_VALUE_TEXT>NODATA", "<SPECIAL_VALUE_TEXT>OTHER", "which value means no data"),
        ("</n1:General_Info>", "", "is no product metadata"),
        ("<n1:Level", '<!DOCTYPE x [<!ENTITY a "b">]><n1:Level', "is no product metadata"),
    ],
)
def test_metadata_that_cannot_be_are_told(tmp_path, old, new, reason):
    product = make_safe(tmp_path, surface())
    metadata = product / "MTD_MSIL2A.xml"
    metadata.write_text(metadata.read_text().replace(old, new, 1))
    scenes, rejected = found(tmp_path)
    assert scenes == []
    assert rejected[0][0] == product.stem
    assert reason in rejected[0][1]


def test_a_product_of_a_new_baseline_without_offsets_is_refused(tmp_path):
    make_safe(tmp_path, surface(), offset=None)
    assert "states no radiometric offset" in found(tmp_path)[1][0][1]


def test_a_missing_image_is_told(tmp_path):
    product = make_safe(tmp_path, surface())
    next(product.rglob("*B08_10m.jp2")).unlink()
    assert "image of band B08" in found(tmp_path)[1][0][1]


@pytest.mark.parametrize("name", ["SHA3-256", "MD5"])
@pytest.mark.parametrize("band", ["B08", "B02"])
def test_an_image_that_is_not_as_the_manifest_states_is_told(tmp_path, name, band):
    product = make_safe(tmp_path, surface() + 1000)
    write_manifest(product, name)
    (scene,), rejected = found(tmp_path)
    assert rejected == [] and download(scene, tmp_path / "near") == scene
    image = next(product.rglob(f"*{band}_10m.jp2"))
    content = bytearray(image.read_bytes())
    content[len(content) // 2] ^= 4
    image.write_bytes(content)
    (scene,), rejected = found(tmp_path)
    with pytest.raises(SourceError, match=f"{scene.id} has not the checksum that its product states"):
        download(scene, tmp_path / "near")


def test_each_image_is_hashed_once(tmp_path, monkeypatch):
    write_manifest(make_safe(tmp_path, surface() + 1000))
    hashed, digest = [], hashlib.file_digest
    monkeypatch.setattr(
        hashlib, "file_digest", lambda file, name: hashed.append(file.name) or digest(file, name)
    )
    (scene,), _ = found(tmp_path)
    download(scene, tmp_path / "near")
    assert sorted(name[-11:-8] for name in hashed) == ["B02", "B03", "B04", "B08"]


def test_an_image_that_has_gone_since_it_was_listed_is_told(tmp_path):
    product = make_safe(tmp_path, surface())
    write_manifest(product)
    (scene,), _ = found(tmp_path)
    next(product.rglob("*B04_10m.jp2")).unlink()
    with pytest.raises(SourceError, match=r"red band of scene .* cannot be read: .*No such file"):
        download(scene, tmp_path / "near")


def test_products_without_checksums_are_read_and_a_broken_manifest_is_told(tmp_path):
    product = make_safe(tmp_path, surface())
    (product / "manifest.safe").write_text("<XFDU><byteStream><fileLocation href='./a'/></byteStream></XFDU>")
    (scene,), _ = found(tmp_path)
    assert {asset.checksum for asset in scene.assets.values()} == {None}
    (product / "manifest.safe").write_text("<XFDU>")
    assert "manifest.safe is no product metadata" in found(tmp_path)[1][0][1]


def test_a_granule_in_another_zone_than_its_tile_is_told(tmp_path):
    product = make_safe(tmp_path, surface())
    metadata = next(product.rglob("MTD_TL.xml"))
    metadata.write_text(metadata.read_text().replace("EPSG:32633", "EPSG:32634"))
    assert "EPSG:32634 is not that of its tile 33TWL" in found(tmp_path)[1][0][1]


def test_an_image_outside_its_tile_is_told_when_it_is_read(tmp_path):
    make_safe(tmp_path, surface(), transform=Tile.parse("33TWN").transform(600))
    (scene,), _ = found(tmp_path)
    with pytest.raises(SourceError, match="outside the tile 33TWL"):
        read_scene(scene, GRID)


def test_an_address_without_a_catalog_is_told(tmp_path):
    with pytest.raises(UsageError, match="There is no catalog at"):
        open_catalog(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="level"):
        open_catalog(tmp_path, "L3")


def test_a_search_that_cannot_be_is_told(tmp_path):
    catalog = open_catalog(tmp_path)
    with pytest.raises(UsageError, match="before the start"):
        catalog.search("33TWL", *reversed(AUGUST), 50)
    with pytest.raises(UsageError, match="99XXX"):
        catalog.search("99XXX", *AUGUST, 50)
    with pytest.raises(UsageError, match="101"):
        catalog.search("33TWL", *AUGUST, 101)
