"""What `script/bench world` makes of its samples, and a small run of it through real processes."""

import json

import pytest

from script.lib import bench_world
from script.lib.bench.world_figures import between, figures, slowest, window
from script.lib.bench.world_plan import PARTS, lasts


def sample(second, builds, due=None, queued=9, **values):
    told = {"time": 1000.0 + second, "builds": builds, "busy": 0.0, "cpu": 0.0, "statements": 0}
    told |= {"revisions": 0, "jobs": 7 * builds} | values
    return told if due is None else told | {"due": due, "queued": queued, "left": due, "total": 100}


def run_of(**changes):
    """Ten seconds of two workers that finish two tiles a second, and then wait for the last."""
    grown = {"busy": 1.9, "cpu": 0.08, "statements": 160} | changes
    return [
        sample(s, 2 * s, due=100 - 9 * s, **{name: value * s for name, value in grown.items()})
        for s in range(11)
    ]


def test_the_time_in_which_there_is_no_work_for_all_is_left_out():
    samples = [*run_of(), sample(11, 20, due=4), sample(60, 20, due=0)]
    start, end = window(samples, workers=2)
    assert (start, end) == (pytest.approx(1001.0), 1010.0)
    assert between(samples, "builds", start, end) == pytest.approx(18)


def test_figures_are_of_a_tile():
    database = [{"time": 1000.0, "cpu": 3.0}, {"time": 1020.0, "cpu": 3.4}]
    found = figures([run_of()], {"postgres": database}, workers=2, tile_seconds=1.0)
    assert found["busy_share"] == pytest.approx(0.95) and found["tiles"] == 18
    assert found["statements_per_tile"] == 80 and found["jobs_per_tile"] == 7
    assert found["cpu_ms_per_tile"] == {"workers": 40.0, "postgres": 10.0}
    assert found["cpu_ms_per_tile_together"] == 50.0
    assert found["idle_seconds_per_tile"] == pytest.approx(0.05)
    assert found["least_queued"] == 9


def test_several_processes_are_added_up():
    one = figures([run_of()], {}, workers=2, tile_seconds=1.0)
    two = figures([run_of(), run_of()], {}, workers=4, tile_seconds=1.0)
    assert two["tiles"] == 2 * one["tiles"] and two["busy_share"] == one["busy_share"]


def run(workers=10, **changes):
    told = {"workers": workers, "cpu_ms_per_tile_together": 45.0, "busy_share": 0.97, "least_queued": 300}
    told |= {"statements_per_tile": 80.0, "answers": {"map page": slowest([20.0] * 50)}}
    return told | changes


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"cpu_ms_per_tile_together": 51.0}, "at most 50 ms of one core per tile"),
        ({"busy_share": 0.94}, "workers at least 95 % busy"),
        ({"least_queued": 19}, "queue never starved"),
        ({"statements_per_tile": 90.0}, "statements per tile constant (10 %)"),
        ({"answers": {"tile": slowest([20.0] * 10 + [250.0] * 10)}}, "p95 of page and API under 200 ms"),
    ],
)
def test_a_promise_that_one_run_breaks_is_not_held(changes, broken):
    assert all(bench_world.held([run(), run()]).values())
    found = bench_world.held([run(), run(**changes)])
    assert [name for name, is_held in found.items() if not is_held] == [broken]


def test_steps_last_as_long_whenever_asked_and_a_tile_as_long_as_wanted():
    assert sum(PARTS.values()) == pytest.approx(1)
    names = [f"{number:02d}TWL" for number in range(1, 61)]
    whole = [sum(lasts(name, part, 10.0) for part in PARTS) for name in names]
    assert sum(whole) / len(whole) == pytest.approx(10.0, rel=0.05) and len(set(whole)) == 60
    assert lasts("33TWL", "fetch", 10.0) == lasts("33TWL", "fetch", 10.0)


def test_a_small_run_through_real_processes(tmp_path):
    path = tmp_path / "found.json"
    words = ["--tiles", "20", "--workers", "4", "--tile-seconds", "1.5", "--last-seconds", "240"]
    assert bench_world.main([*words, "--processes", "2", "--json", str(path)]) == 0
    (found,) = json.loads(path.read_text())["runs"]
    assert found["campaign"]["tiles"] == 20 and found["workers"] == 4 and not found["errors"]
    assert found["left"] == 0, "every tile and revision has ended"
    assert found["tiles"] > 0 and 0 < found["busy_share"] <= 1
    assert 40 < found["statements_per_tile"] < 200
    assert found["answers"]["map page"]["requests"] > 0
