"""What becomes of work whose worker, disk or source failed, and of products that changed on disk."""

import errno
import os
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from pipeline.errors import StorageFull, TransientSourceError
from pipeline.storage import write_bytes
from tests.webapp.products import WEST
from webapp.campaigns import lease, retries
from webapp.campaigns.advance import sweep
from webapp.campaigns.jobs import run_build
from webapp.campaigns.models import Build, Event, Revision
from webapp.campaigns.tidy import run_tidy
from webapp.campaigns.worker import make_worker

pytestmark = pytest.mark.django_db(transaction=True)


def once_more():
    """Let the pause end."""
    Build.objects.update(lease_until=None)
    sweep()


# A full disk, a quota, and the largest file that a process may write.
FULL = [OSError(code, os.strerror(code)) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)]


@pytest.mark.parametrize("error", [StorageFull("The disk is full."), *FULL], ids=str)
def test_a_full_disk_is_waited_for_longer_than_a_source(begun, quick, work, settings, error):
    quick.trouble[(WEST, "compose")] = error
    for _ in range(settings.MOST_ATTEMPTS + 2):
        work()
        build = Build.objects.get()
        assert build.status == "running" and build.error.startswith("The disk is full")
        once_more()
    assert build.tries == {"storage": settings.MOST_ATTEMPTS + 2} and build.attempts == build.tries["storage"]
    quick.trouble.clear()
    work()
    build.refresh_from_db()
    assert (build.status, build.tries, build.error) == ("done", {}, "")


def test_pauses_double_up_to_the_longest(begun, settings):
    build = Build.objects.get()
    pauses = []
    for _ in range(8):
        Build.objects.update(lease_until=None)
        build.refresh_from_db()
        assert build.claim() and retries.put_off(build, StorageFull("The disk is full."))
        left = Build.objects.annotate(now=Now()).get()
        pauses.append(round((left.lease_until - left.now).total_seconds() / settings.RETRY_SECONDS))
    assert pauses == [1, 2, 4, 8, 16, 32, 45, 45]


def test_kinds_of_faults_are_counted_apart(begun, quick, work, settings):
    for error in (TransientSourceError("It answers 503."), StorageFull("The disk is full.")):
        for _ in range(settings.MOST_ATTEMPTS - 1):
            quick.trouble[(WEST, "fetch")] = error
            work()
            once_more()
    assert Build.objects.get().tries == dict.fromkeys(("source", "storage"), settings.MOST_ATTEMPTS - 1)


def test_a_worker_that_has_lost_its_lease_gives_no_file_its_name(
    begun, quick, monkeypatch, settings, tmp_path
):
    from webapp.campaigns import stages

    settings.LEASE_SECONDS = 0.2
    target = tmp_path / "late.tif"

    def sleeps(build):
        Build.objects.update(lease_until=Now() - timedelta(seconds=1))
        assert Build.objects.get().claim(), "another worker takes over"
        time.sleep(0.3)
        write_bytes(target, b"late")

    monkeypatch.setitem(stages.STAGES, "scene_list", sleeps)
    monkeypatch.setattr(lease, "_renew", lambda *_: None)
    run_build(Build.objects.get().pk)
    build = Build.objects.get()
    assert not target.exists() and list(tmp_path.glob(".late*")) == []
    assert (build.status, build.stage, build.fence, build.error) == ("running", "scene_list", 2, "")


def test_a_worker_that_was_stopped_goes_on_where_nobody_took_over(
    begun, quick, monkeypatch, settings, tmp_path
):
    from webapp.campaigns import stages

    settings.LEASE_SECONDS = 0.2

    def sleeps(build):
        time.sleep(0.3)
        write_bytes(tmp_path / "late.tif", b"late")
        return "fetch", {}

    monkeypatch.setitem(stages.STAGES, "scene_list", sleeps)
    monkeypatch.setattr(lease, "_renew", lambda *_: None)
    run_build(Build.objects.get().pk)
    assert (tmp_path / "late.tif").exists() and Build.objects.get().stage == "fetch"


def test_a_worker_that_was_stopped_right_after_its_claim_makes_nothing(begun, settings):
    build = Build.objects.get()
    assert build.claim()
    build.held_since -= settings.LEASE_SECONDS + 1
    Build.objects.update(lease_until=Now() - timedelta(seconds=1))
    assert Build.objects.get().claim(), "another worker takes over"
    with pytest.raises(lease.LeaseLost), lease.kept(build):
        pytest.fail("the work began")


