"""The instances of `script/bench scene-lists` and its tables, on few candidates."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.scene_list.region import solve_region
from script.lib.bench import scene_list_instances, scene_list_task, scene_lists
from script.lib.bench.runs import Run
from script.lib.bench.scene_list_instances import SUMMERS, problem_of, region_of


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_list_instances, "SIDE", 40)
    few = {name: replace(one, count=12, small=2, wide=8) for name, one in SUMMERS.items()}
    monkeypatch.setattr(scene_list_task, "SUMMERS", few)


def test_candidates_are_as_clear_as_their_summer_says() -> None:
    shares = problem_of(replace(SUMMERS["heavy"], count=30), 7000).clear.mean(axis=1)
    assert shares.min() >= 0.19 and shares.max() <= 0.81
    assert np.ptp(shares) > 0.3
    cut = problem_of(replace(SUMMERS["mild, edges of swaths"], count=30), 7000).clear.mean(axis=1)
    assert cut.min() < 0.19


def test_neighbours_of_a_region_can_share_datatakes() -> None:
    region = region_of(replace(SUMMERS["mild"], count=8), 7000, side=3)
    assert len(region.problems) == 9 and len(region.pairs) == 20
    assert all(region.shared(name) for name in region.problems)
    assert solve_region(region, 60.0).cost.strangers == 0


def test_what_was_measured_is_told_in_tables() -> None:
    lists = scene_list_task.lists("mild", [7000, 7001], 20.0)
    assert [one["seed"] for one in lists["lists"]] == [7000, 7001]
    summers = scene_lists._summers({"mild": [Run(lists.pop("seconds"), 1.0, 1.0, lists)]})
    assert summers.rows[0][4] == "2 of 2" and summers.rows[0][-2:] == ("2 of 2", "yes")
    region = scene_list_task.region_lists("mild", 7000, 2, 60.0)
    told = scene_lists._regions({"mild": [Run(region.pop("seconds"), 1.0, 1.0, region)]})
    assert told.rows[0][1] == 6 and told.rows[0][3] == "0 (at least 0)" and told.rows[0][-1] == "yes"


@pytest.mark.parametrize(
    ("change", "held"),
    [({}, "yes"), ({"wall": 15.04}, "no"), ({"bound": 3}, "no"), ({"bound": 5}, "yes")],
)
def test_a_list_of_a_year_is_held_by_its_bound_and_by_the_clock(change: dict[str, float], held: str) -> None:
    one = {
        "seed": 7000,
        "scenes": 5,
        "bound": 4,
        "seconds": 14.0,
        "wall": 14.2,
        "second_seconds": 0.3,
    } | change
    table = scene_lists._years({"a year": [Run(14.0, 1.0, 1.0, {"lists": [one]})]})
    assert table.rows[0][-1] == held


@pytest.mark.parametrize(
    ("seconds", "bound", "held"), [(119.0, 9, "yes"), (121.0, 9, "no"), (60.0, None, "no")]
)
def test_a_region_is_held_by_the_clock_and_by_its_bounds(
    seconds: float, bound: int | None, held: str
) -> None:
    levels = {name: {"value": 9, "bound": bound} for name in ("scenes", "strangers", "days")}
    answer = {"levels": levels, "pairs": 6, "cpu": 50.0}
    table = scene_lists._regions({"mild": [Run(seconds, 1.0, 1.0, answer)]})
    assert table.rows[0][-1] == held
