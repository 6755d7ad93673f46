"""Claims: compare and swap in SQL, leases by the database's clock, fencing."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from tests.webapp.products import WEST, make_campaign
from webapp.campaigns.models import Build, Event


@pytest.fixture
def build(db):
    return Build.begin(make_campaign().want([WEST])[0])


def again(build):
    return Build.objects.get(pk=build.pk)


def test_of_two_only_one_gets_the_work(build):
    one, two = again(build), again(build)
    assert one.claim() and not two.claim()
    assert one.status == "running" and one.fence == 1 and one.attempts == 1 and one.started_at
    assert Event.objects.filter(subject="build", before="waiting", after="running").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_threads_only_one_gets_the_work(build):
    won, start = [], threading.Barrier(6)

    def race():
        mine = again(build)
        start.wait()
        won.append(mine.claim())
        connection.close()

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]


def test_a_held_claim_cannot_be_taken_before_the_lease_ends(build):
    assert build.claim()
    assert not again(build).claim()
    Build.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert again(build).claim()


def test_what_a_worker_made_after_its_lease_was_taken_over_is_not_taken(build):
    assert build.claim()
    Build.objects.update(lease_until=Now() - timedelta(seconds=1))
    other = again(build)
    assert other.claim()
    assert not build.renew()
    assert not build.release(stage="fetch")
    assert not build.finish("failed", "late")
    assert other.renew() and other.release(stage="fetch")
    assert again(build).stage == "fetch"


def test_a_superseded_build_takes_no_results(build):
    assert build.claim()
    again(build).move("superseded", "replaced")
    assert not build.release(stage="mask")
    assert not build.finish("failed")
    assert again(build).status == "superseded"


def test_released_work_is_free_at_once_or_later(build):
    assert build.claim() and build.release(stage="fetch", attempts=0)
    assert list(Build.objects.free()) == [build]
    assert build.claim() and build.release(lease_until=Now() + timedelta(seconds=60))
    assert not Build.objects.free().exists()


def test_begin_gives_the_build_under_way(build):
    assert Build.begin(build.campaign_tile) == build
    assert build.number == 1 and build.folder == f"alps/{WEST}/builds/1"


def test_new_overrides_replace_a_build_under_way(build):
    tile = build.campaign_tile
    tile.overrides.create(kind="exclude", content={"scene": "S2A"})
    following = Build.begin(tile)
    assert following.number == 2 and following.overrides == {"exclude": ["S2A"]}
    assert again(build).status == "superseded"


def test_the_last_override_counts(build):
    tile = build.campaign_tile
    for kind, content in [
        ("exclude", {"scene": "A"}),
        ("exclude", {"scene": "B"}),
        ("force", {"scene": "B"}),
        ("dates", {"start": "2023-08-02", "end": "2023-08-05"}),
        ("dates", {"end": "2023-08-09"}),
    ]:
        tile.overrides.create(kind=kind, content=content)
    assert Build.begin(tile).overrides == {
        "exclude": ["A"], "force": ["B"], "start": "2023-08-02", "end": "2023-08-09",
    }  # fmt: skip
