"""The queue: order, holds, several reviewers at once, second opinions."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from tests.webapp.products import EAST, WEST, make_campaign, make_revision, make_tile, make_tiles
from webapp.campaigns.models import Event, Revision
from webapp.review import queue
from webapp.review.models import Opinion, QueueEntry, Review
from webapp.review.services import give

QUEUE = "/api/queue/"
NAMES = ("33TVL", "33TWL", "33TXL", "33TVM", "33TWM", "33TXM")

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(db, storage, queues, settings):
    """Two finished tiles, the eastern one with a worse seam; nothing is looked at twice."""
    settings.SECOND_OPINION_SHARE = 0.0
    campaign = make_campaign()
    for row, seam in zip(make_tiles(campaign, WEST, EAST), (1.02, 1.15), strict=True):
        Revision.objects.filter(campaign_tile=row).update(report={"seam_score": seam, "coverage": 0.999})
    return campaign


@pytest.fixture
def other(person):
    return person("other", "reviewer")


@pytest.fixture
def every_second(two, settings):
    settings.SECOND_OPINION_SHARE = 1.0


def listed(client):
    answer = client.get(QUEUE)
    assert answer.status_code == 200
    return answer.json()["results"]


def take_next(client, **asked):
    answer = client.post(f"{QUEUE}next/", asked)
    assert answer.status_code == 200, answer.json()
    return answer.json()["entry"]


def test_the_likeliest_trouble_comes_first_and_says_why(as_, two, reviewer):
    rows = listed(as_(reviewer))
    assert [row["tile"] for row in rows] == [EAST, WEST]
    assert rows[0]["priority"] > rows[1]["priority"] > 0
    assert rows[0]["grounds"][0] == {
        "key": "seam", "title": "seam score", "value": 1.15, "words": "1.15", "points": 11.2, "most": 15,
    }  # fmt: skip


def test_next_takes_the_first_and_tells_the_others(as_, two, reviewer, other):
    mine = take_next(as_(reviewer))
    assert (mine["tile"], mine["mine"], mine["held_by"]) == (EAST, True, "reviewer")
    seen = listed(as_(other))[0]
    assert (seen["held_by"], seen["mine"]) == ("reviewer", False) and seen["held_until"]
    assert take_next(as_(other))["tile"] == WEST
    assert take_next(as_(other)) is None
    assert Event.objects.filter(text__endswith="taken", by=reviewer, tile_name=EAST).count() == 1


def test_next_of_a_campaign_stays_in_it(as_, two, reviewer):
    make_tile(make_campaign("other"), WEST)
    assert take_next(as_(reviewer), campaign="other")["campaign"] == "other"
    assert as_(reviewer).post(f"{QUEUE}next/", {"campaign": "none"}).status_code == 400


def test_a_held_tile_cannot_be_taken_nor_judged_by_another(as_, two, reviewer, other):
    mine = take_next(as_(reviewer))
    answer = as_(other).post(f"{QUEUE}{mine['id']}/take/")
    assert answer.status_code == 409 and "is held by reviewer until" in answer.json()["error"]["message"]
    verdict = {"revision": mine["revision"], "verdict": "approve"}
    answer = as_(other).post("/api/reviews/", verdict)
    assert answer.status_code == 409 and "is held by reviewer" in answer.json()["error"]["message"]
    assert as_(reviewer).post("/api/reviews/", verdict).status_code == 201
    assert [row["tile"] for row in listed(as_(other))] == [WEST]


def test_a_hold_runs_out_by_the_clock_of_the_database(as_, two, reviewer, other):
    mine = take_next(as_(reviewer))
    QueueEntry.objects.filter(pk=mine["id"]).update(held_until=Now() - timedelta(seconds=1))
    assert listed(as_(reviewer))[0]["held_by"] is None
    assert take_next(as_(other))["id"] == mine["id"]
    answer = as_(reviewer).post(f"{QUEUE}{mine['id']}/renew/")
    assert answer.status_code == 409 and "is held by other" in answer.json()["error"]["message"]


def test_a_hold_that_ran_out_unnoticed_is_told(as_, two, reviewer):
    mine = take_next(as_(reviewer))
    QueueEntry.objects.filter(pk=mine["id"]).update(held_until=Now() - timedelta(seconds=1))
    answer = as_(reviewer).post(f"{QUEUE}{mine['id']}/renew/")
    assert "Your hold of" in answer.json()["error"]["message"]


def test_a_hold_is_renewed_and_given_back(as_, two, reviewer, other):
    mine = take_next(as_(reviewer))
    QueueEntry.objects.filter(pk=mine["id"]).update(held_until=Now() + timedelta(seconds=5))
    before = QueueEntry.objects.get(pk=mine["id"]).held_until
    assert as_(reviewer).post(f"{QUEUE}{mine['id']}/renew/").status_code == 200
    assert QueueEntry.objects.get(pk=mine["id"]).held_until > before + timedelta(seconds=600)
    as_(other).post(f"{QUEUE}{mine['id']}/release/")
    assert QueueEntry.objects.get(pk=mine["id"]).held_by == reviewer
    assert as_(reviewer).post(f"{QUEUE}{mine['id']}/release/").json()["held_by"] is None
    assert take_next(as_(other))["id"] == mine["id"]


def test_one_to_look_at_and_one_ahead_are_held_and_no_more(as_, db, storage, queues, reviewer):
    make_tiles(make_campaign(), *NAMES[:4])
    taken = [take_next(as_(reviewer))["id"] for _ in range(3)]
    assert len(set(taken)) == 3
    assert set(QueueEntry.objects.held_by(reviewer).values_list("pk", flat=True)) == set(taken[1:])


def test_taking_again_what_one_holds_keeps_it(as_, two, reviewer):
    mine = take_next(as_(reviewer))
    assert as_(reviewer).post(f"{QUEUE}{mine['id']}/take/").json()["mine"]
    assert Event.objects.filter(text__endswith="taken").count() == 1


def test_a_replaced_revision_leaves_the_queue_and_its_successor_comes(as_, two, reviewer):
    listed(as_(reviewer))
    make_revision(two.tiles.get(tile_id=WEST))
    rows = listed(as_(reviewer))
    assert {row["tile"]: row["revision_number"] for row in rows} == {WEST: 2, EAST: 1}


@pytest.mark.parametrize(("role", "status"), [(None, 404), ("customer", 404), ("stranger", 404)])
def test_the_queue_is_for_reviewers(as_, two, person, role, status):
    client = as_(person("somebody", role) if role else None)
    assert client.get(QUEUE).status_code == status
    assert client.post(f"{QUEUE}next/").status_code in (401, 403)


@pytest.mark.django_db(transaction=True)
def test_reviewers_at_once_never_take_the_same(storage, queues, person):
    make_tiles(make_campaign(), *NAMES)
    queue.refill()
    people = [person(f"reviewer-{number}", "reviewer") for number in range(len(NAMES))]
    taken, start = [], threading.Barrier(len(people))

    def race(user):
        start.wait()
        taken.append(queue.take_next(user).pk)
        connection.close()

    together([threading.Thread(target=race, args=[user]) for user in people])
    assert len(taken) == len(set(taken)) == len(NAMES)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_want_the_same_one_gets_it(storage, queues, person):
    make_tile(make_campaign(), WEST)
    queue.refill()
    people = [person(f"reviewer-{number}", "reviewer") for number in range(5)]
    taken, start = [], threading.Barrier(len(people))

    def race(user):
        start.wait()
        taken.append(queue.take_next(user))
        connection.close()

    together([threading.Thread(target=race, args=[user]) for user in people])
    assert sum(entry is not None for entry in taken) == 1
    assert QueueEntry.objects.get().held_by is not None


def together(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_sample_for_second_opinions_is_as_large_as_asked():
    sampled = sum(queue.is_sampled(key, 0.1) for key in range(20_000))
    assert 1_850 < sampled < 2_150
    assert not any(queue.is_sampled(key, 0) for key in range(100))


def test_a_second_opinion_is_asked_of_another_and_changes_nothing(as_, two, reviewer, other, every_second):
    mine = take_next(as_(reviewer))
    as_(reviewer).post("/api/reviews/", {"revision": mine["revision"], "verdict": "approve"})
    assert [row["tile"] for row in listed(as_(reviewer))] == [WEST]
    second = next(row for row in listed(as_(other)) if row["kind"] == "second")
    assert second["tile"] == EAST and second["grounds"] == mine["grounds"]
    address = f"{QUEUE}{second['id']}/opinion/"
    verdict = {"verdict": "reject", "reason": "seam", "words": "At the eastern edge."}
    assert as_(reviewer).post(address, verdict).status_code == 409
    assert as_(other).post(address, {"verdict": "reject"}).status_code == 400
    assert as_(other).post(address, verdict).status_code == 201
    assert Opinion.objects.get().reason == "seam"
    assert Revision.objects.get(pk=mine["revision"]).review_status == "approved"
    assert as_(other).post(address, verdict).status_code == 409
    assert Review.objects.count() == 1


def test_a_second_opinion_is_also_asked_on_what_was_replaced(as_, two, reviewer, other, every_second):
    mine = take_next(as_(reviewer))
    give(reviewer, Revision.objects.get(pk=mine["revision"]), "reject", "seam")
    make_revision(two.tiles.get(tile_id=EAST))
    kinds = {(row["tile"], row["kind"]) for row in listed(as_(other))}
    assert kinds == {(EAST, "first"), (EAST, "second"), (WEST, "first")}


def test_dates_of_the_shown_scenes_count(two):
    build = two.tiles.get(tile_id=WEST).current_build
    build.scenes.filter(rank__isnull=True).update(rank=2, datetime="2023-06-01T10:00:00Z")
    queue.refill()
    grounds = QueueEntry.objects.get(revision__campaign_tile__tile_id=WEST).grounds
    assert next(one for one in grounds if one["key"] == "dates")["words"] == "75 days"
