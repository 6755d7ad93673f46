import numpy as np
import pytest
import shapely

from pipeline.training.recipe.drawing import (
    BORDER,
    CLOUDED,
    DISAGREE,
    MIXED,
    NO_PIXELS,
    OTHER,
    UNMAPPED,
    UNTOLD,
    Rules,
    along_borders,
    fine_classes,
    labels_of,
    pure_classes,
    within,
)
from pipeline.training.recipe.settlement import INDUSTRIAL, RESIDENTIAL, SILENT, UNSURE, Said, Settlement
from tests.pipeline.training.recipe.maps import grid, lonlat


def said(landuse, building=None):
    landuse = np.array(landuse, np.uint8)
    return Said(landuse, landuse, np.zeros(landuse.shape, bool) if building is None else np.array(building))


def test_codes_become_classes_and_doubtful_ones_reasons():
    cover = np.array([[0, 10, 20, 30, 40, 60, 70, 80, 90, 95, 100, 50]], np.uint8)
    found = fine_classes(cover, said(np.zeros_like(cover)), 2)
    expected = [UNMAPPED, 3, OTHER, 2, 2, 6, OTHER, 1, OTHER, 3, OTHER, UNTOLD]
    assert found.tolist() == [expected]


def test_built_ground_has_the_use_that_is_told():
    cover = np.full((1, 4), 50, np.uint8)
    uses = [[SILENT, RESIDENTIAL, INDUSTRIAL, UNSURE]]
    assert fine_classes(cover, said(uses), 2).tolist() == [[UNTOLD, 4, 5, UNTOLD]]


def test_green_near_houses_is_their_plot_and_farther_off_in_doubt():
    cover = np.array([[50, 30, 10, 30, 30, 80]], np.uint8)
    found = fine_classes(cover, said(np.full_like(cover, RESIDENTIAL)), 2)
    assert found.tolist() == [[4, 4, 4, DISAGREE, DISAGREE, 1]]


def test_green_beside_houses_of_no_settlement_stays_green():
    cover = np.array([[50, 30]], np.uint8)
    assert fine_classes(cover, said([[RESIDENTIAL, SILENT]]), 2).tolist() == [[4, 2]]


def test_a_building_where_the_map_shows_none_is_in_doubt():
    cover = np.array([[30, 30, 50]], np.uint8)
    found = fine_classes(cover, said([[0, 0, 4]], [[True, False, True]]), 2)
    assert found.tolist() == [[DISAGREE, 2, 4]]


@pytest.mark.parametrize(("others", "label"), [(0, 2), (3, 2), (4, MIXED)])
def test_pixels_of_less_than_four_fifths_are_mixed(others, label):
    fine = np.full((4, 4), 2, np.uint8)
    fine.ravel()[:others] = 3
    best, labels = pure_classes(fine, 4, 0.8)
    assert best.item() == 2
    assert labels.item() == label


def test_mostly_doubtful_pixels_keep_the_reason():
    fine = np.full((2, 2), UNTOLD, np.uint8)
    fine[0, 0] = 2
    assert pure_classes(fine, 2, 0.8)[1].item() == UNTOLD


@pytest.mark.parametrize("width", [0, 1, 2])
def test_borders_are_as_wide_as_asked_on_each_side(width):
    best = np.full((5, 10), 2, np.uint8)
    best[:, 5:] = 3
    assert along_borders(best, width)[2].nonzero()[0].tolist() == list(range(5 - width, 5 + width))


def test_ground_without_a_class_makes_no_border_but_other_ground_does():
    best = np.array([[2, UNTOLD, UNTOLD, 2, 2, OTHER]], np.uint8)
    assert along_borders(best, 1).tolist() == [[False, False, False, False, True, True]]


def test_cloud_hides_ground_up_to_its_margin_and_the_empty_has_no_label():
    fine = np.full((2, 40), 2, np.uint8)
    cloud = np.zeros((1, 20), np.uint8)
    cloud[0, 10], cloud[0, 19] = 2, 255
    labels = labels_of(fine, 2, cloud, Rules(cloud_margin=30), 10)
    assert labels[0].tolist() == [2] * 7 + [CLOUDED] * 7 + [2] * 5 + [NO_PIXELS]


def test_labels_of_a_part_are_those_of_the_whole():
    rng = np.random.default_rng(5)
    rules = Rules(cloud_margin=40)
    blocks = rng.choice([10, 30, 50, 60, 80], (8, 8)).astype(np.uint8)
    cover = blocks.repeat(16, 0).repeat(16, 1)
    use = rng.choice([SILENT, RESIDENTIAL, INDUSTRIAL], (4, 4)).astype(np.uint8).repeat(32, 0).repeat(32, 1)
    cloud = (rng.random((64, 64)) < 0.002).astype(np.uint8)
    whole = labels_of(fine_classes(cover, said(use), rules.plot * 2 / 10), 2, cloud, rules, 10)
    margin = rules.margin(10)
    part = slice(20 - margin, 40 + margin)
    fine = slice(part.start * 2, part.stop * 2)
    drawn = fine_classes(cover[fine, fine], said(use[fine, fine]), rules.plot * 2 / 10)
    inner = slice(margin, -margin)
    assert np.array_equal(
        labels_of(drawn, 2, cloud[part, part], rules, 10)[inner, inner], whole[20:40, 20:40]
    )
    assert {BORDER, CLOUDED} <= set(np.unique(whole))


def test_within_is_a_circle_and_nothing_around_nothing():
    mask = np.zeros((9, 9), bool)
    assert not within(mask, 3).any()
    mask[4, 4] = True
    assert within(mask, 2).sum() == 13


def at(geobox, left, top, right, bottom):
    """A rectangle in pixels of the grid, in longitude and latitude."""
    (x0, y0), (x1, y1) = geobox.affine @ (left, top), geobox.affine @ (right, bottom)
    return lonlat(shapely.box(x0, y1, x1, y0), geobox)


def test_buildings_of_a_told_kind_overrule_the_land_use():
    geobox = grid(10)
    areas = [
        ({"landuse": "residential"}, at(geobox, 0, 0, 6, 10), 4326),
        ({"landuse": "commercial"}, at(geobox, 4, 0, 10, 10), 4326),
        ({"building": "warehouse"}, at(geobox, 0, 0, 2, 2), 4326),
        ({"building": "yes"}, at(geobox, 2, 0, 4, 2), 4326),
        ({"building": "no"}, at(geobox, 0, 8, 2, 10), 4326),
        ({"landuse": "farmland"}, at(geobox, 0, 0, 10, 10), 4326),
        ({"landuse": "residential"}, at(geobox, 50, 50, 60, 60), 4326),
    ]
    settlement = Settlement(areas, geobox)
    assert settlement.counts == {
        "building industrial": 1,
        "building of no told use": 1,
        "landuse industrial": 1,
        "landuse residential": 1,
    }
    found = settlement.said(geobox)
    assert found.kind[0].tolist() == [5, 5, 4, 4, 255, 255, 5, 5, 5, 5]
    assert found.landuse[0].tolist() == [4, 4, 4, 4, 255, 255, 5, 5, 5, 5]
    assert found.building[0].tolist() == [True] * 4 + [False] * 6
    assert not found.building[9].any()
