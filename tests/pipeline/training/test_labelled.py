import json

import numpy as np
import pytest
import shapely
from odc.geo.geobox import GeoBox

from pipeline.errors import EarthquiltError, SourceError, UsageError
from pipeline.grid import Tile
from pipeline.raster import BANDS, Raster, encode, write_raster
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.corrections import corrections, read_correction
from pipeline.training.datasets.labelled import labelled
from pipeline.training.datasets.places import split_of
from tests.pipeline.training.recipe.maps import lonlat

GRID = GeoBox((64, 64), Tile.parse("33TWL").transform(10), "EPSG:32633")


def write_scene(folder, place, codes, shown=0.2, **told):
    """A folder as `labels` writes it; the reflectance of all bands is `shown`."""
    reflectance = np.full((4, *codes.shape), shown, np.float32)
    grid = GeoBox(codes.shape, GRID.affine, GRID.crs)
    write_raster(
        folder / "reflectance.tif", Raster(encode(reflectance), grid), descriptions=BANDS, reflectance=True
    )
    write_raster(folder / "labels.tif", Raster(codes[None].astype(np.uint8), grid), nodata=255)
    content = {"format": 1, "place": place, "licences": ["ODbL 1.0", f"of {place}"], **told}
    (folder / "labels.json").write_text(json.dumps(content))
    return folder


def codes_of(size=64):
    """Mostly nothing known; grass in a corner of 16 pixels, houses in another."""
    codes = np.full((size, size), IGNORE)
    codes[:16, :16], codes[-16:, -16:] = 2, 4
    return codes


def test_windows_hold_what_is_labelled_each_class_as_often(tmp_path):
    write_scene(tmp_path / "a", "here", codes_of(), split="train")
    source = labelled(tmp_path, "vegetation", 32)
    samples = [source.sample(np.random.default_rng(number)) for number in range(60)]
    assert len(source) == 2
    found = [set(np.unique(sample.labels)) - {IGNORE} for sample in samples]
    assert all(sample.labels.shape == (32, 32) for sample in samples)
    assert np.allclose([sample.reflectance for sample in samples], 0.2, atol=1e-4)
    assert 0.3 < np.mean([1 in labels for labels in found]) < 0.7
    assert {0, 1} == set().union(*found)


def test_windows_are_shifted_and_labels_move_with_them(tmp_path):
    codes = np.tile(np.array([2, 4]), (64, 32))
    write_scene(tmp_path / "a", "here", codes, split="train")
    source = labelled(tmp_path, "buildings", 32)
    firsts = {int(source.sample(np.random.default_rng(number)).labels[0, 0]) for number in range(20)}
    assert firsts == {0, 1}


def test_only_places_of_the_split_are_drawn_and_licences_are_joined(tmp_path):
    for number, split in enumerate(("train", "validation", "test")):
        write_scene(tmp_path / split, f"place {number}", codes_of(), shown=0.1 * (number + 1), split=split)
    for number, split in enumerate(("train", "validation", "test")):
        source = labelled(tmp_path, "buildings", 32, split)
        shown = source.sample(np.random.default_rng(0)).reflectance[0, 0, 0]
        assert shown == pytest.approx(0.1 * (number + 1), abs=1e-4)
        assert source.places.in_split(split) == (f"place {number}",)
        assert source.licence == "ODbL 1.0 of place 2 of place 0 of place 1"


def test_without_a_stated_split_the_name_decides(tmp_path):
    write_scene(tmp_path / "a", "33TWL", codes_of())
    assert labelled(tmp_path, "water", 32, split_of("33TWL")).places.in_split(split_of("33TWL")) == ("33TWL",)


def test_a_place_cannot_be_in_two_splits(tmp_path):
    write_scene(tmp_path / "a", "here", codes_of(), split="train")
    write_scene(tmp_path / "b", "here", codes_of(), split="test")
    with pytest.raises(UsageError, match="place here is in the split 'train'"):
        labelled(tmp_path, "water", 32)


def test_empty_pixels_have_no_label(tmp_path):
    folder = write_scene(tmp_path / "a", "here", np.full((32, 32), 1), split="train")
    reflectance = np.full((4, 32, 32), 0.1, np.float32)
    reflectance[:, :8] = np.nan
    grid = GeoBox((32, 32), GRID.affine, GRID.crs)
    write_raster(folder / "reflectance.tif", Raster(encode(reflectance), grid), reflectance=True)
    sample = labelled(tmp_path, "water", 32).sample(np.random.default_rng(0))
    assert np.array_equal(sample.labels == IGNORE, np.isnan(sample.reflectance[0]))
    assert (sample.labels[8:] == 1).all()


def no_json(folder):
    (folder / "labels.json").unlink()


def other_format(folder):
    (folder / "labels.json").write_text('{"format": 2, "place": "x"}')


def no_place(folder):
    (folder / "labels.json").write_text('{"format": 1}')


