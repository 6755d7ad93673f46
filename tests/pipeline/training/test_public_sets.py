"""Public data sets, each in small files of its true format: names, bands, types, codes."""

import io
import re

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from rasterio.io import MemoryFile
from rasterio.transform import from_origin

from pipeline.errors import SourceError, UsageError
from pipeline.raster import BANDS
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.cloudsen12 import cloudsen12
from pipeline.training.datasets.dfc2020 import dfc2020
from pipeline.training.datasets.dynamic_world import dynamic_world
from pipeline.training.datasets.eurosat import eurosat_all_bands, has_all_bands
from pipeline.training.datasets.labels import network_table
from pipeline.training.datasets.openearthmap import WHITE, openearthmap
from pipeline.training.datasets.places import SPLITS

LEVEL_1C = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
EUROSAT = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B8A")


def tiff(data, names=(), epsg=32633, corner=(500_000, 5_000_000), pixel=10.0):
    """A GeoTIFF of bands (n, rows, cols) as bytes."""
    count, rows, cols = data.shape
    profile = {"driver": "GTiff", "count": count, "height": rows, "width": cols, "dtype": data.dtype}
    where = {"crs": f"EPSG:{epsg}", "transform": from_origin(*corner, pixel, pixel)} if epsg else {}
    with MemoryFile() as memory:
        with memory.open(**profile, **where) as dataset:
            dataset.write(data)
            if names:
                dataset.descriptions = names
        return memory.read()


def bands(names, size, digital=None):
    """uint16 bands that hold 1000 x their number (B8A counts as 9), or what is given for each."""
    numbers = [9 if name == "B8A" else int(name[1:]) for name in names]
    values = np.array([1000 * number for number in numbers] if digital is None else digital, np.uint16)
    return np.broadcast_to(values[:, None, None], (len(names), size, size)).copy()


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def whole(opener, folder, name, crop):
    """All samples that the set can give, of all splits, and the places of each split."""
    samples, places = [], {}
    for split in SPLITS:
        try:
            source = opener(folder, name, crop, split)
        except SourceError as error:
            assert "falls into the split" in str(error)
            continue
        places[split] = source.places.in_split(split)
        samples += [source.sample(np.random.default_rng(number)) for number in range(60)]
        assert source.licence
    return samples, places


def reflectance_of(samples):
    return {tuple(round(float(value), 4) for value in sample.reflectance[:, 0, 0]) for sample in samples}


R_G_B_NIR = (0.4, 0.3, 0.2, 0.8)


def tortilla(rows, magic=b"#y"):
    """A tortilla: header, contents, table. Rows are (columns, content)."""
    start, at, table = 200, 200, []
    for columns, content in rows:
        table.append({**columns, "tortilla:offset": at, "tortilla:length": len(content)})
        at += len(content)
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(table), buffer, compression="zstd")
    footer = buffer.getvalue()
    head = magic + at.to_bytes(8, "little") + len(footer).to_bytes(8, "little")
    return head.ljust(start, b"\0") + b"".join(content for _, content in rows) + footer


def sample_of(identity, kind, label, names=LEVEL_1C):
    """One patch of CloudSEN12+: 13 bands and the labels, the padding 0 and 99."""
    picture = bands(names, 12)
    picture[:, -2:], label[-2:] = 0, 99
    entries = [
        ({"tortilla:id": "s2l1c", "tortilla:file_format": "GTiff"}, tiff(picture, names)),
        ({"tortilla:id": "target", "tortilla:file_format": "GTiff"}, tiff(label[None])),
    ]
    columns = {
        "tortilla:id": identity,
        "tortilla:file_format": "TORTILLA",
        "tortilla:data_split": "train",
        "roi_id": identity.split("__")[0],
        "label_type": kind,
        "real_proj_shape": 509,
    }
    return columns, tortilla(entries)


@pytest.fixture
def clouds(tmp_path):
    """Two parts of CloudSEN12+; scribbles and unlabelled patches have other codes and must not be read."""
    codes = np.repeat(np.arange(4, dtype=np.uint8), 3)[None].repeat(12, 0)
    drawn = [sample_of(f"ROI_{number:05d}__2019", "high", codes.copy()) for number in range(30)]
    others = [
        sample_of(f"ROI_{number:05d}__2020", kind, codes * 0 + 6)
        for number, kind in ((40, "scribble"), (41, "nolabel"))
    ]
    put(tmp_path / "cloudsen12-l1c.0000.part.taco", tortilla(drawn[:15] + others, b"WX"))
    put(tmp_path / "cloudsen12-l1c.0004.part.taco", tortilla(drawn[15:], b"WX"))
    return tmp_path


