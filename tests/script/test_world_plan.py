"""The plan for all land comes from what was measured, and the page tells what the command prints."""

import json
from dataclasses import replace

import pytest

from script.lib.say import Trouble
from script.lib.world_plan import BEGIN, END, MEASURED, PAGE, Assumed, per_tile, plan, put_into


@pytest.fixture(scope="module")
def measured():
    return json.loads(MEASURED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tile(measured):
    return per_tile(measured)


def row(text, name):
    """The number of a row."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
    return float(line.split("|")[2].split()[0].replace(",", ""))


def test_a_tile_takes_what_was_measured(measured, tile):
    one = measured["one-tile"]["figures"]["runs"][0]
    assert tile.network_seconds == sum(one["answer"]["networks"].values())
    assert 0 < tile.other_core_seconds < one["cpu"]
    assert tile.kept > 0 and tile.fetched > 1e8 and tile.scenes == len(one["answer"]["scenes"])


def test_twice_as_fast_gpus_need_half_the_hours(tile):
    slow, fast = (plan(tile, Assumed(gpu_times=times)) for times in (10, 20))
    assert row(fast, "hours of GPU") == pytest.approx(row(slow, "hours of GPU") / 2, rel=0.01)
    assert row(fast, "hours of a core") == row(slow, "hours of a core")


def test_a_gpu_is_as_fast_as_measured_unless_told(measured, tile):
    assert tile.gpu_times == measured["networks-cuda"]["figures"]["times"] > 1
    found, told = plan(tile, Assumed()), plan(tile, Assumed(gpu_times=2 * tile.gpu_times))
    assert row(found, "hours of GPU") == pytest.approx(2 * row(told, "hours of GPU"), rel=0.02)
    assert tile.gpu in found and tile.gpu not in told
    assert row(found, "networks, on a GPU") == round(tile.network_seconds / tile.gpu_times)


def test_twice_as_many_bytes_a_tile_are_twice_as_many_of_all(tile):
    few, many = plan(tile, Assumed()), plan(replace(tile, kept=2 * tile.kept), Assumed())
    assert row(many, "products for 12 months") == pytest.approx(
        2 * row(few, "products for 12 months"), rel=0.01
    )


def test_builds_count_those_that_are_made_again(tile):
    text = plan(tile, Assumed(again=0.5))
    assert row(text, "builds, 50%") == pytest.approx(1.5 * row(text, "tiles"), rel=1e-4)


def test_the_page_tells_what_the_command_prints(tile):
    page = PAGE.read_text(encoding="utf-8")
    assert put_into(page, plan(tile, Assumed())) == page


def test_a_figure_that_was_not_measured_is_named(measured):
    for missing in ("neighbours", "networks-cuda"):
        with pytest.raises(Trouble, match=f"lacks '{missing}'"):
            per_tile({name: one for name, one in measured.items() if name != missing})


def test_a_page_without_a_place_is_refused():
    with pytest.raises(Trouble, match="no place for the plan"):
        put_into("# Scale", "text")
    assert put_into(f"a{BEGIN}old{END}b", "new") == f"a{BEGIN}\n\nnew\n\n{END}b"
