"""Jobs whose storage is a bucket: what is published when, and by whom."""

import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from pipeline.errors import SourceError
from pipeline.store import BucketRoot
from tests.webapp.products import WEST
from webapp import storage
from webapp.campaigns import jobs, networks, soundness, stages, tidy_bucket, web_copies
from webapp.campaigns.advance import sweep
from webapp.campaigns.models import Build, CampaignTile, Revision
from webapp.campaigns.states import Stage
from webapp.campaigns.tidy import run_tidy

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def begun(bucket, begun):
    """The campaign, whose storage is a bucket; its worker is machine one."""
    return begun


def of_another(bucket_root):
    """The same bucket with the working copy of another worker."""
    return BucketRoot(bucket_root.objects, bucket_root.folder.with_name("another"), bucket_root.limit)


def test_what_a_worker_makes_is_on_every_machine(finished, bucket):
    assert finished.status == "composite"
    build, revision = finished.current_build, finished.current_revision
    made = (revision.path / "mosaic.tif").read_bytes()
    bucket("two")
    assert not revision.path.exists()
    assert (revision.bring("mosaic.tif") / "mosaic.tif").read_bytes() == made
    assert [path.name for path in revision.path.iterdir()] == ["mosaic.tif"]
    assert storage.root().names(build.folder) >= {"scene_list.json", "compose.json", "classify.json"}


def test_the_next_stage_goes_on_with_the_files_of_another_machine(begun, bucket, work):
    build = Build.objects.get()
    jobs.run_build(build.pk)
    bucket("two")
    jobs.run_build(build.pk)
    assert (build.path / "scene_list.json").exists() and (build.path / "fetch.json").exists()


def test_a_unit_is_published_before_its_row_changes(begun, monkeypatch):
    build, seen = Build.objects.get(), []

    def look(step):
        root = storage.root()
        root.forget()
        seen.append((Build.objects.get().stage, root.names(build.folder)))
        return step()

    monkeypatch.setattr(jobs, "recorded", look)
    jobs.run_build(build.pk)
    assert seen == [(Stage.SCENE_LIST, {"scene_list.json"})]
    assert Build.objects.get().stage == Stage.FETCH


def test_a_stage_that_fails_publishes_nothing(begun, quick, monkeypatch):
    build = Build.objects.get()

    def half(build):
        build.path.mkdir(parents=True, exist_ok=True)
        (build.path / "half.tif").write_bytes(b"half")
        raise OSError("It broke off.")

    monkeypatch.setitem(stages.STAGES, Stage.SCENE_LIST, half)
    with pytest.raises(OSError, match="It broke off"):
        jobs.run_build(build.pk)
    assert storage.root().names(build.folder) == frozenset()
    assert [key for key in storage.root().objects.under("") if "half" in key] == []


def test_a_worker_that_lost_its_lease_publishes_nothing(begun, monkeypatch, settings):
    build = Build.objects.get()
    whole = stages.STAGES[Stage.SCENE_LIST]

    def overtaken(build):
        found = whole(build)
        Build.objects.update(fence=build.fence + 1)
        # As after a sleep longer than the lease: what was known is known no more.
        settings.LEASE_SECONDS = 0.0
        return found

    monkeypatch.setitem(stages.STAGES, Stage.SCENE_LIST, overtaken)
    jobs.run_build(build.pk)
    assert storage.root().names(build.folder) == frozenset()
    assert Build.objects.get().stage == Stage.SCENE_LIST


def test_of_two_workers_at_one_stage_the_second_begins_again(begun, monkeypatch, work):
    build = Build.objects.get()
    whole = stages.STAGES[Stage.SCENE_LIST]

    def meanwhile(build):
        other = of_another(storage.root())
        place = other.take(build.folder)
        place.mkdir(parents=True, exist_ok=True)
        (place / "of_another.json").write_text("{}")
        other.publish(build.folder)
        return whole(build)

    monkeypatch.setitem(stages.STAGES, Stage.SCENE_LIST, meanwhile)
    jobs.run_build(build.pk)
    build.refresh_from_db()
    assert (build.stage, build.tries) == (Stage.SCENE_LIST, {"storage": 1})
    assert "published by another worker" in build.error
    monkeypatch.setitem(stages.STAGES, Stage.SCENE_LIST, whole)
    Build.objects.update(lease_until=None)
    sweep()
    work()
    assert storage.root().names(build.folder) >= {"of_another.json", "scene_list.json"}
    assert CampaignTile.objects.get().current_revision is not None


def test_damage_in_the_bucket_is_found(finished):
    revision = finished.current_revision
    assert revision.files and soundness.damage(revision) == []
    objects = storage.root().objects
    objects.remove([key for key in objects.under(revision.folder) if "/landcover." in key])
    assert soundness.damage(revision) == ["landcover.tif"]


def test_registered_weights_are_on_every_machine(bucket, finished, campaign):
    networks.keep(campaign.pipeline_settings.networks)
    kept = storage.root().names(networks.FOLDER)
    assert any(name.startswith("haze/") and name.endswith(".safetensors") for name in kept)
    bucket("two")
    shipped, registered = list(networks.store().all("haze"))
    assert shipped.card.sha256 == registered.card.sha256
    registered.check()