def odd_split(folder):
    (folder / "labels.json").write_text('{"format": 1, "place": "x", "split": "holdout"}')


def no_bands(folder):
    (folder / "reflectance.tif").unlink()


def other_grid(folder):
    write_scene(folder.parent / "other", "x", codes_of(32))
    (folder.parent / "other" / "labels.json").unlink()
    (folder.parent / "other" / "labels.tif").replace(folder / "labels.tif")


def odd_codes(folder):
    grid = GeoBox((64, 64), GRID.affine, GRID.crs)
    write_raster(folder / "labels.tif", Raster(np.full((1, 64, 64), 9, np.uint8), grid))


def nothing_known(folder):
    grid = GeoBox((64, 64), GRID.affine, GRID.crs)
    write_raster(folder / "labels.tif", Raster(np.full((1, 64, 64), 255, np.uint8), grid))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (no_json, "no labels.json"),
        (other_format, "format 1"),
        (no_place, "names no place"),
        (odd_split, "'holdout'"),
        (no_bands, "reflectance.tif"),
        (other_grid, "different grids"),
        (odd_codes, "holds"),
        (nothing_known, "5% are labelled"),
    ],
)
def test_folders_that_cannot_be_used_are_told(tmp_path, spoil, words):
    spoil(write_scene(tmp_path / "a", "here", codes_of(), split="train"))
    with pytest.raises(EarthquiltError, match=words):
        labelled(tmp_path, "water", 32)


def box(left, top, right, bottom):
    """A rectangle in pixels of the grid, in longitude and latitude."""
    (x0, y0), (x1, y1) = GRID.affine @ (left, top), GRID.affine @ (right, bottom)
    return lonlat(shapely.box(x0, y1, x1, y0), GRID)


@pytest.fixture
def correct(tmp_path):
    """Writes a correction of a build: (class, outline) pairs."""
    stored = encode(np.full((4, 64, 64), 0.3, np.float32))
    write_raster(tmp_path / "builds" / "7" / "composite.tif", Raster(stored, GRID), reflectance=True)

    def write(*outlines, **told):
        features = [
            {
                "type": "Feature",
                "properties": {"class": called},
                "geometry": json.loads(shapely.to_geojson(area)),
            }
            for called, area in outlines
        ]
        content = {"type": "FeatureCollection", "features": features, "build": "builds/7", "place": "33TWL"}
        path = tmp_path / "corrections.geojson"
        path.write_text(json.dumps({**content, "split": "train", **told}))
        return path

    return write


def test_pixels_whole_inside_an_outline_have_its_class(correct):
    path = correct(
        ("water", box(2, 2, 10, 10)), (5, box(20.5, 20.5, 30.5, 30.5)), ("residential", box(40, 0, 50, 9))
    )
    codes = read_correction(path).codes
    assert (codes[3:9, 3:9] == 1).all()
    assert (codes[22:30, 22:30] == 5).all()
    assert codes[20, 20] == codes[30, 30] == IGNORE
    assert (codes[1:8, 41:49] == 4).all()
    assert (codes[32:] == IGNORE).all()


def test_where_two_classes_are_drawn_nothing_is_known(correct):
    path = correct(("grass", box(0, 0, 20, 20)), ("tree", box(10, 10, 30, 30)))
    codes = read_correction(path).codes
    assert (codes[10:20, 10:20] == IGNORE).all()
    assert (codes[2:8, 2:8] == 2).all()
    assert (codes[22:28, 22:28] == 3).all()


def test_corrections_are_windows_of_the_composite(correct):
    path = correct(("barren", box(0, 0, 64, 64)))
    source = corrections(path.parent, "water", 32)
    sample = source.sample(np.random.default_rng(0))
    assert sample.reflectance[0, 16, 16] == pytest.approx(0.3)
    assert set(np.unique(sample.labels)) <= {0, IGNORE}
    assert source.places.train == ("33TWL",)
    assert "Reviewers" in source.licence


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"build": ""}, "no 'build'"),
        ({"place": ""}, "no 'place'"),
        ({"features": []}, "no 'features'"),
        ({"build": "builds/8"}, "composite.tif"),
        ({"split": "none"}, "'none'"),
    ],
)
def test_corrections_that_cannot_be_used_are_told(correct, told, words):
    path = correct(("water", box(0, 0, 64, 64)), **told)
    with pytest.raises(EarthquiltError, match=words):
        corrections(path.parent, "water", 32)


def test_unknown_classes_and_empty_folders_are_told(correct, tmp_path):
    correct(("lava", box(0, 0, 9, 9)))
    with pytest.raises(SourceError, match="'lava', which is none"):
        corrections(tmp_path, "water", 32)
    with pytest.raises(SourceError, match=r"no correction \(\*\.geojson\)"):
        corrections(tmp_path / "builds", "water", 32)
