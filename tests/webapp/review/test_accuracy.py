"""Assessments: drawn by a worker, labelled blind by people at once, and what comes out."""

import csv
import io
import threading

import numpy as np
import pytest
from django.db import connection

from tests.webapp.products import EAST, WEST, make_campaign, make_revision, make_tiles, write
from webapp.review import sample
from webapp.review.models import Assessment, SamplePoint

ASSESSMENTS = "/api/assessments/"

pytestmark = pytest.mark.django_db


def classes(row):
    """Grass with some water in the west half."""
    codes = np.full((1, 183, 183), 2, np.uint8)
    codes[:, :, :60] = 1
    write(row.current_revision.path / "landcover.tif", row.tile_id, codes, 0)


@pytest.fixture
def two(db, storage, queues):
    campaign = make_campaign()
    for row in make_tiles(campaign, WEST, EAST):
        classes(row)
    return campaign


@pytest.fixture
def drawn(two, operator):
    made = sample.begin(two, 60, 10, operator)
    sample.run_sample(made.pk)
    made.refresh_from_db()
    return made


@pytest.fixture
def other(person):
    return person("other", "reviewer")


def test_an_operator_asks_and_a_worker_draws(as_, two, operator, queues, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = as_(operator).post(ASSESSMENTS, {"campaign": "alps", "points": 60, "least": 10})
    assert answer.status_code == 201 and answer.json()["status"] == "drawing"
    (job,) = queues["cpu"].jobs
    assert job.func_name == "webapp.review.sample.run_sample"
    sample.run_sample(*job.args)
    told = as_(operator).get(f"{ASSESSMENTS}{answer.json()['id']}/").json()
    assert (told["status"], told["drawn"], told["labelled"]) == ("open", 60, 0)
    sample.run_sample(*job.args)
    assert SamplePoint.objects.count() == 60


def test_the_map_is_taken_as_it_was_when_it_was_asked_for(two, operator):
    made = sample.begin(two, 40, 10, operator)
    old = {row.current_revision_id for row in two.tiles.all()}
    make_revision(two.tiles.get(tile_id=WEST))
    sample.run_sample(made.pk)
    assert set(made.points.values_list("revision", flat=True)) <= old


def test_a_sample_that_cannot_be_drawn_says_why(two, operator):
    made = sample.begin(two, 10, 9, operator)
    sample.run_sample(made.pk)
    made.refresh_from_db()
    assert made.status == "failed" and "need 18 points or more, not 10" in made.error


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"points": 1}, "points"),
        ({"points": 20_000}, "points"),
        ({"least": 1}, "least"),
        ({"campaign": "none"}, "campaign"),
    ],
)
def test_what_cannot_be_asked_names_its_field(as_, two, operator, asked, field):
    answer = as_(operator).post(ASSESSMENTS, {"campaign": "alps", "points": 60} | asked)
    assert answer.status_code == 400 and answer.json()["error"]["field"] == field


@pytest.mark.parametrize(
    ("role", "make", "look"), [("customer", 403, 404), ("reviewer", 403, 200), (None, 401, 404)]
)
def test_who_may_ask_and_look(as_, two, person, role, make, look):
    client = as_(person("somebody", role) if role else None)
    assert client.post(ASSESSMENTS, {"campaign": "alps", "points": 60}).status_code == make
    assert client.get(ASSESSMENTS).status_code == look


def test_points_are_shown_without_their_class(as_, drawn, reviewer):
    found = as_(reviewer).post(f"{ASSESSMENTS}{drawn.pk}/points/").json()
    assert len(found) == 3 and set(found[0]) == {"id", "number", "lon", "lat", "build", "tile"}


def test_two_people_get_different_points_and_a_label_counts_once(as_, drawn, reviewer, other):
    mine = as_(reviewer).post(f"{ASSESSMENTS}{drawn.pk}/points/").json()
    theirs = as_(other).post(f"{ASSESSMENTS}{drawn.pk}/points/").json()
    assert not {one["id"] for one in mine} & {one["id"] for one in theirs}
    address, label = f"{ASSESSMENTS}{drawn.pk}/label/", {"point": mine[0]["id"], "label": 4}
    assert as_(other).post(address, label).status_code == 409
    assert as_(reviewer).post(address, label).status_code == 204
    assert as_(other).post(address, label | {"label": 5}).status_code == 409
    assert as_(reviewer).post(address, label | {"label": 3}).status_code == 204
    assert SamplePoint.objects.get(pk=mine[0]["id"]).label == 3
    assert as_(reviewer).post(address, label | {"label": 7}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_people_at_once_never_get_the_same_point(drawn, person):
    people = [person(f"reviewer-{number}", "reviewer") for number in range(5)]
    taken, start = [], threading.Barrier(len(people))

    def race(user):
        start.wait()
        taken.extend(point.pk for point in sample.take_points(user, Assessment.objects.get()))
        connection.close()

    threads = [threading.Thread(target=race, args=[user]) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 15


def label_all(drawn, user, wrong=()):
    for point in drawn.points.order_by("number"):
        code = {1: 2, 2: 6}[point.mapped] if point.number in wrong else point.mapped
        sample.label(user, point, code)


def test_out_come_accuracies_and_areas(as_, drawn, reviewer):
    assert as_(reviewer).get(f"{ASSESSMENTS}{drawn.pk}/result/").json()["accuracy"] is None
    label_all(drawn, reviewer, wrong={1, 2, 3, 4, 5, 6})
    told = as_(reviewer).get(f"{ASSESSMENTS}{drawn.pk}/result/").json()
    assert (told["points"], told["labelled"], told["unknown"]) == (60, 60, 0)
    assert np.sum(told["counts"]) == 60 and np.trace(told["counts"]) == 54
    assert 0.8 < told["accuracy"]["overall"]["value"] < 1 and told["accuracy"]["overall"]["margin"] > 0
    area = sum(one["value"] for one in told["accuracy"]["km2"])
    assert area == pytest.approx(sum(told["mapped_km2"]))
    assert told["accuracy"]["users"][2] is None and told["accuracy"]["producers"][2] is None


def test_what_nobody_can_tell_is_left_out(drawn, reviewer):
    for point in drawn.points.all()[:5]:
        sample.label(reviewer, point, None)
    told = sample.result_of(drawn)
    assert (told["labelled"], told["unknown"], np.sum(told["counts"])) == (5, 5, 0)
    assert "fewer than 2 points" in told["why_not"]


def test_the_result_as_csv(client, drawn, reviewer):
    label_all(drawn, reviewer)
    client.force_login(reviewer)
    rows = list(
        csv.reader(io.StringIO(client.get(f"/review/accuracy/{drawn.pk}/result.csv").content.decode()))
    )
    assert rows[0][:2] == ["class", "is water"] and rows[1][0] == "water"
    assert rows[-1][:2] == ["overall accuracy", "1.0"]


def test_pages_are_for_reviewers(client, drawn, customer):
    address = f"/review/accuracy/{drawn.pk}/"
    assert client.get(address).status_code == 302
    client.force_login(customer)
    assert client.get(address).status_code == 404
