"""Several products of one acquisition count once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.catalog.acquisitions import Product, acquisitions
from tests.pipeline.catalog.making import scene_of

START = datetime(2023, 8, 15, 10, tzinfo=UTC)
SCENE = scene_of({})


def product(identity, baseline="05.09", strip=0, created=0, **fields):
    scene = replace(
        SCENE, id=identity, baseline=baseline, datetime=START + timedelta(seconds=strip), **fields
    )
    return Product(scene, START + timedelta(seconds=strip), START + timedelta(hours=created))


def test_the_newest_baseline_wins_whenever_it_was_made():
    found = acquisitions(
        [product("old", "02.14", created=9), product("new", "05.10"), product("mid", "05.09", created=5)]
    )
    assert [scene.id for scene in found] == ["new"]
    assert found[0].parts == ()


def test_of_one_baseline_the_newest_made_wins():
    found = acquisitions([product("b", created=1), product("a", created=2)])
    assert [scene.id for scene in found] == ["a"]


def test_granules_of_a_split_datatake_become_one_scene():
    found = acquisitions([product("b", strip=20, cloud_cover=10.0), product("a", strip=0, cloud_cover=30.0)])
    assert [scene.id for scene in found] == ["a"]
    assert [part.id for part in found[0].parts] == ["a", "b"]
    assert found[0].cloud_cover == 20


def test_each_granule_of_a_split_datatake_is_taken_in_its_newest_form():
    found = acquisitions([product("a1", "02.14"), product("a2", "05.09"), product("b1", "02.14", strip=20)])
    assert [part.id for part in found[0].parts] == ["a2", "b1"]


def test_of_granules_the_newest_baseline_comes_first():
    found = acquisitions([product("a", "02.14", strip=0), product("b", "05.09", strip=20)])
    assert [part.id for part in found[0].parts] == ["b", "a"]


def test_other_tiles_and_datatakes_stay_scenes_of_their_own():
    found = acquisitions(
        [product("a"), product("b", tile="33TWM"), product("c", datatake="GS2B_20230813T095559")]
    )
    assert sorted(scene.id for scene in found) == ["a", "b", "c"]


@given(st.permutations(range(6)))
def test_the_answer_does_not_depend_on_the_order(order):
    products = [
        product(f"p{n}", ["02.14", "05.09"][n % 2], strip=20 * (n // 3), created=n % 3) for n in range(6)
    ]
    assert acquisitions([products[n] for n in order]) == acquisitions(products)