def test_cloudsen12_gives_its_bands_and_labels_from_inside_the_files(clouds):
    samples, places = whole(cloudsen12, clouds, "cloud", 12)
    assert reflectance_of(samples) == {R_G_B_NIR}
    for sample in samples:
        assert sample.labels[0].tolist() == [0] * 3 + [1] * 6 + [2] * 3
        assert (sample.labels[-2:] == IGNORE).all()
        assert np.isnan(sample.reflectance[:, -2:]).all()
    names = [name for split in places.values() for name in split]
    assert sorted(names) == [f"CloudSEN12 ROI_{number:05d}" for number in range(30)]


def test_cloudsen12_is_for_the_cloud_network_alone(clouds):
    with pytest.raises(UsageError, match="'water'"):
        cloudsen12(clouds, "water", 12)


@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4 a zip of version 3", b"WX" + bytes(16), tortilla([({"a": 1}, b"x")])]
)
def test_other_files_of_that_name_are_told(tmp_path, content):
    put(tmp_path / "cloudsen12-l1c.0000.part.taco", content)
    with pytest.raises(SourceError, match="is no TACO file"):
        cloudsen12(tmp_path, "cloud", 12)


def test_bands_in_another_order_are_told(tmp_path):
    names = ("B2", "B3", "B4", "B8", *LEVEL_1C[4:])
    row = sample_of("ROI_00001__2019", "high", np.zeros((12, 12), np.uint8), names)
    rows = [({**row[0], "roi_id": f"ROI_{number}"}, row[1]) for number in range(8)]
    put(tmp_path / "cloudsen12-l1c.0000.part.taco", tortilla(rows, b"WX"))
    with pytest.raises(SourceError, match="begins with the bands B2, B3"):
        cloudsen12(tmp_path, "cloud", 12).sample(np.random.default_rng(0))


@pytest.mark.parametrize("opener", [cloudsen12, dfc2020, dynamic_world, openearthmap, eurosat_all_bands])
def test_an_empty_folder_is_told(tmp_path, opener):
    name = "cloud" if opener is cloudsen12 else "buildings"
    with pytest.raises(SourceError, match=re.escape(str(tmp_path))):
        opener(tmp_path, name, 12)


DFC_EXPECTED = {
    "water": [IGNORE, 0, 0, 0, 0, IGNORE, 0, 0, 0, 0, 1],
    "vegetation": [IGNORE, 2, IGNORE, IGNORE, 1, IGNORE, 1, 0, 0, 0, 0],
    "buildings": [IGNORE, 0, 0, 0, 0, 0, 0, IGNORE, 0, 0, 0],
}


@pytest.fixture
def fusion(tmp_path):
    """The contest's two parts, in seven zones; a column for each code of 0 to 10."""
    codes = np.arange(11, dtype=np.uint16)[None, None].repeat(11, 1)
    for number, epsg in enumerate((32614, 32756, 32653, 32632, 32643, 32734, 32639) * 2):
        part, folder = ("validation", "validation") if number % 2 else ("test", "0")
        root = tmp_path / f"ROIs0000_{part}"
        for kind, content in (
            ("s2", tiff(bands(LEVEL_1C, 11), epsg=epsg)),
            ("dfc", tiff(codes, epsg=epsg)),
            ("s1", tiff(np.zeros((2, 11, 11), np.float32), epsg=epsg)),
        ):
            put(root / f"{kind}_{folder}" / f"ROIs0000_{part}_{kind}_0_p{number}.tif", content)
    put(tmp_path / "ROIs0000_test" / "s2_0" / "ROIs0000_test_s2_0_p99.tif", b"without labels")
    return tmp_path


@pytest.mark.parametrize("name", DFC_EXPECTED)
def test_dfc2020_tells_each_network_what_it_knows(fusion, name):
    samples, places = whole(dfc2020, fusion, name, 11)
    assert reflectance_of(samples) == {R_G_B_NIR}
    assert all(sample.labels[0].tolist() == DFC_EXPECTED[name] for sample in samples)
    assert sum(len(names) for names in places.values()) == 7


DW_EXPECTED = {
    "water": [IGNORE, 1, 0, 0, IGNORE, 0, 0, 0, 0, 0, IGNORE],
    "vegetation": [IGNORE, 0, 2, 1, IGNORE, 1, IGNORE, 0, 0, 0, IGNORE],
    "buildings": [IGNORE, 0, 0, 0, 0, 0, 0, IGNORE, 0, 0, IGNORE],
}


@pytest.fixture
def experts(tmp_path):
    """Expert tiles in their folders, each with the reflectance that a user lays beside; one has none."""
    codes = np.arange(11, dtype=np.uint8)[None, None].repeat(11, 1)
    four = np.broadcast_to(np.array([4000, 3000, 2000, 8000], np.uint16)[:, None, None], (4, 11, 11))
    for number in range(12):
        name = f"dw_{-3.5 + number}_{40.25 + number}-2019{number + 1:02d}14.tif"
        put(tmp_path / "Experts" / "hemisphere_1" / "biome_7" / name, tiff(codes))
        put(tmp_path / "images" / name, tiff(four, BANDS))
    put(tmp_path / "Experts" / "dw_0.1_0.1-20180101.tif", tiff(codes))
    return tmp_path


