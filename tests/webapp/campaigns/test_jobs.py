"""From a wanted tile to its mosaic, through the real database and queue."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from pipeline.errors import NoScenes, SourceError, StorageError, TransientSourceError
from tests.webapp.campaigns.tiles import begin, tile
from tests.webapp.products import EAST, WEST
from webapp.campaigns import jobs
from webapp.campaigns.advance import advance, sweep
from webapp.campaigns.jobs import run_build, run_revision
from webapp.campaigns.models import Build, Event, Revision
from webapp.campaigns.queue import hint_web_copies
from webapp.campaigns.services import rebuild
from webapp.campaigns.worker import make_worker

pytestmark = pytest.mark.django_db(transaction=True)

FAR = "31UDQ"


def test_a_wanted_tile_becomes_a_mosaic(campaign, quick, work):
    begin(campaign, WEST)
    work()
    row = tile(WEST)
    assert row.status == "composite"
    assert row.current_build.status == row.current_build.stage == "done"
    assert row.current_revision.status == "current"
    assert (row.current_revision.path / "mosaic.tif").exists()
    stages = ["scene_list", "fetch", "mask", "compose", "classify", "revise"]
    assert quick.calls == [(WEST, stage) for stage in stages]


def test_each_stage_goes_to_its_queue(campaign, quick, queues, work):
    begin(campaign, WEST)
    seen = []
    while any(queue.count for queue in queues.values()):
        name = next(name for name, queue in queues.items() if queue.count)
        seen.append(name)
        queues[name].jobs[0].perform()
        queues[name].pop_job_id()
    assert seen == ["download", "download", "gpu", "cpu", "gpu", "cpu", "cpu"], "the last one: low zooms"


def test_further_scenes_are_fetched_while_stage_2_asks_for_them(campaign, quick, work):
    quick.more[WEST] = 2
    begin(campaign, WEST)
    work()
    done = [stage for _, stage in quick.calls]
    assert done.count("fetch") == done.count("mask") == 3 and done.count("compose") == 1


def test_every_change_of_state_is_in_the_history(campaign, quick, work):
    begin(campaign, WEST)
    work()
    changes = list(Event.objects.values_list("subject", "before", "after"))
    assert changes == [
        ("tile", "idle", "wanted"),
        ("build", "", "waiting"),
        ("tile", "wanted", "building"),
        ("build", "waiting", "running"),
        ("build", "running", "done"),
        ("tile", "building", "composite"),
        ("revision", "", "waiting"),
        ("revision", "waiting", "running"),
        ("revision", "running", "current"),
    ]


def test_a_revision_waits_for_its_ring(campaign, quick, work):
    begin(campaign, WEST, EAST)
    quick.trouble[(EAST, "compose")] = TransientSourceError("The source is asleep.")
    work()
    assert tile(WEST).status == "composite" and tile(EAST).status == "building"
    waiting = Revision.objects.get(campaign_tile=tile(WEST))
    run_revision(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.status == "waiting" and waiting.fence == 0
    quick.trouble.clear()
    Build.objects.update(lease_until=None)
    sweep()
    work()
    inputs = {build.tile_name for build in tile(WEST).current_revision.builds.all()}
    assert inputs == {WEST, EAST}


def test_a_tile_out_of_reach_is_not_waited_for(campaign, quick, work):
    begin(campaign, WEST, FAR)
    quick.trouble[(FAR, "fetch")] = TransientSourceError("The source is asleep.")
    work()
    assert tile(WEST).current_revision.status == "current"
    assert tile(FAR).status == "building"


def test_a_new_neighbour_makes_a_revision_stale_and_another_follows(campaign, quick, work):
    begin(campaign, WEST)
    work()
    first = tile(WEST).current_revision
    begin(campaign, EAST)
    work()
    first.refresh_from_db()
    second = tile(WEST).current_revision
    assert first.status == "superseded" and second.number == 2
    assert second.inputs_hash != first.inputs_hash
    assert (first.path / "mosaic.tif").exists()
    assert quick.calls.count((WEST, "revise")) == 2 and quick.calls.count((EAST, "revise")) == 1


def test_a_revision_with_the_same_inputs_is_not_made_again(campaign, quick, work):
    begin(campaign, WEST)
    work()
    advance(campaign)
    sweep()
    work()
    assert quick.calls.count((WEST, "revise")) == 1


def test_a_lost_queue_loses_nothing(campaign, quick, queues, work):
    begin(campaign, WEST, FAR)
    for queue in queues.values():
        queue.empty()
    work()
    assert not quick.calls
    assert sweep() == 1
    work("download")
    queues["gpu"].empty()
    sweep()
    work()
    assert tile(WEST).current_revision and tile(FAR).current_revision
    assert sweep() == 0


def test_a_killed_workers_stage_is_done_again_after_its_lease(campaign, quick, queues, work):
    begin(campaign, WEST)
    queues["download"].empty()
    killed = Build.objects.get()
    assert killed.claim()
    sweep()
    work()
    assert not quick.calls
    Build.objects.update(lease_until=Now() - timedelta(seconds=1))
    sweep()
    work()
    assert tile(WEST).current_revision
    assert not killed.release(stage="mask")


def test_a_stage_that_kills_its_worker_each_time_is_given_up(campaign, quick, queues, work, settings):
    begin(campaign, WEST)
    Build.objects.update(attempts=settings.MOST_ATTEMPTS)
    work()
    build = Build.objects.get()
    assert build.status == tile(WEST).status == "failed"
    assert "begun 4 times and never ended" in build.error
    assert not quick.calls


def test_the_queue_holds_a_hint_once(campaign, quick, queues):
    begin(campaign, WEST)
    for _ in range(3):
        sweep()
    assert queues["download"].count == 1


def test_a_hint_twice_does_the_work_once(campaign, quick):
    begin(campaign, WEST)
    key = Build.objects.get().pk
    run_build(key)
    Build.objects.update(lease_until=Now() + timedelta(seconds=60))
    run_build(key)
    assert quick.calls == [(WEST, "scene_list")]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoScenes("No scene of 33TWL was found."), "empty"),
        (SourceError("S2A is broken."), "failed"),
        (StorageError("The disk is full."), "failed"),
    ],
)
def test_an_error_becomes_the_sentence_of_the_build(campaign, quick, work, error, status):
    begin(campaign, WEST)
    quick.trouble[(WEST, "fetch")] = error
    work()
    build = Build.objects.get()
    assert (build.status, build.error) == (status, str(error))
    assert (tile(WEST).status, tile(WEST).status_text) == (status, str(error))
    assert Event.objects.filter(subject="build", after=status, text=str(error)).exists()


def test_an_unexpected_error_is_recorded_logged_and_fails_the_job(campaign, quick, work, queues, caplog):
    begin(campaign, WEST)
    quick.trouble[(WEST, "scene_list")] = ZeroDivisionError("division by zero")
    work()
    assert Build.objects.get().error == "Ended unexpectedly with ZeroDivisionError: division by zero"
    assert queues["download"].failed_job_registry.count == 1
    assert "Traceback" in caplog.text


def test_a_transient_error_is_tried_again_later_and_given_up_at_last(campaign, quick, work, settings):
    begin(campaign, WEST)
    quick.trouble[(WEST, "fetch")] = TransientSourceError("The source answered 503.")
    for attempt in range(1, settings.MOST_ATTEMPTS + 1):
        work()
        build = Build.objects.get()
        assert quick.calls.count((WEST, "fetch")) == attempt
        if attempt < settings.MOST_ATTEMPTS:
            assert build.status == "running" and build.error == "The source answered 503."
            assert not Build.objects.free().exists()
            Build.objects.update(lease_until=None)
            sweep()
    assert build.status == "failed" and build.error == (
        "The source answered 503. (4 attempts) See whether the source answers, then have it made again."
    )


def test_a_worker_that_is_stopped_gives_its_claim_back(campaign, quick):
    begin(campaign, WEST)
    quick.trouble[(WEST, "scene_list")] = SystemExit()
    with pytest.raises(SystemExit):
        run_build(Build.objects.get().pk)
    assert list(Build.objects.free()) == [Build.objects.get(attempts=0)]


def test_neighbours_do_not_wait_for_what_failed(campaign, quick, work):
    begin(campaign, WEST, EAST)
    quick.trouble[(EAST, "mask")] = SourceError("broken")
    work()
    assert tile(EAST).status == "failed"
    assert tile(WEST).current_revision.status == "current"


def test_a_successor_that_fails_leaves_the_finished_products(campaign, quick, work):
    begin(campaign, WEST)
    work()
    before = tile(WEST)
    tile(WEST).overrides.create(kind="exclude", content={"scene": "S2A"})
    Build.begin(tile(WEST))
    quick.trouble[(WEST, "compose")] = StorageError("The disk is full.")
    sweep()
    work()
    after = tile(WEST)
    assert after.status == "composite" and after.status_text == "The disk is full."
    assert after.current_build == before.current_build
    assert after.current_revision == before.current_revision
    assert Build.objects.get(number=2).status == "failed"
    assert (before.current_revision.path / "mosaic.tif").exists()


def test_a_successor_replaces_its_predecessor_by_a_pointer(campaign, quick, work):
    begin(campaign, WEST)
    work()
    first = tile(WEST).current_build
    tile(WEST).overrides.create(kind="exclude", content={"scene": "S2A"})
    Build.begin(tile(WEST))
    sweep()
    work()
    first.refresh_from_db()
    assert first.status == "superseded" and tile(WEST).current_build.number == 2
    assert tile(WEST).current_revision.build.number == 2
    assert first.path.exists() and first.path != tile(WEST).current_build.path


def test_a_revision_that_fails_is_not_tried_for_ever(campaign, quick, work):
    begin(campaign, WEST)
    quick.trouble[(WEST, "revise")] = StorageError("The disk is full.")
    work()
    sweep()
    work()
    assert quick.calls.count((WEST, "revise")) == 1
    assert Revision.objects.get().status == "failed" and Revision.objects.get().error == "The disk is full."
    assert tile(WEST).current_revision is None


def test_without_redis_the_state_is_kept_for_the_sweep(campaign, quick, settings, queues, work):
    working = settings.RQ_QUEUES
    settings.RQ_QUEUES = {name: {"URL": "redis://127.0.0.1:1/0"} for name in settings.QUEUES}
    begin(campaign, WEST)
    assert Build.objects.get().status == "waiting"
    settings.RQ_QUEUES = working
    sweep()
    work()
    assert tile(WEST).current_revision


def test_a_worker_sweeps_by_itself(campaign, quick, queues, work):
    begin(campaign, WEST)
    queues["download"].empty()
    work(sweeps=True)
    assert tile(WEST).current_revision


def test_web_copies_wait_until_no_build_does(campaign, quick, queues, work, monkeypatch):
    begin(campaign, WEST)
    work()
    del quick.calls[:]
    monkeypatch.setattr(jobs.web_copies, "make", lambda revision: quick.calls.append((WEST, "web copies")))
    hint_web_copies(tile(WEST).current_revision.pk)
    assert queues["later"].count == 1 and queues["cpu"].count == 0
    rebuild(tile(WEST))
    work("cpu", "download", "gpu")
    assert [what for _, what in quick.calls] == [
        *("scene_list", "fetch", "mask", "compose", "classify", "revise"),
        "web copies",
    ]


def test_a_worker_of_other_queues_leaves_web_copies_alone(queues):
    assert make_worker(["gpu", "download"]).queue_names() == ["gpu", "download"]
    assert make_worker(["cpu", "gpu"]).queue_names() == ["cpu", "gpu", "later"]
    assert make_worker(["later", "cpu"]).queue_names() == ["later", "cpu"]