def test_workers_sweep_as_often_as_they_are_told(queues, settings):
    settings.SWEEP_SECONDS = 7
    worker = make_worker(["cpu"])
    assert worker.maintenance_interval == worker.dequeue_timeout == 7


def test_a_changed_product_is_found_and_its_revision_made_again(finished, quick, work):
    path = finished.current_revision.path / "mosaic.tif"
    whole = path.read_bytes()
    call_command("verify")
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    quick.same = True
    with pytest.raises(CommandError, match="--mend"):
        call_command("verify")
    assert Revision.objects.count() == 1
    call_command("verify", "--mend")
    work()
    finished.refresh_from_db()
    assert finished.current_revision.number == 2 and finished.current_build.number == 1
    assert (finished.current_revision.path / "mosaic.tif").read_bytes() == whole
    assert Event.objects.filter(subject="revision", text__contains="changed on disk").count() == 1
    call_command("verify")


def test_a_missing_product_of_a_build_has_the_build_made_again(finished, quick, work, monkeypatch):
    build = finished.current_build
    Build.objects.filter(pk=build.pk).update(files={"composite.tif": [3, "0" * 64]})
    call_command("verify", "--mend")
    work()
    finished.refresh_from_db()
    assert finished.current_build.number == 2 and finished.current_revision.number == 2


def test_what_killed_workers_left_goes_after_the_grace_time(finished, settings, queues):
    folder = finished.current_build.path
    left = [folder / ".composite.1a2b3c4d.part.tif", folder / ".compose-x" / "change.npy"]
    left += [folder / "scenes" / "S2A" / "source" / "B02.tif", finished.path / "builds" / "77" / "a.tif"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    assert run_tidy() == 0 and all(path.exists() for path in left)
    ago = time.time() - settings.ORPHAN_SECONDS - 60
    for path in left:
        for one in (path, path.parent):
            os.utime(one, (ago, ago))
    os.utime(left[3].parent, (ago, ago))
    kept = {path for path in finished.path.rglob("*.*") if path not in left and path.is_file()}
    assert run_tidy() == 4
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_what_killed_exports_and_copies_left_goes_after_the_grace_time(finished, settings, queues):
    campaign, root = finished.campaign, settings.STORAGE_ROOT
    left = [
        campaign.path / "exports" / ".1-rgb.1a2b3c4d.part.pmtiles",
        campaign.path / "exports" / ".1-rgb.1a2b3c4d.part.mbtiles-journal",
        campaign.path / "pyramid" / "ab" / f".{'ab' * 32}.1a2b3c4d.part.tif",
        campaign.path / "pyramid" / "ab" / f"{'ab' * 32}.tif",
        campaign.path / ".now-k2j1",
        finished.path / ".told.1a2b3c4d.part.json",
        root / ".models" / "cloud" / ".1.0.0-abcd.1a2b3c4d.part" / "cloud.json",
    ]
    kept = [
        campaign.path / "exports" / "1-rgb.pmtiles",
        campaign.path / "comparisons" / "1-2" / "33TWL.json",
        root / ".models" / "cloud" / "1.0.0-abcd" / "cloud.json",
    ]
    for path in (*left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"0")
    assert run_tidy() == 0 and all(path.exists() for path in (*left, *kept))
    ago = time.time() - settings.ORPHAN_SECONDS - 60
    for path in (*left, *kept, left[-1].parent, kept[-1].parent):
        os.utime(path, (ago, ago))
    assert run_tidy() == len(left)
    assert not any(path.exists() for path in left) and not left[-1].parent.exists()
    assert all(path.exists() for path in kept)


def test_the_look_for_leftovers_comes_before_all_that_waits(begun, queues):
    queues["cpu"].enqueue("webapp.campaigns.jobs.run_pyramid", 0, job_id="waits")
    sweep()
    sweep()
    assert queues["cpu"].job_ids[0] == "tidy" and queues["cpu"].job_ids.count("tidy") == 1
    assert queues["later"].count == 0


def test_work_under_way_is_not_tidied(begun, settings):
    build = Build.objects.get()
    assert build.claim()
    path = build.path / ".composite.1a2b3c4d.part.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"0")
    ago = time.time() - settings.ORPHAN_SECONDS - 60
    os.utime(path, (ago, ago))
    assert run_tidy() == 0 and path.exists()
