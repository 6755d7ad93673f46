"""Where a revision ranks, and why."""

from datetime import datetime

import pytest

from webapp.review.priority import MEASURES, figures_of, grounds_of, priority_of

CALM = {"coverage": 1.0, "residual_cloud": 0.0, "seam_score": 1.0, "classes": {"confidence": 95.0}}
CALM |= {"composite": {"doubtful": 0.005, "hazy": 0.0}}
DAYS = [datetime(2023, 8, 1), datetime(2023, 8, 4)]


def priority(report, dates=DAYS):
    return priority_of(grounds_of(figures_of(report, dates)))


def test_the_points_of_all_measures_are_a_hundred():
    assert sum(one.points for one in MEASURES) == 100


def test_a_calm_tile_ranks_last():
    assert priority(CALM) == 0


@pytest.mark.parametrize(
    ("worse", "key"),
    [
        ({"residual_cloud": 0.005}, "cloud"),
        ({"coverage": 0.995}, "holes"),
        ({"composite": {"doubtful": 0.05, "hazy": 0.0}}, "shadow"),
        ({"composite": {"doubtful": 0.0, "hazy": 0.01}}, "haze"),
        ({"seam_score": 1.1}, "seam"),
        ({"classes": {"confidence": 60.0}}, "confidence"),
        ({"change": {"moved": 0.05}}, "change"),
    ],
)
def test_each_trouble_counts_and_says_why(worse, key):
    grounds = grounds_of(figures_of(CALM | worse, DAYS))
    assert priority(CALM | worse) > 0
    assert grounds[0].key == key and 0 < grounds[0].points < grounds[0].most
    assert [ground.points for ground in grounds[1:]] == [0] * (len(grounds) - 1)


def test_dates_far_apart_count():
    far = [datetime(2023, 6, 1), datetime(2023, 8, 1), datetime(2023, 7, 1)]
    assert grounds_of(figures_of(CALM, far))[0].words == "61 days"
    assert priority(CALM, far) == 10


def test_more_trouble_ranks_higher_and_never_above_a_hundred():
    worst = {"coverage": 0.5, "residual_cloud": 0.2, "seam_score": 3, "classes": {"confidence": 10}}
    worst |= {"composite": {"doubtful": 0.9, "hazy": 0.4}, "change": {"moved": 0.9}}
    assert priority(CALM) < priority(CALM | {"coverage": 0.998}) < priority(CALM | {"coverage": 0.99})
    assert priority(worst, [datetime(2023, 1, 1), datetime(2023, 12, 1)]) == 100


def test_what_is_not_known_is_left_out():
    assert figures_of({}, []) == {}
    assert {ground.key for ground in grounds_of(figures_of({"seam_score": 1.08}, []))} == {"seam"}


def test_figures_are_written_with_their_units():
    told = {ground.key: ground.words for ground in grounds_of(figures_of(CALM | {"coverage": 0.9985}, DAYS))}
    assert told["holes"] == "0.15 %" and told["seam"] == "1.00" and told["dates"] == "3 days"
