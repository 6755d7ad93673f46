"""Stage 2's loop: which scenes take ranks after the list, by the full-resolution masks."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from pipeline import chain
from pipeline.build import CANDIDATES, Build
from pipeline.catalog.scene import Scene
from pipeline.evidence import CLOUD, scene_folder
from pipeline.grid import Tile
from pipeline.raster import Raster, write_raster
from pipeline.scene_list import Look, choose_among
from pipeline.scene_list.masks import PREVIEW_SHAPE
from pipeline.settings import CampaignSettings
from pipeline.storage import write_json

TILE = Tile.parse("33UVR")
FIRST, SECOND, THIRD = 30, 20, 10
HERE, THERE = np.s_[40:70, 40:70], np.s_[120:150, 120:150]


def scene(day):
    taken = datetime(2023, 8, day, 10, tzinfo=UTC)
    return Scene(f"S2A_33UVR_202308{day}_0_L2A", TILE.name, taken, "L2A", "05.09", f"t{day}", 10.0, {})


@pytest.fixture
def begin(tmp_path):
    """Begin a build whose list is the first date alone, with the previews of all; gives the build."""

    def begun(series, **others):
        settings = CampaignSettings(
            date(2023, 8, 1), date(2023, 8, 31), resolution=60, series=series, **others
        )
        object.__setattr__(settings, "resolution", 600)
        build = Build(TILE, settings, tmp_path)
        previews = {FIRST: 343, SECOND: 330, THIRD: 300}
        looks = [
            Look(scene(day), np.arange(343) < cols * np.ones(PREVIEW_SHAPE), 0.0)
            for day, cols in previews.items()
        ]
        write_json(tmp_path / CANDIDATES, {"scenes": [look.scene.to_json() for look in looks]})
        choose_among(looks, TILE, settings, tmp_path).write(tmp_path)
        assert ranks(build) == {FIRST: 1}
        return build

    return begun


def fetched(build, day, *cloudy):
    """Write what stage 2 leaves of a scene: its mask, and that its pixels are there."""
    cloud = np.zeros((183, 183), np.uint8)
    for part in cloudy:
        cloud[part] = CLOUD
    place = scene_folder(build.folder, scene(day).id)
    write_raster(place / "cloud.tif", Raster(cloud[None], TILE.geobox(600)), nodata=255)
    (place / "reflectance.tif").touch()


def ranks(build):
    return {item.datetime.day: item.rank for item in build.scene_list().chosen}


def test_a_date_of_the_series_serves_where_it_shows_clear_what_the_list_does_not(begin):
    build = begin(series=3)
    fetched(build, FIRST, HERE)
    fetched(build, SECOND, THERE)
    fetched(build, THIRD, HERE)
    assert chain.next_scene(build) is None
    assert ranks(build) == {FIRST: 1, SECOND: 2}
    added = build.scene_list().candidate(scene(SECOND).id)
    # The block of 30 x 30 pixels and the pixel around it that the margin of 120 m makes doubtful.
    assert added.added and f"{(32**2 - 4) / 183**2:.2%}" in added.reason
    assert {one.datetime.day for one in build.series()} == {FIRST, SECOND, THIRD}


def test_a_date_of_the_series_that_shows_no_more_than_the_list_stays_out(begin):
    build = begin(series=3)
    fetched(build, FIRST)
    fetched(build, SECOND, HERE)
    fetched(build, THIRD)
    assert chain.next_scene(build) is None
    assert ranks(build) == {FIRST: 1}


def test_nothing_further_is_fetched_for_what_the_series_shows(begin):
    build = begin(series=2)
    fetched(build, FIRST, HERE)
    besides = next(one.datetime.day for one in build.series() if one.datetime.day != FIRST)
    fetched(build, besides)
    assert chain.next_scene(build) is None
    assert ranks(build) == {FIRST: 1, besides: 2}


def test_a_scene_asked_for_in_vain_goes_and_those_of_the_series_stay(begin):
    build = begin(series=2)
    fetched(build, FIRST, HERE, THERE)
    besides = next(one.datetime.day for one in build.series() if one.datetime.day != FIRST)
    last = ({SECOND, THIRD} - {besides}).pop()
    fetched(build, besides, HERE)
    assert chain.next_scene(build) == scene(last).id
    assert ranks(build) == {FIRST: 1, besides: 2, last: 3}
    fetched(build, last, HERE)
    for _ in range(2):
        assert chain.next_scene(build) is None
        assert ranks(build) == {FIRST: 1, besides: 2}
    assert "adds only" in build.scene_list().candidate(scene(last).id).reason


def test_no_more_is_expected_of_a_preview_than_came_true_before(begin):
    build = begin(series=1)
    fetched(build, FIRST, HERE, THERE)
    first_asked = chain.next_scene(build)
    asked = next(one for one in (SECOND, THIRD) if scene(one).id == first_asked)
    fetched(build, asked, HERE, THERE)
    assert chain.next_scene(build) is None
    assert ranks(build) == {FIRST: 1}


def test_a_preview_that_was_right_lets_the_next_one_come(begin):
    build = begin(series=1)
    fetched(build, FIRST, HERE, THERE)
    first_asked = chain.next_scene(build)
    asked = next(one for one in (SECOND, THIRD) if scene(one).id == first_asked)
    fetched(build, asked, HERE)
    assert chain.next_scene(build) == scene(({SECOND, THIRD} - {asked}).pop()).id


def doubtful(build, series_date):
    """Two scenes of which each has cloud where the other is beside its own, so that none is surely clear."""
    here = np.s_[40:140:2, 40:140]
    between = np.s_[41:141:2, 40:140]
    fetched(build, FIRST, here)
    fetched(build, series_date, between)


def test_a_scene_is_fetched_for_ground_that_the_others_show_in_doubt(begin):
    build = begin(series=2, most_further=2)
    besides = next(one.datetime.day for one in build.series() if one.datetime.day != FIRST)
    last = ({SECOND, THIRD} - {besides}).pop()
    doubtful(build, besides)
    listed = build.scene_list().with_added(scene(besides).id, "there")
    listed.write(build.folder)
    assert chain.next_scene(build) == scene(last).id
    assert ranks(build) == {FIRST: 1, besides: 2, last: 3}
    added = build.scene_list().candidate(scene(last).id)
    assert added.added and "in doubt" in added.reason
    # Asked again before it has come, the answer is the same.
    assert chain.next_scene(build) == scene(last).id
    order = chain._orders(build)[-1]
    assert order.scene.id == scene(last).id and order.surely
    fetched(build, last)
    assert chain.next_scene(build) is None
    assert ranks(build) == {FIRST: 1, besides: 2, last: 3}


def test_a_scene_that_clears_no_doubt_after_all_goes_again(begin):
    build = begin(series=2, most_further=2)
    besides = next(one.datetime.day for one in build.series() if one.datetime.day != FIRST)
    last = ({SECOND, THIRD} - {besides}).pop()
    doubtful(build, besides)
    build.scene_list().with_added(scene(besides).id, "there").write(build.folder)
    assert chain.next_scene(build) == scene(last).id
    fetched(build, last, np.s_[30:150, 30:150])
    for _ in range(2):
        assert chain.next_scene(build) is None
        assert ranks(build) == {FIRST: 1, besides: 2}
    assert "nothing clear" in build.scene_list().candidate(scene(last).id).reason


@pytest.mark.parametrize("limits", [{}, {"most_further": 0}, {"most_further": 2, "clear_gain": 1}])
def test_no_scene_is_fetched_for_doubt_where_the_campaign_does_not_want_it(begin, limits):
    build = begin(2, **limits)
    besides = next(one.datetime.day for one in build.series() if one.datetime.day != FIRST)
    doubtful(build, besides)
    build.scene_list().with_added(scene(besides).id, "there").write(build.folder)
    assert chain.next_scene(build) is None
    assert ranks(build) == {FIRST: 1, besides: 2}
