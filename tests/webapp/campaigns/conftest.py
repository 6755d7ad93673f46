"""Stages that write small files at once in place of hours of work, and workers that run until all is done."""

import json

import pytest

from tests.webapp.campaigns.tiles import begin
from tests.webapp.products import WEST, make_campaign, write_provenance, write_revision
from webapp.campaigns import stages
from webapp.campaigns.models import CampaignTile
from webapp.campaigns.states import Stage
from webapp.campaigns.worker import SWEEP_KEY, ResidentWorker, make_worker

FOLLOWING = {
    Stage.SCENE_LIST: Stage.FETCH,
    Stage.FETCH: Stage.MASK,
    Stage.MASK: Stage.COMPOSE,
    Stage.COMPOSE: Stage.CLASSIFY,
    Stage.FILL: Stage.CLASSIFY,
    Stage.CLASSIFY: Stage.DONE,
}


class QuickStages:
    """Writes a file for each stage; raises what a test has put in `trouble` under (tile, stage).

    `same` says whether a further revision of a tile would show what the current one does.
    """

    def __init__(self):
        self.trouble = {}
        self.same = False
        self.calls = []
        self.more = {}

    def stage(self, name):
        def run(build):
            self.calls.append((build.tile_name, str(name)))
            if error := self.trouble.get((build.tile_name, str(name))):
                raise error
            build.path.mkdir(parents=True, exist_ok=True)
            (build.path / f"{name}.json").write_text(json.dumps(build.overrides))
            if name == Stage.MASK and self.more.get(build.tile_name, 0):
                self.more[build.tile_name] -= 1
                return Stage.FETCH, {}
            following = FOLLOWING[name]
            return following, {"report": {"coverage": 1.0}} if following == Stage.DONE else {}

        return run

    def revise(self, revision, current=None):
        self.calls.append((revision.tile_name, "revise"))
        if error := self.trouble.get((revision.tile_name, "revise")):
            raise error
        write_revision(revision.path, revision.tile_name)
        write_provenance(revision.build.path, revision.tile_name)
        return {"coverage": 1.0, "inputs": [str(build) for build in revision.builds.all()]}


@pytest.fixture
def quick(monkeypatch):
    found = QuickStages()
    monkeypatch.setattr(stages, "STAGES", {name: found.stage(name) for name in FOLLOWING})
    monkeypatch.setattr(stages, "revise", found.revise)
    monkeypatch.setattr(stages, "shows_the_same", lambda revision, current: found.same)
    return found


@pytest.fixture
def campaign(transactional_db, storage, queues):
    return make_campaign()


@pytest.fixture
def work(queues, monkeypatch):
    """Runs real workers on the real queue until it is empty; they load no networks and sweep only if told."""
    monkeypatch.setattr(ResidentWorker, "load_networks", lambda self: None)

    def run(*names, sweeps=False):
        if not sweeps:
            queues["cpu"].connection.set(SWEEP_KEY, "the test")
        make_worker(list(names) or list(queues)).work(burst=True, logging_level="ERROR")

    return run


@pytest.fixture
def begun(campaign, quick, queues):
    """A campaign with one wanted tile, whose first stage waits."""
    begin(campaign, WEST)
    return campaign


@pytest.fixture
def finished(begun, work):
    """The tile, with its mosaic."""
    work()
    return CampaignTile.objects.select_related("current_build", "current_revision").get()
