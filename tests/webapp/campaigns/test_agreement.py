"""Lists of tiles that wait at the same time are chosen together, where the campaign wants them to agree."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.db import transaction

from pipeline import chain, several
from pipeline.build import CANDIDATES
from pipeline.catalog.scene import Scene as Acquisition
from pipeline.errors import NoScenes, StorageError
from pipeline.scene_list import Look, choose_among
from pipeline.scene_list.masks import PREVIEW_SHAPE
from pipeline.storage import write_json
from tests.webapp.products import EAST, WEST, make_campaign
from webapp.campaigns import stages
from webapp.campaigns.advance import advance, sweep
from webapp.campaigns.agreement import block_of
from webapp.campaigns.jobs import run_build
from webapp.campaigns.models import Build, Campaign, CampaignTile
from webapp.campaigns.states import Stage

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_ZONE, FAR_NORTH = "32TQR", "33WVP"
# Which day shows which overpass; all is clear on each.
DAYS = {WEST: {4: "A", 20: "B"}, EAST: {5: "A", 28: "C"}}


def clear_on(tile, day, datatake):
    taken = datetime(2023, 8, day, 10, 5, tzinfo=UTC)
    scene = Acquisition(f"S2A_{tile}_{day:02d}", tile, taken, "L2A", "05.09", datatake, 10.0, {})
    return Look(scene, np.ones(PREVIEW_SHAPE, bool), 0.1)


def make_list(build, catalog, near=(), overrides=None, bear=None):
    """Stage 1 as the chain does it, on days whose previews need not be looked at."""
    days = DAYS.get(build.tile.name, {9: "D"})
    looks = [clear_on(build.tile.name, day, take) for day, take in days.items()]
    asked = {"scenes": [one.scene.to_json() for one in looks], "rejected": [], "overrides": {}}
    write_json(build.folder / CANDIDATES, asked | {"neighbour_datatakes": [sorted(one) for one in near]})
    return choose_among(looks, build.tile, build.settings, build.folder, near)


@pytest.fixture
def listing(quick, monkeypatch):
    """Stage 1 is real but for the previews, what follows is quick; gives the calls of the latter."""
    monkeypatch.setattr(chain, "make_scene_list", make_list)
    real = {Stage.SCENE_LIST: stages.scene_list, Stage.AGREE: stages.agree}
    monkeypatch.setattr(stages, "STAGES", stages.STAGES | real)
    return quick


@pytest.fixture
def agreeing(transactional_db, storage, queues):
    return make_campaign("agreeing", agree_datatakes=True, series=1)


def begun(campaign, *names):
    """The builds of tiles that are wanted at once, by tile name."""
    campaign.want(list(names))
    advance(campaign)
    return {one.tile_name: one for one in Build.objects.filter(campaign_tile__campaign=campaign)}


def stage_of(build):
    return Build.objects.get(pk=build.pk).stage


def days_of(build):
    listed = json.loads((build.path / "scene_list.json").read_text())["scenes"]
    return [int(one["datetime"][8:10]) for one in listed if one["chosen"]]


@pytest.mark.parametrize("order", [(WEST, EAST), (EAST, WEST)])
def test_lists_of_tiles_that_wait_at_once_are_chosen_together(agreeing, listing, order):
    builds = begun(agreeing, WEST, EAST)
    run_build(builds[order[0]].pk)
    assert stage_of(builds[order[0]]) == "agree"
    run_build(builds[order[0]].pk)
    assert stage_of(builds[order[0]]) == "agree", "the other one has no list yet"
    run_build(builds[order[1]].pk)
    assert [days_of(builds[name]) for name in (WEST, EAST)] == [[20], [28]], "each of its own"
    run_build(builds[order[1]].pk)
    assert [days_of(builds[name]) for name in (WEST, EAST)] == [[4], [5]]
    assert [stage_of(builds[name]) for name in (WEST, EAST)] == ["fetch", "fetch"]
    assert {one.datetime.day for one in builds[WEST].scenes.filter(chosen=True)} == {4}
    assert {one.datetime.day for one in builds[EAST].scenes.filter(chosen=True)} == {5}


def test_tiles_whose_lists_agree_become_mosaics(agreeing, listing, work):
    builds = begun(agreeing, WEST, EAST)
    work()
    assert {row.status for row in CampaignTile.objects.all()} == {"composite"}
    assert [days_of(builds[name]) for name in (WEST, EAST)] == [[4], [5]]
    assert [call for call in listing.calls if call[1] == "fetch"] == [(WEST, "fetch"), (EAST, "fetch")]


def test_without_agreement_each_list_is_of_its_own(transactional_db, storage, queues, listing):
    builds = begun(make_campaign(series=1), WEST, EAST)
    for one in builds.values():
        run_build(one.pk)
        assert stage_of(one) == "fetch"
    assert [days_of(builds[name]) for name in (WEST, EAST)] == [[20], [28]]


def test_a_tile_without_scenes_keeps_no_other_waiting(agreeing, listing, monkeypatch, work):
    def empty_in_the_east(build, *asked):
        if build.tile.name == EAST:
            raise NoScenes("No scene was found.")
        return make_list(build, *asked)

    monkeypatch.setattr(chain, "make_scene_list", empty_in_the_east)
    builds = begun(agreeing, WEST, EAST)
    work("download", "cpu")
    assert Build.objects.get(pk=builds[EAST].pk).status == "empty"
    assert stage_of(builds[WEST]) == "mask", "it has fetched"
    assert days_of(builds[WEST]) == [20]


def test_while_one_worker_chooses_for_a_block_no_other_does(agreeing, listing, monkeypatch):
    builds = begun(agreeing, WEST, EAST)
    for one in builds.values():
        run_build(one.pk)
    asked = []

    def agree(works, finished):
        asked.append([work.tile.name for work in works])
        for one in builds.values():
            run_build(one.pk)

    monkeypatch.setattr(several, "agree", agree)
    run_build(builds[EAST].pk)
    assert asked == [[WEST, EAST]]
    assert [stage_of(one) for one in builds.values()] == ["fetch", "fetch"]


def test_a_worker_that_was_killed_while_choosing_leaves_the_work_to_another(agreeing, listing):
    builds = begun(agreeing, WEST, EAST)
    for one in builds.values():
        run_build(one.pk)
    held = Build.objects.get(pk=builds[WEST].pk)
    assert held.claim()
    run_build(builds[EAST].pk)
    assert stage_of(builds[EAST]) == "agree"
    assert held.release()
    sweep()
    run_build(builds[EAST].pk)
    assert [stage_of(one) for one in builds.values()] == ["fetch", "fetch"]


def test_lists_that_cannot_be_chosen_together_stay_and_the_report_tells(agreeing, listing, monkeypatch):
    def broken(works, finished):
        raise StorageError("previews.npz cannot be read.")

    monkeypatch.setattr(several, "agree", broken)
    builds = begun(agreeing, WEST, EAST)
    for _ in range(2):
        for one in builds.values():
            run_build(one.pk)
    for one in builds.values():
        (warning,) = json.loads((one.path / "work.json").read_text())["warnings"]
        assert warning.startswith("The list was not chosen together") and "cannot be read" in warning
    assert [days_of(builds[name]) for name in (WEST, EAST)] == [[20], [28]]


def test_a_claim_counts_for_the_stage_that_was_looked_at_only(agreeing, listing):
    (build,) = begun(agreeing, WEST).values()
    Build.objects.filter(pk=build.pk).update(stage=Stage.AGREE)
    assert not build.claim()
    build.refresh_from_db()
    assert build.claim()


def test_blocks_are_those_of_a_zone_and_a_thousand_kilometres():
    assert block_of(WEST) == block_of(EAST) == (33, False, 5)
    assert block_of(OTHER_ZONE)[0] == 32 and block_of(FAR_NORTH)[2] > 5
    assert block_of("33LYC")[1:] == (True, 8)


def finished(campaign, name, days):
    """A tile whose composite is of some days."""
    row = CampaignTile.objects.get(campaign=campaign, tile_id=name)
    build = row.active_build
    scenes = [{"datatake": take, "chosen": day in days} for day, take in DAYS.get(name, {9: "D"}).items()]
    build.path.mkdir(parents=True, exist_ok=True)
    (build.path / "scene_list.json").write_text(json.dumps({"scenes": scenes}))
    assert build.claim()
    with transaction.atomic():
        assert build.finish("done", stage="done")
    assert row.move("composite", current_build=build)
    return build


@pytest.fixture
def three(agreeing):
    """Builds of two neighbours and of a tile far away."""
    return begun(agreeing, WEST, EAST, FAR_NORTH)


def test_the_lists_of_finished_neighbours_count(agreeing, three):
    assert stages.neighbour_datatakes(three[WEST]) == []
    for name, days in ((EAST, [5]), (FAR_NORTH, [9])):
        finished(agreeing, name, days)
    assert stages.neighbour_datatakes(three[WEST]) == [frozenset("A")]
    assert stages.neighbour_datatakes(three[FAR_NORTH]) == []


def test_the_lists_of_neighbours_that_fetch_count_before_those_of_their_composites(agreeing, three):
    old = finished(agreeing, EAST, [5])
    new = Build.begin(old.campaign_tile)
    assert stages.neighbour_datatakes(three[WEST]) == [frozenset("A")], "the new one has no list yet"
    new.path.mkdir(parents=True)
    (new.path / "scene_list.json").write_text(json.dumps({"scenes": [{"datatake": "C", "chosen": True}]}))
    Build.objects.filter(pk=new.pk).update(stage=Stage.FETCH)
    assert stages.neighbour_datatakes(three[WEST]) == [frozenset("C")]


def test_no_lists_count_where_the_campaign_wants_no_agreement(agreeing, three):
    finished(agreeing, EAST, [5])
    Campaign.objects.filter(pk=agreeing.pk).update(settings=agreeing.settings | {"agree_datatakes": False})
    build = Build.objects.get(pk=three[WEST].pk)
    assert stages.neighbour_datatakes(build) == []


def test_the_lists_that_stay_are_constants_of_the_choice(agreeing, listing, monkeypatch):
    builds = begun(agreeing, WEST, EAST)
    finished(agreeing, EAST, [28])
    asked = []
    monkeypatch.setattr(several, "agree", lambda works, settled: asked.append((works, settled)))
    for _ in range(2):
        run_build(builds[WEST].pk)
    ((works, settled),) = asked
    assert [work.tile.name for work in works] == [WEST]
    assert [work.folder for work in settled] == [builds[EAST].path]
    assert stage_of(builds[WEST]) == "fetch"
    assert date(2023, 8, 20) in {one.datetime.date() for one in builds[WEST].scenes.all()}
