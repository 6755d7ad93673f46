"""Builds, revisions and editions in the API."""

import pytest

from tests.webapp.products import WEST, make_revision
from webapp.campaigns.models import Build, Edition, Revision
from webapp.orders.services import Area, place

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", ["builds", "revisions"])
def test_the_desk_sees_all(as_, alps, secret, reviewer, operator, kind):
    for user in (reviewer, operator):
        assert as_(user).get(f"/api/{kind}/").json()["count"] == 2


@pytest.mark.parametrize("kind", ["builds", "revisions"])
def test_others_see_nothing_of_it(as_, alps, stranger, customer, kind):
    key = (Build if kind == "builds" else Revision).objects.get().pk
    for user in (None, stranger, customer):
        assert as_(user).get(f"/api/{kind}/").json()["count"] == 0
        assert as_(user).get(f"/api/{kind}/{key}/").status_code == 404


@pytest.mark.parametrize("kind", ["builds", "revisions"])
def test_customers_see_those_of_their_orders(as_, alps, customer, colleague, kind):
    place(customer, alps, Area.of_tiles([WEST]))
    assert as_(customer).get(f"/api/{kind}/").json()["count"] == 1
    assert as_(colleague).get(f"/api/{kind}/").json()["count"] == 0


def test_published_revisions_are_seen_by_all(as_, alps, secret):
    Edition.publish(alps)
    Edition.publish(secret)
    rows = as_().get("/api/revisions/").json()["results"]
    assert [row["campaign"] for row in rows] == ["alps"]


def test_a_build_has_its_candidates_and_report(as_, alps, reviewer):
    build = as_(reviewer).get(f"/api/builds/{Build.objects.get().pk}/").json()
    assert build["report"]["coverage"] == 0.9985
    assert [scene["chosen"] for scene in build["scenes"]] == [True, False]


def test_a_revision_names_its_builds(as_, alps, reviewer):
    revision = as_(reviewer).get(f"/api/revisions/{Revision.objects.get().pk}/").json()
    assert [build["tile"] for build in revision["builds"]] == [WEST]
    assert revision["report"]["seam_score"] == 1.08


def test_lists_are_filtered(as_, alps, secret, reviewer):
    make_revision(alps.tiles.get())
    count = lambda **query: as_(reviewer).get("/api/revisions/", query).json()["count"]  # noqa: E731
    assert count() == 3
    assert count(campaign="alps") == 2 and count(campaign="alps", status="current") == 1
    assert count(tile=WEST) == 3 and count(tile="33TXM") == 0
    assert count(review_status="unreviewed") == 3


@pytest.mark.parametrize("query", [{"tile": "lower"}, {"campaign": "a\x00"}, {"status": "a b"}])
def test_odd_filters_are_refused(as_, reviewer, query):
    answer = as_(reviewer).get("/api/builds/", query)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == next(iter(query))


@pytest.mark.parametrize("key", ["0", "999999999", "9" * 30, "x", "-1"])
def test_what_is_not_there(as_, reviewer, key):
    assert as_(reviewer).get(f"/api/builds/{key}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_builds_are_only_looked_at(as_, alps, operator, method):
    answer = getattr(as_(operator), method)(f"/api/builds/{Build.objects.get().pk}/")
    assert answer.status_code == 405


def test_operators_publish(as_, alps, operator):
    answer = as_(operator).post("/api/campaigns/alps/editions/")
    assert answer.status_code == 201
    assert answer.json()["tiles"] == [{"tile": WEST, "revision": 1}]
    assert [edition["number"] for edition in as_().get("/api/campaigns/alps/editions/").json()] == [1]


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("customer", 403), ("reviewer", 403)])
def test_others_do_not_publish(as_, alps, person, role, status):
    answer = as_(person("somebody", role) if role else None).post("/api/campaigns/alps/editions/")
    assert answer.status_code == status and not Edition.objects.exists()


def test_what_cannot_be_published_is_told_why(as_, alps, operator):
    alps.want(["33TXM"])
    answer = as_(operator).post("/api/campaigns/alps/editions/")
    assert answer.status_code == 400 and "33TXM" in answer.json()["error"]["message"]


def test_editions_of_a_private_campaign_are_not_there(as_, secret):
    assert as_().get("/api/campaigns/secret/editions/").status_code == 404
