import threading

import pytest
from django.db import connection

from tests.webapp.products import WEST, make_revision
from webapp.campaigns.models import Build, Event, Override, Revision
from webapp.problems import Refused
from webapp.review.models import Review
from webapp.review.services import give

REVIEWS = "/api/reviews/"
CANDIDATE = f"S2A_{WEST}_20230815"

pytestmark = pytest.mark.django_db


def revision():
    return Revision.objects.get(status="current")


def reject(**more):
    return {"revision": revision().pk, "verdict": "reject", "reason": "cloud", "words": "North-east.", **more}


def error(answer, status=400):
    assert answer.status_code == status, answer.json()
    return answer.json()["error"]


def test_a_reviewer_approves(as_, alps, reviewer):
    answer = as_(reviewer).post(REVIEWS, {"revision": revision().pk, "verdict": "approve"})
    assert answer.status_code == 201 and answer.json()["reviewer"] == "reviewer"
    assert revision().review_status == "approved"
    event = Event.objects.filter(subject="revision").last()
    assert (event.before, event.after, event.by) == ("unreviewed", "approved", reviewer)


def test_a_reviewer_rejects_with_reason_and_words(as_, alps, reviewer):
    assert as_(reviewer).post(REVIEWS, reject()).status_code == 201
    assert revision().review_status == "rejected"
    tile = as_(reviewer).get(f"/api/campaigns/alps/tiles/{WEST}/").json()
    assert tile["rejection"] == "Rejected: cloud left in the mosaic. North-east."
    assert as_().get(f"/api/campaigns/alps/tiles/{WEST}/").json()["rejection"] == ""
    assert Build.objects.count() == 1


@pytest.mark.parametrize(
    ("wish", "used"),
    [
        ({"kind": "exclude", "scene": CANDIDATE}, {"exclude": [CANDIDATE]}),
        ({"kind": "force", "scene": CANDIDATE}, {"force": [CANDIDATE]}),
        ({"kind": "dates", "end": "2023-08-20"}, {"end": "2023-08-20"}),
    ],
)
def test_a_rejection_may_ask_for_a_successor(as_, alps, reviewer, wish, used):
    answer = as_(reviewer).post(REVIEWS, reject(override=wish))
    assert answer.status_code == 201 and answer.json()["successor"] == 2
    review = Review.objects.get()
    assert review.successor.overrides == used and review.successor.status == "waiting"
    assert review.override.by == reviewer
    assert alps.tiles.get().status == "building"
    assert revision().status == "current"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "ugly"}, "reason"),
        ({"verdict": "approve"}, "reason"),
        ({"verdict": "maybe"}, "verdict"),
        ({"revision": 999_999}, "revision"),
        ({"revision": "x"}, "revision"),
        ({"words": "x" * 3000}, "words"),
        ({"override": {"kind": "exclude"}}, "override.scene"),
        ({"override": {"kind": "exclude", "scene": "S2Z"}}, "override.scene"),
        ({"override": {"kind": "dates"}}, "override.start"),
        ({"override": {"kind": "dates", "start": "2023-08-20", "end": "2023-08-01"}}, "override.end"),
        ({"override": {"kind": "paint"}}, "override.kind"),
    ],
)
def test_what_cannot_be_a_verdict_names_its_field(as_, alps, reviewer, changes, field):
    assert error(as_(reviewer).post(REVIEWS, reject(**changes)))["field"] == field
    assert revision().review_status == "unreviewed" and not Review.objects.exists()


@pytest.mark.parametrize(
    ("role", "status"), [(None, 401), ("stranger", 403), ("customer", 403), ("operator", 201)]
)
def test_who_may_review(as_, alps, person, role, status):
    answer = as_(person("somebody", role) if role else None).post(REVIEWS, reject())
    assert answer.status_code == status


def test_reviews_are_for_the_desk(as_, alps, reviewer, customer):
    as_(reviewer).post(REVIEWS, reject())
    key = Review.objects.get().pk
    assert as_(reviewer).get(REVIEWS).json()["count"] == 1
    assert as_(reviewer).get(f"{REVIEWS}{key}/").json()["reason"] == "cloud"
    for user in (None, customer):
        assert as_(user).get(REVIEWS).status_code == 404
        assert as_(user).get(f"{REVIEWS}{key}/").status_code == 404


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_verdict_stands(as_, alps, operator, method):
    as_(operator).post(REVIEWS, reject())
    assert getattr(as_(operator), method)(f"{REVIEWS}{Review.objects.get().pk}/").status_code == 405


def test_the_second_verdict_is_refused(as_, alps, reviewer, operator):
    as_(reviewer).post(REVIEWS, {"revision": revision().pk, "verdict": "approve"})
    assert error(as_(operator).post(REVIEWS, reject()), 409)["code"] == "conflict"
    assert revision().review_status == "approved" and Review.objects.count() == 1


def test_a_revision_that_was_replaced_meanwhile_is_not_reviewed(as_, alps, reviewer):
    old = reject()
    make_revision(alps.tiles.get())
    assert "superseded" in error(as_(reviewer).post(REVIEWS, old), 409)["message"]


@pytest.mark.django_db(transaction=True)
def test_of_two_reviews_at_once_one_counts(alps, reviewer, operator):
    outcomes, start = [], threading.Barrier(2)

    def judge(person, verdict, reason):
        mine = revision()
        start.wait()
        try:
            give(person, mine, verdict, reason)
            outcomes.append(verdict)
        except Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [
        threading.Thread(target=judge, args=args)
        for args in ((reviewer, "approve", ""), (operator, "reject", "seam"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) in (["approve", "refused"], ["refused", "reject"])
    assert Review.objects.count() == 1 and not Override.objects.exists()
