"""The balance's benchmark on a handful of tiles."""

import pytest

from script.lib.bench import balance
from script.lib.bench.measure import Bench


@pytest.fixture(scope="module")
def section(tmp_path_factory):
    balance_of = balance.STEPS
    balance.STEPS = 1
    yield balance.measure(Bench(tmp_path_factory.mktemp("bench"), 60, 1, 1), tiles=6)
    balance.STEPS = balance_of


def test_every_tile_is_corrected_and_its_cells_are_read(section):
    found = section.figures["many"]["answer"]
    assert found["tiles"] == found["reads"] == found["changed"] == 6
    assert found["processor_seconds"] > 0 and section.figures["many"]["seconds"] > 0


def test_neighbours_of_random_radiometry_meet_after_balancing(section):
    for run in section.figures["squares"].values():
        found = run["answer"]
        assert found["pairs"] >= 15 and found["before"] > 0.05
        assert found["after"] < 0.005


def test_the_tables_tell_both(section):
    times, meeting = section.tables
    assert times.rows[0][0] == 6 and len(meeting.rows) == 2
    assert all(len(row) == len(meeting.columns) for row in meeting.rows)
