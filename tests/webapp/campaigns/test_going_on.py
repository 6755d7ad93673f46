"""A worker goes on with the tile that it has, as far as it takes jobs of the next stage."""

import time

import pytest
from django.db import OperationalError, connection, transaction

from pipeline.errors import TransientSourceError
from tests.webapp.campaigns.tiles import tile
from tests.webapp.products import EAST, WEST
from webapp.campaigns import jobs, stages
from webapp.campaigns.advance import sweep
from webapp.campaigns.going_on import LONGEST_SHARE, may_go_on
from webapp.campaigns.models import Build, CampaignTile, Event, Revision
from webapp.campaigns.queue import hint_pyramid_once, taken_up
from webapp.campaigns.recording import recorded
from webapp.campaigns.states import Stage
from webapp.campaigns.worker import ResidentWorker
from webapp.orders.services import Area, place

ALL = ["scene_list", "fetch", "mask", "compose", "classify"]


def test_a_worker_of_all_queues_makes_a_composite_under_one_claim(begun, quick, work):
    work()
    build = Build.objects.get()
    assert build.status == "done" and build.fence == 1
    assert quick.calls == [*((WEST, stage) for stage in ALL), (WEST, "revise")]


def test_a_worker_hands_on_what_it_has_no_networks_for(begun, quick, work, queues):
    work("download")
    build = Build.objects.get()
    assert (build.status, build.stage, build.attempts, build.lease_until) == ("running", "mask", 0, None)
    assert quick.calls == [(WEST, "scene_list"), (WEST, "fetch")]
    assert queues["gpu"].count == 1
    work("gpu")
    assert queues["cpu"].count == 1, "it is composed by those that compose"


def test_a_tile_goes_back_to_the_scenes_under_the_same_claim(begun, quick, work):
    quick.more[WEST] = 2
    work()
    assert Build.objects.get().fence == 1
    assert [stage for _, stage in quick.calls].count("fetch") == 3


def test_a_worker_that_was_asked_to_stop_ends_its_stage_alone(begun, quick, work, monkeypatch, queues):
    fetch = stages.STAGES[Stage.FETCH]

    def asked_to_stop(build):
        monkeypatch.setattr(ResidentWorker, "goes_on_with", lambda self, queue: False)
        return fetch(build)

    monkeypatch.setitem(stages.STAGES, Stage.FETCH, asked_to_stop)
    work("download", "gpu")
    assert [stage for _, stage in quick.calls] == ALL[:3]
    assert Build.objects.get().fence == 2, "the masks were another job"


def test_a_worker_that_stops_goes_on_with_nothing(begun, work, monkeypatch):
    seen = []

    def look(self, queue):
        self._stop_requested = True
        seen.append(goes_on_with(self, queue))
        return seen[-1]

    goes_on_with = ResidentWorker.goes_on_with
    monkeypatch.setattr(ResidentWorker, "goes_on_with", look)
    work()
    assert seen == [False] and Build.objects.get().stage == "fetch"


def test_an_old_job_begins_no_further_stage(begun, quick, work, settings, monkeypatch):
    settings.STAGE_TIMEOUT = 0
    assert LONGEST_SHARE * settings.STAGE_TIMEOUT == 0
    work("download")
    assert Build.objects.get().fence == 2


def test_nothing_goes_on_where_no_worker_runs_it():
    assert not any(may_go_on(queue) for queue in ("download", "gpu", "cpu"))


def test_another_stage_that_fails_tells_and_is_tried_by_itself(begun, quick, work):
    quick.trouble[WEST, "fetch"] = TransientSourceError("silent")
    work()
    build = Build.objects.get()
    assert (build.stage, build.tries, build.error) == ("fetch", {"source": 1}, "silent")
    del quick.trouble[WEST, "fetch"]
    Build.objects.update(lease_until=None)
    sweep()
    work()
    assert tile(WEST).current_revision and Build.objects.get().tries == {}


def test_what_was_taken_over_meanwhile_is_left_to_the_other(begun, quick, work, monkeypatch):
    fetch = stages.STAGES[Stage.FETCH]

    def taken_over(build):
        Build.objects.update(fence=9)
        return fetch(build)

    monkeypatch.setitem(stages.STAGES, Stage.FETCH, taken_over)
    work()
    assert [stage for _, stage in quick.calls] == ALL[:2]
    assert Build.objects.get().stage == "fetch"


@pytest.mark.django_db(transaction=True)
def test_low_zooms_are_asked_for_once_until_somebody_makes_them(storage, queues):
    for revision in (1, 2, 3):
        hint_pyramid_once(7, revision)
    assert queues["cpu"].count == 1
    taken_up(7)
    hint_pyramid_once(7, 4)
    hint_pyramid_once(8, 1)
    assert queues["cpu"].count == 3


