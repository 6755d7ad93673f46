"""Tone: reflectance to 8 bits and back."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from pipeline import tone
from pipeline.errors import SourceError, UsageError
from pipeline.grid import Tile
from pipeline.raster import Raster, encode, read_raster, write_raster

BENDS = st.floats(0.02, 0.6)


@st.composite
def curves(draw: st.DrawFn) -> tone.Tone:
    return tone.asinh_curve("drawn", draw(BENDS), draw(BENDS), draw(st.floats(0.4, 3.0)))


def every_stored_value() -> np.ndarray:
    return np.broadcast_to(np.arange(1, 65_536, dtype=np.uint16), (4, 1, 65_535)).copy()


@given(curves())
def test_levels_rise_with_reflectance_and_each_is_reached(curve: tone.Tone) -> None:
    levels = curve.apply(every_stored_value())
    assert (np.diff(levels.astype(int), axis=2) >= 0).all()
    for band in levels:
        assert np.array_equal(np.unique(band), np.arange(1, 256))


@given(curves())
def test_eight_bits_go_back_to_reflectance_within_half_a_step(curve: tone.Tone) -> None:
    stored = every_stored_value()[:, :, : curve.top]
    levels = curve.apply(stored)
    off = np.abs(curve.invert(levels) - (stored - 1.0) / 10_000)
    half = np.take_along_axis(curve.steps()[:, None, :], levels.astype(int), axis=2) / 2
    assert (off <= half + 1e-6).all()


@given(curves())
def test_a_level_inverted_and_applied_again_is_the_same_level(curve: tone.Tone) -> None:
    levels = np.broadcast_to(np.arange(1, 256, dtype=np.uint8), (4, 1, 255))
    assert np.array_equal(curve.apply(encode(curve.invert(levels))), levels)


def test_empty_stays_empty_and_nothing_valid_becomes_it() -> None:
    curve = tone.default_curve()
    reflectance = np.array([-0.3, -0.0001, 0.0, 0.00004, 7.0], np.float32)
    stored = encode(np.broadcast_to(reflectance, (4, 1, 5)))
    assert curve.apply(stored).min() == 1
    assert (curve.apply(stored)[:, 0, :4] == 1).all()
    assert (curve.apply(np.zeros((4, 2, 2), np.uint16)) == 0).all()
    assert np.isnan(curve.invert(np.zeros((4, 2, 2), np.uint8))).all()


def test_reflectance_and_stored_reflectance_give_the_same_levels() -> None:
    reflectance = np.random.default_rng(5).uniform(-0.1, 1.4, (4, 20, 30))
    reflectance[2, 3, 4] = np.nan
    levels = tone.default_curve().apply(reflectance)
    assert np.array_equal(levels, tone.default_curve().apply(encode(reflectance)))
    assert (levels[:, 3, 4] == 0).all()


def test_no_cloud_up_to_full_reflectance_is_saturated() -> None:
    stored = encode(np.full((4, 1, 1), 1.0, np.float32))
    assert (tone.default_curve().apply(stored) < 255).all()


def test_infrared_has_a_curve_of_its_own() -> None:
    levels = tone.default_curve().apply(encode(np.full((4, 1, 1), 0.1, np.float32)))[:, 0, 0]
    assert levels[0] == levels[1] == levels[2] != levels[3]


def test_the_table_travels_with_the_product(tmp_path: Path) -> None:
    curve = tone.default_curve()
    path = tmp_path / "mosaic.tif"
    geobox = GeoBox((18, 18), Tile.parse("33TWL").transform(60), "EPSG:32633")
    levels = np.full((4, *geobox.shape), 77, np.uint8)
    write_raster(path, Raster(levels, geobox), nodata=0, cog=True, picture=True, tags=curve.tags())
    with rasterio.open(path) as dataset:
        found = tone.curve_of_tags(dataset.tags())
    assert found == curve
    assert np.array_equal(found.invert(read_raster(path).data), curve.invert(levels))


def test_a_curve_comes_back_from_json() -> None:
    curve = tone.default_curve()
    assert tone.Tone.from_json(json.loads(json.dumps(curve.to_json()))) == curve


def test_a_name_without_a_curve_is_refused() -> None:
    assert tone.load_tone("default") == tone.default_curve()
    with pytest.raises(UsageError, match="'sepia'"):
        tone.load_tone("sepia")


@pytest.mark.parametrize("damage", [{"rgb": [2, 3]}, {"nir": None}, {"top": 5}, {"rgb": ["a"] * 254}])
def test_a_broken_table_is_refused(damage: dict) -> None:
    content = tone.default_curve().to_json() | damage
    with pytest.raises(UsageError):
        tone.Tone.from_json(content)
    with pytest.raises(SourceError):
        tone.curve_of_tags({tone.TAG: json.dumps(content)})


def test_a_raster_without_a_table_has_none() -> None:
    assert tone.curve_of_tags({"AREA_OR_POINT": "Area"}) is None


def true_colour(stored: np.ndarray) -> np.ndarray:
    """Levels as the true-colour image of the Level-2A product has them: linear up to 0.3558."""
    return np.clip(np.rint((stored - 1.0) / 10_000 / 0.3558 * 254) + 1, 1, 255)


def local_contrast(levels: np.ndarray, where: np.ndarray) -> float:
    """Mean step between pixels side by side, in levels, where both belong."""
    steps = np.abs(np.diff(levels.astype(float), axis=1))
    return float(steps[where[:, 1:] & where[:, :-1]].mean())


def bands_of(folder: Path) -> np.ndarray:
    numbers = np.concatenate([read_raster(folder / f"B0{band}.tif").data for band in (4, 3, 2, 8)])
    return encode(numbers / np.float32(10_000), valid=(numbers > 0).all(axis=0))


@pytest.mark.parametrize(
    ("scene", "low", "high"),
    [
        ("alpine_33TWL_33TWM/S2A_33TWL_20230815_0_L2A", 0.02, 0.06),
        ("alpine_33TWL_33TWM/S2B_33TWM_20230820_0_L2A", 0.02, 0.06),
        ("alpine_33TWL_33TWM/S2B_33TWM_20230820_0_L2A", 0.36, 1.0),
        ("L2A_29RKH_20200219_crop", 0.36, 1.0),
    ],
)
def test_dark_and_bright_ground_keeps_more_texture_than_in_true_colour(
    shared_data: Path, scene: str, low: float, high: float
) -> None:
    stored = bands_of(shared_data / scene)
    ours = tone.default_curve().apply(stored)
    for band in range(3):
        reflectance = (stored[band] - 1.0) / 10_000
        where = (stored[band] > 0) & (reflectance >= low) & (reflectance < high)
        if where.sum() < 1000:
            continue
        assert local_contrast(ours[band], where) > 1.1 * local_contrast(true_colour(stored[band]), where)


def test_far_fewer_bright_pixels_are_saturated_than_in_true_colour(shared_data: Path) -> None:
    stored = bands_of(shared_data / "alpine_33TWL_33TWM" / "S2B_33TWM_20230820_0_L2A")
    valid = (stored > 0).all(axis=0)
    ours = (tone.default_curve().apply(stored)[:3, valid] == 255).mean()
    theirs = (true_colour(stored[:3, valid]) == 255).mean()
    assert theirs > 0.001
    assert ours <= theirs / 10
