"""How far a campaign is, what is stuck, how fast the reviewers are and how far they agree."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from tests.webapp.products import EAST, WEST, make_campaign, make_failed, make_tiles
from webapp.campaigns.models import Build, Event, Revision
from webapp.review import agreement, progress, queue
from webapp.review.agreement import Pair
from webapp.review.models import QueueEntry
from webapp.review.services import give, give_opinion

pytestmark = pytest.mark.django_db


@pytest.fixture
def alps(db, storage, queues, settings):
    """Two finished tiles and one that failed; every verdict is looked at twice."""
    settings.SECOND_OPINION_SHARE = 1.0
    campaign = make_campaign()
    make_tiles(campaign, WEST, EAST)
    make_failed(campaign, "33TVL", "No scene of 33TVL.")
    return campaign


@pytest.fixture
def other(person):
    return person("other", "reviewer")


def revision(name):
    return Revision.objects.get(campaign_tile__tile_id=name, status="current")


def told(campaign):
    return progress.progress_of(campaign, progress.looks_of(campaign))


def test_tiles_are_counted_by_where_they_are(alps, reviewer):
    give(reviewer, revision(WEST), "approve")
    give(reviewer, revision(EAST), "reject", "cloud")
    found = told(alps)
    counts = {one["look"]: one["count"] for one in found["counts"]}
    assert counts == {"approved": 1, "rejected": 1, "failed": 1}
    assert (found["wanted"], found["settled"], found["left"]) == (3, 1, 2)


def test_what_is_left_takes_as_long_as_the_rate_says(alps, reviewer):
    assert told(alps)["rate"] is None and told(alps)["days_left"] is None
    give(reviewer, revision(WEST), "approve")
    Event.objects.filter(after="approved").update(at=Now() - timedelta(days=2))
    found = told(alps)
    assert found["rate"] == pytest.approx(0.5, rel=0.01) and found["days_left"] == pytest.approx(4, rel=0.01)


def test_old_approvals_make_the_rate_of_the_last_week(alps, reviewer):
    give(reviewer, revision(WEST), "approve")
    Event.objects.filter(after="approved").update(at=Now() - timedelta(days=30))
    assert told(alps)["rate"] is None
    give(reviewer, revision(EAST), "approve")
    assert told(alps)["rate"] == pytest.approx(1 / 7)


def test_stuck_is_what_failed_waits_or_was_rejected_without_an_answer(alps, reviewer):
    give(reviewer, revision(EAST), "reject", "seam")
    slow = Build.begin(alps.want(["33TWM"])[0])
    Build.objects.filter(pk=slow.pk).update(
        created_at=timezone.now() - timedelta(hours=9), error="The source does not answer."
    )
    found = {one.tile: one.why for one in progress.stuck_of(alps)}
    assert found == {
        "33TVL": "No scene of 33TVL.",
        EAST: "Rejected (visible seam), and nothing is built.",
        "33TWM": "Waits at scene list for long: The source does not answer.",
    }


def test_a_rejection_that_is_answered_is_not_stuck(alps, reviewer):
    from webapp.review.services import Wish

    give(reviewer, revision(EAST), "reject", "cloud", wishes=[Wish("dates", {"end": "2023-08-20"})])
    assert {one.tile for one in progress.stuck_of(alps)} == {"33TVL"}


def test_reviewers_and_the_minutes_a_tile_takes(alps, reviewer):
    entry = queue.take_next(reviewer)
    QueueEntry.objects.filter(pk=entry.pk).update(held_since=Now() - timedelta(minutes=4))
    give(reviewer, entry.revision, "reject", "cloud")
    (row,) = progress.reviewers_of(alps)
    assert (row["name"], row["day"], row["week"], row["total"], row["rejected"]) == ("reviewer", 1, 1, 1, 1)
    assert row["minutes"] == pytest.approx(4, abs=0.2)


def test_agreement_of_first_and_second_verdicts(alps, reviewer, other):
    for name, verdict, reason in [(WEST, "approve", ""), (EAST, "reject", "cloud")]:
        give(reviewer, revision(name), verdict, reason)
    give_opinion(other, revision(WEST), "approve")
    give_opinion(other, revision(EAST), "approve")
    pairs = agreement.pairs_of(alps)
    found = agreement.agreement_of(pairs)
    assert (found["pairs"], found["agreed"], found["counts"]) == (2, 0.5, [[1, 0], [1, 0]])
    assert found["kappa"] == 0
    assert [row["people"] for row in agreement.by_people(pairs)] == [["other", "reviewer"]]


def test_kappa_does_not_depend_on_who_was_first():
    pairs = [Pair("a", "b", "approve", "reject"), Pair("b", "a", "reject", "approve")]
    pairs += [Pair("a", "b", "approve", "approve"), Pair("b", "a", "reject", "reject")]
    (row,) = agreement.by_people(pairs)
    assert row["counts"] == [[1, 2], [0, 1]]
