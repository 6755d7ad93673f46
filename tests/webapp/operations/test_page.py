"""Operators see on one page which parts work, who works, and what fails, is tried again or slow."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from tests.webapp.products import EAST, WEST
from webapp.campaigns.models import Build, CampaignTile, Revision
from webapp.campaigns.worker import make_worker
from webapp.operations.state import state

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client, person):
    client.force_login(person("olga", "operator"))
    return client


def test_others_find_nothing(client, person, storage, queues):
    assert client.get("/operations/").status_code == 302
    client.force_login(person("rita", "reviewer"))
    assert client.get("/operations/").status_code == 404


def test_all_is_well(operator, storage, queues, alps):
    storage.mkdir(parents=True, exist_ok=True)
    page = operator.get("/operations/").content.decode()
    assert page.count("works") == 4 and "is down" not in page
    assert "No worker runs" in page and "No tile has failed." in page and "GiB are free" in page


def test_a_part_that_is_down_is_told(operator, settings, storage):
    settings.RQ_QUEUES = {name: {"URL": "redis://127.0.0.1:1/0"} for name in settings.QUEUES}
    page = operator.get("/operations/").content.decode()
    assert "is down" in page and "The queue does not answer." in page


def test_workers_are_listed_with_their_queues(operator, storage, queues):
    worker = make_worker(["cpu", "download"])
    worker.register_birth()
    try:
        (found,) = state()["workers"]
        assert (found.name, found.queues) == (worker.name, ["cpu", "download", "later"])
        assert "download" in operator.get("/operations/").content.decode()
    finally:
        worker.register_death()


def test_failures_are_gathered_by_reason(operator, alps, storage, queues):
    campaign = alps if hasattr(alps, "tiles") else CampaignTile.objects.first().campaign
    campaign.want([WEST, EAST])
    campaign.tiles.update(status="failed", status_text="The disk is full.")
    (row,) = state()["failing"]
    assert (row["why"], row["count"]) == ("The disk is full.", campaign.tiles.count())
    assert "The disk is full." in operator.get("/operations/").content.decode()


def test_slow_is_what_takes_three_times_as_long_as_usual(operator, alps, storage, queues):
    now = timezone.now()
    done = Build.objects.filter(status="done").first()
    Build.objects.filter(pk=done.pk).update(
        started_at=now - timedelta(hours=5), finished_at=now - timedelta(hours=4)
    )
    tile = CampaignTile.objects.exclude(pk=done.campaign_tile_id).first() or done.campaign_tile
    running = Build.begin(tile)
    Build.objects.filter(pk=running.pk).update(started_at=now - timedelta(hours=2.9))
    assert state()["usual_hours"] == pytest.approx(1) and state()["slow"] == []
    Build.objects.filter(pk=running.pk).update(started_at=now - timedelta(hours=3.1))
    assert state()["slow"] == [running]
    assert tile.tile_id in operator.get("/operations/").content.decode()


def test_slow_revisions_are_held_against_revisions(operator, alps, storage, queues):
    now = timezone.now()
    Build.objects.update(started_at=None)
    done, *others = Revision.objects.filter(status="current")
    Revision.objects.filter(pk=done.pk).update(
        started_at=now - timedelta(minutes=20), finished_at=now - timedelta(minutes=10)
    )
    Revision.objects.filter(pk__in=[one.pk for one in others]).update(started_at=None)
    running = Revision.begin(done.campaign_tile)
    Revision.objects.filter(pk=running.pk).update(started_at=now - timedelta(minutes=29))
    assert state()["usual_hours"] is None and state()["slow"] == []
    assert state()["usual_hours_of_revisions"] == pytest.approx(1 / 6)
    Revision.objects.filter(pk=running.pk).update(started_at=now - timedelta(minutes=31))
    assert state()["slow"] == [running]
    page = operator.get("/operations/").content.decode()
    assert done.campaign_tile.tile_id in page and "<td>Revision</td>" in page


def test_queues_with_jobs_and_without_a_live_worker_are_told(
    operator, storage, queues, django_capture_on_commit_callbacks
):
    told = "No worker takes the jobs of the queue gpu."
    with django_capture_on_commit_callbacks(execute=True):
        queues["gpu"].enqueue("builtins.len", [])
    assert state()["unserved"] == ["gpu"]
    assert told in operator.get("/operations/").content.decode()
    for names, found in ((["cpu"], ["gpu"]), (["gpu"], [])):
        worker = make_worker(names)
        worker.register_birth()
        assert state()["unserved"] == found
    assert told not in operator.get("/operations/").content.decode()
    worker.connection.hset(worker.key, "last_heartbeat", "2026-01-01T00:00:00.000000Z")
    assert state()["unserved"] == ["gpu"], "a worker that has not been seen for long takes nothing"


def test_what_is_tried_again_is_told_with_its_last_trouble(operator, alps, storage, queues):
    build = Build.begin(CampaignTile.objects.first())
    until = Now() + timedelta(minutes=5)
    Build.objects.filter(pk=build.pk).update(
        status="running", attempts=2, error="The source answered 503.", lease_until=until
    )
    assert state()["again"] == [build]
    assert "The source answered 503." in operator.get("/operations/").content.decode()


def test_htmx_gets_the_part_that_changes(operator, storage, queues):
    part = operator.get("/operations/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "Waiting jobs" in part