@pytest.mark.parametrize("name", DW_EXPECTED)
def test_dynamic_world_tells_each_network_what_it_knows(experts, name):
    samples, places = whole(dynamic_world, experts, name, 11)
    assert reflectance_of(samples) == {R_G_B_NIR}
    assert all(sample.labels[0].tolist() == DW_EXPECTED[name] for sample in samples)
    assert sum(len(names) for names in places.values()) == 12


def test_dynamic_world_says_where_pictures_belong(experts):
    for path in (experts / "images").iterdir():
        path.unlink()
    with pytest.raises(SourceError, match=r"None of the 13 tiles has a picture.*images/dw_"):
        dynamic_world(experts, "water", 11)


def test_dynamic_world_refuses_pictures_of_another_grid(experts):
    four = np.ones((4, 11, 11), np.uint16)
    for path in (experts / "images").iterdir():
        path.write_bytes(tiff(four, BANDS, corner=(500_010, 5_000_000)))
    with pytest.raises(SourceError, match="another grid"):
        dynamic_world(experts, "water", 11).sample(np.random.default_rng(0))


@pytest.fixture
def aerial(tmp_path):
    """Regions with a picture of 0.5 m: quarters of bare ground, tree, building, and half water half road."""
    codes = np.full((40, 40), 1, np.uint8)
    codes[:20, 20:], codes[20:, :20] = 5, 8
    codes[20:, 20:30], codes[20:, 30:] = 6, 4
    picture = np.full((3, 40, 40), 100, np.uint8)
    picture[0, :20, :20] = 255
    for region in ("tokyo", "accra", "aachen", "lima", "kyoto", "ngaoundere", "zanzibar", "vienna"):
        root = tmp_path / "OpenEarthMap_wo_xBD" / region
        put(root / "images" / f"{region}_1.tif", tiff(picture, pixel=0.5))
        put(root / "labels" / f"{region}_1.tif", tiff(codes[None], pixel=0.5))
        put(root / "images" / f"{region}_2.tif", tiff(picture, pixel=0.5))
    return tmp_path


def test_openearthmap_is_brought_to_ten_metres(aerial):
    samples, places = whole(openearthmap, aerial, "buildings", 2)
    for sample in samples:
        assert sample.labels.tolist() == [[0, 0], [IGNORE, IGNORE]]
        assert sample.reflectance[0, 0, 0] == pytest.approx(WHITE)
        assert sample.reflectance[1, 0, 0] == pytest.approx(WHITE * 100 / 255)
    assert sum(len(names) for names in places.values()) == 8


@pytest.mark.parametrize("name", ["water", "vegetation"])
def test_openearthmap_has_no_near_infrared(aerial, name):
    with pytest.raises(UsageError, match="near infrared"):
        openearthmap(aerial, name, 2)


@pytest.fixture
def patches(tmp_path):
    """EuroSAT's patches with 13 bands, B8A last, each class in its folder, in squares of 100 km."""
    for kind in ("AnnualCrop", "Forest", "Highway", "Industrial", "Residential", "River", "SeaLake"):
        for number in range(1, 13):
            corner = (100_000 * number + 500, 5_000_000)
            content = tiff(bands(EUROSAT, 64), corner=corner)
            put(tmp_path / "EuroSATallBands" / kind / f"{kind}_{number}.tif", content)
    return tmp_path


EUROSAT_EXPECTED = {"water": {0, 1}, "vegetation": {0, 1, 2}, "buildings": {0, 1, 2}}


@pytest.mark.parametrize("name", EUROSAT_EXPECTED)
def test_eurosat_with_all_bands_is_split_by_place(patches, name):
    samples, places = whole(eurosat_all_bands, patches, name, 64)
    assert has_all_bands(patches)
    assert reflectance_of(samples) == {R_G_B_NIR}
    assert {int(value) for sample in samples for value in np.unique(sample.labels)} == EUROSAT_EXPECTED[name]
    assert sum(len(names) for names in places.values()) == 12


def test_what_leaves_a_question_open_is_left_out():
    table = {1: (2, 3), 2: (4, 5), 3: (), 4: (6,)}
    assert network_table("water", table) == {1: 0, 2: 0, 3: 0, 4: 0}
    assert network_table("vegetation", table) == {2: 0, 3: 0, 4: 0}
    assert network_table("buildings", table) == {1: 0, 3: 0, 4: 0}
    with pytest.raises(UsageError, match="'haze'"):
        network_table("haze", table)


def test_eight_bit_bands_are_no_reflectance(tmp_path):
    for number in range(1, 9):
        content = tiff(np.ones((13, 64, 64), np.uint8), corner=(100_000 * number, 5_000_000))
        put(tmp_path / "Residential" / f"Residential_{number}.tif", content)
    with pytest.raises(SourceError, match="13 bands of uint8, not 13 of uint16"):
        eurosat_all_bands(tmp_path, "buildings", 64).sample(np.random.default_rng(0))
