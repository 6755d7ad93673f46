"""What the tables of single measurements say of their runs."""

import pytest

from script.lib.bench import growth, one_tile
from script.lib.bench.runs import Run


def whole_run(seconds, peak):
    steps = {"scene list": 1.0, "imagery": seconds - 1.0}
    answer = {"scenes": ["a"], "wanted": ["a", "b"], "steps": steps, "networks": {"cloud": seconds / 2}}
    return Run(seconds, 2 * seconds, peak, answer)


def test_a_whole_tile_is_told_by_the_median_of_its_runs_and_the_most_memory():
    done = [whole_run(600, 1024), whole_run(660, 2048), whole_run(3000, 1024)]
    ((row,), steps) = one_tile._summary(done).rows, one_tile._steps(done).rows
    assert row[1:] == (1, 2, "11.0 min", "22.0 min", "2.00 GiB", "yes")
    assert steps[1] == ("imagery", "659.0 s", "100%")
    assert steps[2] == ("of it the network `cloud`", "330.0 s", "50%")


@pytest.mark.parametrize(("finest", "sizes"), [(10, [30, 20, 10]), (60, [60]), (30, [60, 30])])
def test_growth_with_the_area_is_measured_on_pixels_that_products_can_have(finest, sizes):
    assert growth._finer_last(finest) == sizes