def test_first_builds_are_begun_together_as_one_by_one(campaign, quick):
    names = [WEST, EAST]
    tiles = list(CampaignTile.objects.filter(pk__in=[one.pk for one in campaign.want(names)]))
    begun = Build.begin_all(tiles)
    assert {one.tile_name: one.folder for one in begun} == {
        name: f"{campaign.slug}/{name}/builds/1" for name in names
    }
    assert {one.status for one in CampaignTile.objects.all()} == {"building"}
    lines = Event.objects.filter(subject__in=["build", "tile"], after__in=["waiting", "building"])
    told = {(one.subject, one.tile_name, one.before, one.after, one.text) for one in lines}
    assert told == {
        line
        for name in names
        for line in (("build", name, "", "waiting", ""), ("tile", name, "wanted", "building", "build 1"))
    }
    assert Build.begin_all(tiles) == begun, "what is under way is given again"
    assert Build.objects.count() == 2


def test_a_tile_of_which_something_was_asked_gets_it_with_its_first_build(campaign, customer):
    (row,) = campaign.want([WEST])
    row.overrides.create(kind="exclude", content={"scene": "S2A"})
    (build,) = Build.begin_all([row])
    assert build.overrides == {"exclude": ["S2A"]}


def test_revisions_are_begun_together_with_the_next_number_of_each(finished, campaign):
    (other,) = campaign.want([EAST])
    begun = Revision.begin_all(campaign, [finished.pk, other.pk])
    assert {key: one.number for key, one in begun.items()} == {finished.pk: 2, other.pk: 1}
    assert begun[other.pk].folder == f"{campaign.slug}/{EAST}/revisions/1"


@pytest.mark.parametrize("way", ["committed, but the answer lost", "rolled back"])
@pytest.mark.parametrize("ending", ["build", "revision"])
def test_an_end_whose_answer_was_lost_is_recorded_once(begun, quick, work, monkeypatch, way, ending):
    name = {"build": "become_composite", "revision": "ended"}[ending]
    record, calls = getattr(jobs, name), []

    def lost_once(*args):
        calls.append(args)
        if len(calls) > 1:
            return record(*args)
        with transaction.atomic():
            record(*args)
            if way == "rolled back":
                raise OperationalError("The server closed the connection.")
        raise OperationalError("The server closed the connection.")

    monkeypatch.setattr(jobs, name, lost_once)
    work()
    found = tile(WEST)
    assert len(calls) == 2 and found.current_revision.status == "current"
    assert Build.objects.get().fence == Revision.objects.get().fence == 1
    ends = Event.objects.filter(after__in=["done", "current"]).values_list("subject", flat=True)
    assert sorted(ends) == ["build", "revision"]


def test_what_fails_between_two_stages_gives_the_claim_back(begun, quick, work, monkeypatch):
    def full():
        raise OSError("No room is made.")

    monkeypatch.setattr("webapp.campaigns.jobs.between_stages", full)
    work("download")
    build = Build.objects.get()
    assert (build.stage, build.attempts, build.lease_until) == ("fetch", 0, None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("age", [-60, 60])
def test_a_connection_that_was_open_too_long_is_not_used_to_record(age):
    connection.ensure_connection()
    before, connection.close_at = connection.connection, time.monotonic() - age
    recorded(connection.ensure_connection)
    assert (connection.connection is before) == (age < 0)


def test_a_revision_whose_inputs_are_to_be_looked_at_anew_gives_way(finished, quick, work):
    current = finished.current_revision
    Revision.objects.filter(pk=current.pk).update(inputs_hash="")
    Revision.begin(finished)
    Revision.objects.filter(number=2).update(is_ready=True)
    quick.same = True
    sweep()
    work()
    first, second = Revision.objects.order_by("number")
    assert (first.status, second.status) == ("current", "superseded")
    assert first.inputs_hash == second.inputs_hash != ""


def test_who_orders_what_is_under_way_is_told_so(begun, quick, customer):
    assert Build.objects.get().claim()
    order = place(customer, begun, Area.of_tiles([WEST]))
    assert order.status == "running"
    other = place(customer, begun, Area.of_tiles([EAST]))
    assert other.status == "placed"


def test_a_tile_of_a_cancelled_order_is_idle_and_its_build_over(begun, customer, quick):
    order = place(customer, begun, Area.of_tiles([EAST]))
    order.cancel(customer)
    assert tile(EAST).status == "idle"
    assert Build.objects.get(campaign_tile__tile_id=EAST).status == "superseded"
