"""Offsets and scales come from the metadata, and are taken off once."""

import pytest

from pipeline.catalog.radiometry import Radiometry, from_item, from_product
from pipeline.errors import SourceError

RASTER_BANDS = {"raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": -0.1}]}


def test_an_offset_that_has_been_applied_is_not_applied_again():
    applied = {"earthsearch:boa_offset_applied": True, "s2:processing_baseline": "05.09"}
    assert from_item(applied, RASTER_BANDS) == Radiometry(0.0001, 0.0)


def test_an_offset_that_has_not_been_applied_is():
    waiting = {"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "05.09"}
    assert from_item(waiting, RASTER_BANDS) == Radiometry(0.0001, -0.1)


def test_scale_and_offset_of_stac_1_1_bands_are_read():
    asset = {"bands": [{"raster:scale": 0.0002, "raster:offset": -0.2, "nodata": 3}]}
    assert from_item({}, asset) == Radiometry(0.0002, -0.2, 3)


@pytest.mark.parametrize(
    ("baseline", "offset"),
    [("02.14", 0.0), ("03.01", 0.0), ("04.00", -0.1), ("05.09", -0.1), ("05.11", -0.1)],
)
def test_an_item_without_raster_bands_goes_by_its_baseline(baseline, offset):
    assert from_item({"s2:processing_baseline": baseline}, {}).offset == pytest.approx(offset)


@pytest.mark.parametrize("properties", [{}, {"datetime": "2023-08-15T00:00:00Z"}])
def test_an_item_that_states_nothing_is_refused_and_not_guessed(properties):
    with pytest.raises(SourceError, match="neither scale and offset"):
        from_item(properties, {})


@pytest.mark.parametrize("scale", [0, -1, "0.0001", True, float("inf")])
def test_a_scale_that_cannot_be_is_refused(scale):
    with pytest.raises(SourceError, match="scale"):
        from_item({}, {"raster:bands": [{"scale": scale}]})


def test_a_product_of_a_new_baseline_without_offsets_is_refused():
    with pytest.raises(SourceError, match=r"05\.09 states no radiometric offset"):
        from_product(10_000, None, "05.09")


def test_products_of_old_and_new_baselines_give_one_reflectance():
    old, new = from_product(10_000, None, "02.14"), from_product(10_000, -1000, "05.09")
    assert 1234 * old.scale + old.offset == pytest.approx(2234 * new.scale + new.offset)


@pytest.mark.parametrize("baseline", ["", "5", "new", "05.x"])
def test_a_baseline_that_is_no_number_is_refused(baseline):
    with pytest.raises(SourceError, match="baseline"):
        from_product(10_000, None, baseline)