def test_workers_of_a_machine_never_share_a_working_copy(bucket, settings, tmp_path):
    storage.begin_work()
    first = storage.root().folder
    taken, storage._own = dict(storage._own), {}
    try:
        storage.begin_work()
        assert storage.root().folder != first
        assert {first.name, storage.root().folder.name} == {"work-0", "work-1"}
    finally:
        for _, lock in storage._own.values():
            lock.close()
        storage._own = taken


def test_remains_of_a_dead_worker_go_when_the_next_begins(bucket, settings, tmp_path):
    part = tmp_path / "one" / "work-0" / "alps" / WEST / "builds" / "1" / ".composite.0.part.tif"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    storage.begin_work()
    assert storage.root().folder.name == "work-0" and not part.exists()


def test_room_is_made_between_jobs(bucket, settings):
    settings.STORAGE_CACHE_MIB = 1
    storage.begin_work()
    root = storage.root()
    for number in range(3):
        with storage.working(f"alps/{WEST}/revisions/{number}") as place:
            place.mkdir(parents=True)
            (place / "mosaic.tif").write_bytes(bytes([number]) * 2**20)
        time.sleep(0.01)
    storage.between_jobs()
    left = [path.parent.name for path in root.folder.rglob("mosaic.tif")]
    assert left == ["2"]
    assert (root.bring(f"alps/{WEST}/revisions/0") / "mosaic.tif").read_bytes() == bytes(2**20)


def test_copies_for_web_maps_are_published(finished, bucket):
    revision = Revision.objects.get()
    before = storage.root().names(revision.folder)
    bucket("two")
    assert web_copies.make(revision)
    bucket("three")
    assert storage.root().names(revision.folder) >= before | {"web/copies.json"}


def objects_of(unit):
    return storage.root().objects.under(unit)


def test_what_losers_left_goes_after_the_grace_time(finished, settings):
    root, build = storage.root(), finished.current_build
    left = f"{build.folder}/composite.{'0' * 32}.tif"
    lost = f"alps/{WEST}/builds/77/composite.{'0' * 32}.tif"
    other = root.folder / "left.tif"
    other.parent.mkdir(parents=True, exist_ok=True)
    other.write_bytes(b"left")
    for key in (left, lost):
        root.objects.put(other, key)
    named = root.names(build.folder)
    settings.ORPHAN_SECONDS = 3600
    run_tidy()
    assert left in objects_of(build.folder) and objects_of(f"alps/{WEST}/builds/77") == [lost]
    settings.ORPHAN_SECONDS = 1
    Build.objects.update(finished_at=Now() - timedelta(seconds=2))
    time.sleep(1.2)
    assert run_tidy() >= 2
    assert left not in objects_of(build.folder) and objects_of(f"alps/{WEST}/builds/77") == []
    root.forget()
    assert root.names(build.folder) == named
    assert soundness.damage(build) == [] and soundness.damage(finished.current_revision) == []


def test_what_losers_left_goes_also_when_nobody_looked_for_days(finished, settings, queues, monkeypatch):
    root, build, day = storage.root(), finished.current_build, timedelta(days=1)
    asked = []
    monkeypatch.setattr(type(root), "prune", lambda self, unit, seconds=0.0: asked.append(unit) or 0)
    Build.objects.update(finished_at=Now() - 40 * day)
    Revision.objects.update(finished_at=Now() - 40 * day)
    run_tidy()
    assert build.folder in asked, "nobody has ever looked"
    del asked[:]
    run_tidy()
    assert asked == [], "a bucket is not asked about the same old work for ever"
    Build.objects.update(finished_at=Now() - 10 * day)
    run_tidy()
    assert asked == []
    key = f"{tidy_bucket.LOOKED_KEY}{finished.campaign_id}"
    queues["cpu"].connection.set(key, float(queues["cpu"].connection.get(key)) - 9 * 86400)
    run_tidy()
    assert asked == [build.folder], "it ended while nobody looked"


def test_work_files_of_a_build_that_failed_go_from_the_bucket(begun, quick, work, settings, monkeypatch):
    root, fetch = storage.root(), stages.STAGES[Stage.FETCH]

    def fetch_a_scene(build):
        path = build.path / "scenes" / "S2A" / "cloud.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
        return fetch(build)

    monkeypatch.setitem(stages.STAGES, Stage.FETCH, fetch_a_scene)
    quick.trouble[WEST, "compose"] = SourceError("S2A is broken.")
    work()
    build = Build.objects.get()
    named = root.names(build.folder)
    assert build.status == "failed" and "scenes/S2A/cloud.tif" in named
    run_tidy()
    root.forget()
    assert root.names(build.folder) == named, "the grace time is not over"
    Build.objects.update(finished_at=Now() - timedelta(seconds=settings.ORPHAN_SECONDS + 60))
    assert run_tidy() == 1
    root.forget()
    assert root.names(build.folder) == named - {"scenes/S2A/cloud.tif"}
    assert not [key for key in objects_of(build.folder) if "scenes/" in key]


def test_what_is_worked_on_is_not_tidied(begun, settings):
    build, root = Build.objects.get(), storage.root()
    jobs.run_build(build.pk)
    under_way = root.folder / "under-way.tif"
    under_way.write_bytes(b"x")
    key = f"{build.folder}/composite.{'0' * 32}.tif"
    root.objects.put(under_way, key)
    settings.ORPHAN_SECONDS = 0
    run_tidy()
    assert key in objects_of(build.folder)
