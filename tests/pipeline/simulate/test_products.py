import hashlib
import json
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
import shapely.geometry

from pipeline.catalog.safe import read_safe
from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.raster import decode
from pipeline.simulate import simulate

RESOLUTION = 600
NAMES = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}


@pytest.fixture(scope="module")
def stac(tmp_path_factory):
    return simulate(
        tmp_path_factory.mktemp("stac"), ["33TWL", "33TXL"], 3, RESOLUTION, 11, "stac", workers=1
    ).parent


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("safe"), ["33TWL"], 3, RESOLUTION, 11, "safe", workers=1)


def digests(folder):
    return {
        p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def items(folder):
    links = json.loads((folder / "catalog.json").read_text())["links"]
    return [folder / link["href"] for link in links if link["rel"] == "item"]


def test_same_seed_same_bytes_whatever_the_number_of_workers(stac, tmp_path):
    simulate(tmp_path, ["33TXL", "33TWL"][::-1], 3, RESOLUTION, 11, "stac", workers=2)
    assert digests(tmp_path) == digests(stac)


def test_nothing_but_whole_files_is_left(stac, safe):
    names = [path.name for folder in (stac, safe) for path in folder.rglob("*")]
    assert not [name for name in names if name.startswith(".") or name.endswith((".aux.xml", ".part.tif"))]


def test_both_formats_hold_the_same_digital_numbers(stac, safe):
    for path in items(stac):
        item = json.loads(path.read_text())
        if item["properties"]["grid:code"] != "MGRS-33TWL":
            continue
        product = safe / item["properties"]["s2:product_uri"]
        for name in NAMES.values():
            image = next(product.rglob(f"*_{name}_10m.jp2"))
            with rasterio.open(path.parent / f"{name}.tif") as one, rasterio.open(image) as two:
                np.testing.assert_array_equal(one.read(1), two.read(1))
                assert one.transform == two.transform and one.crs == two.crs


def test_offsets_bring_both_baselines_back_to_the_truth(stac):
    found = set()
    for path in items(stac):
        item = json.loads(path.read_text())
        properties, tile = item["properties"], item["properties"]["grid:code"][-5:]
        day = properties["datetime"][:10].replace("-", "")
        with rasterio.open(stac / "truth" / tile / f"clear_{day}.tif") as source:
            truth = decode(source.read())
        with rasterio.open(stac / "truth" / tile / f"cloud_{day}.tif") as source:
            cloud = source.read(1)
        entries = json.loads((stac / "truth" / tile / "truth.json").read_text())["scenes"]
        if next(entry for entry in entries if entry["id"] == item["id"])["hazy"]:
            continue
        for band, name in enumerate(NAMES):
            values = item["assets"][name]["raster:bands"][0]
            with rasterio.open(path.parent / item["assets"][name]["href"]) as source:
                numbers = source.read(1)
            np.testing.assert_array_equal(numbers == 0, cloud == 255)
            reflectance = numbers * values["scale"] + values["offset"]
            difference = np.median((reflectance - truth[band])[cloud == 0])
            assert abs(difference) < 0.03
        found.add((properties["s2:processing_baseline"], values["offset"]))
    assert found == {("02.14", 0), ("05.09", -0.1)}


def test_safe_metadata_says_what_the_catalog_needs(safe):
    products = sorted(safe.glob("*.SAFE"))
    assert len(products) == 3
    scenes = [read_safe(path).scene for path in products]
    assert {(s.baseline, s.assets["red"].offset) for s in scenes} == {("02.14", 0), ("05.09", -0.1)}
    for scene in scenes:
        assert (
            scene.tile == "33TWL"
            and scene.level == "L2A"
            and scene.assets["nir"].scale == pytest.approx(1e-4)
        )
        assert 20 < scene.sun_elevation < 70 and 90 < scene.sun_azimuth < 180


def test_previews_show_the_scene_on_the_preview_grid(safe, stac):
    box = Tile.parse("33TWL").preview_geobox()
    for path in [*safe.rglob("*PVI.jp2"), *stac.glob("*33TWL*/thumbnail.tif")]:
        with rasterio.open(path) as source:
            picture = source.read()
            assert source.transform == box.affine
        assert picture.shape == (3, 343, 343) and picture.dtype == np.uint8
        assert (picture > 0).mean() > 0.5 and picture.std() > 5


def test_l1c_products_have_their_own_names_and_offsets(tmp_path):
    simulate(tmp_path, ["33TWL"], 1, RESOLUTION, 11, "safe", level="L1C", workers=1)
    product = next(tmp_path.glob("*_MSIL1C_*.SAFE"))
    root = ElementTree.parse(product / "MTD_MSIL1C.xml").getroot()
    assert {node.text for node in root.iter("RADIO_ADD_OFFSET")} == {"-1000"}
    assert len(list(product.glob("GRANULE/*/IMG_DATA/*_B0?.jp2"))) == 4
    assert read_safe(product).scene.level == "L1C"


def test_the_manifest_lists_each_file_with_its_digest(safe):
    product = next(safe.glob("*.SAFE"))
    entries = ElementTree.parse(product / "manifest.safe").getroot().iter("byteStream")
    told = {e.find("fileLocation").get("href")[2:]: e.find("checksum").text for e in entries}
    files = [p for p in product.rglob("*") if p.is_file() and p.name != "manifest.safe"]
    assert told == {
        p.relative_to(product).as_posix(): hashlib.sha3_256(p.read_bytes()).hexdigest() for p in files
    }


def test_metadata_tells_the_shares_that_the_truth_has(stac):
    for path in items(stac):
        properties = json.loads(path.read_text())["properties"]
        day, tile = properties["datetime"][:10].replace("-", ""), properties["grid:code"][-5:]
        with rasterio.open(stac / "truth" / tile / f"cloud_{day}.tif") as source:
            cloud = source.read(1)
        assert properties["eo:cloud_cover"] == pytest.approx(
            100 * np.mean(cloud[cloud != 255] == 1), abs=1e-3
        )
        assert properties["s2:nodata_pixel_percentage"] == pytest.approx(
            100 * np.mean(cloud == 255), abs=1e-3
        )


def test_footprints_hold_the_part_that_was_seen(stac):
    for path in items(stac):
        item = json.loads(path.read_text())
        tile = Tile.parse(item["properties"]["grid:code"][-5:])
        area = shapely.geometry.shape(item["geometry"])
        seen = area.area / tile.footprint.area
        assert area.is_valid
        assert seen == pytest.approx(1 - item["properties"]["s2:nodata_pixel_percentage"] / 100, abs=0.02)


@pytest.mark.parametrize(
    ("tiles", "resolution", "format", "word"),
    [(["33TWL"], 7, "stac", "7 m"), (["33TWL"], 600, "zip", "zip"), (["99XXX"], 600, "stac", "99XXX")],
)
def test_arguments_that_cannot_be_used_are_refused_before_anything_is_written(
    tmp_path, tiles, resolution, format, word
):
    with pytest.raises(UsageError, match=word):
        simulate(tmp_path / "out", tiles, 2, resolution, 1, format)
    assert not (tmp_path / "out").exists()
