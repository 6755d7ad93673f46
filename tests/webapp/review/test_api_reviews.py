import threading

import pytest
from django.db import connection

from tests.webapp.products import WEST, make_revision
from webapp.accounts.models import User
from webapp.campaigns.jobs import record_end
from webapp.campaigns.models import Build, Event, Override, Revision
from webapp.campaigns.services import rebuild
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
    assert review.overrides.get().by == reviewer
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
        ({"override": {"kind": "dates", "start": "2023-12-01"}}, "override.start"),
        ({"override": {"kind": "dates", "end": "2023-07-31"}}, "override.end"),
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


def fail_build(tile, status="failed"):
    """End the build under way without a composite, as a worker does."""
    build = tile.builds.get(status="waiting")
    assert build.claim()
    record_end(build, status, "The source is broken.")


def dates(**days):
    return {"kind": "dates", **days}


def mistake(tile, reviewer):
    """Dates that leave no day, as they could be asked for before they were checked."""
    return Override.objects.create(
        campaign_tile=tile, kind="dates", content={"start": "2023-12-01"}, by=reviewer
    )


def test_dates_are_checked_together_with_those_asked_for_before(as_, alps, reviewer):
    as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-08-10")))
    fail_build(alps.tiles.get())
    answer = as_(reviewer).post(REVIEWS, reject(override=dates(start="2023-08-20")))
    assert error(answer)["field"] == "override.start"
    assert "2023-08-20 to 2023-08-10" in error(answer)["message"]
    answer = as_(reviewer).post(REVIEWS, reject(override=dates(start="2023-08-20", end="2023-09-10")))
    assert answer.status_code == 201


@pytest.mark.parametrize("status", ["failed", "empty"])
def test_something_else_can_be_asked_once_the_answer_ended_without_a_result(as_, alps, reviewer, status):
    as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-08-10")))
    fail_build(alps.tiles.get(), status)
    answer = as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-08-20")))
    assert answer.status_code == 201 and answer.json()["successor"] == 3
    assert Build.objects.get(number=3).overrides == {"end": "2023-08-20"}
    assert revision().review_status == "rejected" and revision().reviews.count() == 2


@pytest.mark.parametrize(
    "again", [{"override": dates(end="2023-08-20")}, {}, {"verdict": "approve", "reason": ""}]
)
def test_a_rejection_stands_while_its_answer_is_under_way(as_, alps, reviewer, again):
    as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-08-10")))
    assert "already rejected" in error(as_(reviewer).post(REVIEWS, reject(**again)), 409)["message"]
    assert Review.objects.count() == 1


@pytest.mark.parametrize("again", [{}, {"verdict": "approve", "reason": ""}])
def test_after_a_failed_answer_only_a_wish_is_taken(as_, alps, reviewer, again):
    as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-08-10")))
    fail_build(alps.tiles.get())
    assert error(as_(reviewer).post(REVIEWS, reject(**again)), 409)["code"] == "conflict"


def test_a_further_wish_mends_dates_that_left_no_day(as_, alps, reviewer):
    as_(reviewer).post(REVIEWS, reject())
    tile = alps.tiles.get()
    mistake(tile, reviewer)
    rebuild(tile)
    fail_build(tile)
    answer = as_(reviewer).post(REVIEWS, reject(override=dates(start="2023-08-05")))
    assert answer.status_code == 201
    assert Build.objects.get(status="waiting").overrides == {"start": "2023-08-05"}


def test_an_operator_withdraws_what_a_review_asked(as_, alps, reviewer, operator):
    asked = as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-08-10"))).json()
    fail_build(alps.tiles.get())
    address = f"{REVIEWS}{asked['id']}/withdraw/"
    assert as_(reviewer).post(address).status_code == 403
    answer = as_(operator).post(address)
    assert answer.status_code == 201 and answer.json()["overrides"] == {}
    assert not Override.objects.exists() and Review.objects.get().words == "North-east."
    told = Event.objects.filter(subject="tile", by=operator).values_list("text", flat=True)
    assert "use other dates (end 2023-08-10) was withdrawn" in list(told)
    assert error(as_(operator).post(address), 409)["code"] == "conflict"


def test_a_wish_that_others_lean_on_is_not_withdrawn(as_, alps, reviewer, operator):
    first = as_(reviewer).post(REVIEWS, reject(override=dates(end="2023-09-20"))).json()
    fail_build(alps.tiles.get())
    as_(reviewer).post(REVIEWS, reject(override=dates(start="2023-09-10")))
    answer = as_(operator).post(f"{REVIEWS}{first['id']}/withdraw/")
    assert "2023-09-10 to 2023-08-31" in error(answer)["message"]
    assert Override.objects.count() == 2 and Build.objects.count() == 3


def test_the_admin_pages_withdraw_a_wish(client, alps, reviewer):
    tile = alps.tiles.get()
    stuck = mistake(tile, reviewer)
    rebuild(tile)
    fail_build(tile)
    client.force_login(User.objects.create_superuser("root"))
    form = {"action": "take_back", "_selected_action": [stuck.pk]}
    answer = client.post("/admin/campaigns/override/", form, follow=True)
    assert "build 3 is under way" in answer.content.decode()
    assert Build.objects.get(status="waiting").overrides == {}


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
