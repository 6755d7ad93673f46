"""Workers of `script/bench world`: the real jobs of the real queue, whose stages let time pass instead.

Each is a thread with a database connection of its own that runs `ResidentWorker`: it takes jobs from Redis,
claims, renews and records as any worker does, and sweeps between jobs. Only the stages, the making of a
revision and the low zooms are replaced: by a wait, and by the rows that they write. Runs in `.venv`:
`python -m script.lib.bench.world_workers FOLDER NUMBER THREADS SLUG TILE_SECONDS SECONDS`.
"""

import gc
import json
import os
import random
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webapp.settings"
django.setup()

import django_rq  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from rq import Queue  # noqa: E402
from rq.job import Job  # noqa: E402
from rq.timeouts import BaseDeathPenalty  # noqa: E402

from script.lib.bench.world_plan import PARTS, SCENES, lasts  # noqa: E402
from webapp.campaigns import jobs, stages  # noqa: E402
from webapp.campaigns.models import Build, Campaign, Revision, Scene  # noqa: E402
from webapp.campaigns.states import ACTIVE, Stage  # noqa: E402
from webapp.campaigns.worker import ResidentWorker  # noqa: E402

SAMPLE_SECONDS = 0.5
COUNT_SECONDS = 2.0
FOLLOWING = {
    Stage.SCENE_LIST: Stage.FETCH,
    Stage.FETCH: Stage.MASK,
    Stage.MASK: Stage.COMPOSE,
    Stage.COMPOSE: Stage.CLASSIFY,
    Stage.CLASSIFY: Stage.DONE,
}
RECORDS_SCENES = (Stage.SCENE_LIST, Stage.MASK, Stage.CLASSIFY)


class Counts:
    """What the workers of this process have done, added up."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.working = self.statements = self.builds = self.revisions = self.jobs = 0
        self.busy, self.since = 0.0, time.monotonic()

    def change(self, working: int) -> None:
        """One worker more, or less, is inside a stage."""
        with self.turn:
            now = time.monotonic()
            self.busy += self.working * (now - self.since)
            self.since, self.working = now, self.working + working

    def add(self, name: str) -> None:
        """Count one more."""
        with self.turn:
            setattr(self, name, getattr(self, name) + 1)

    def told(self) -> dict[str, float]:
        """All of it, and the processor time of the process, seconds."""
        self.change(0)
        names = ("busy", "statements", "builds", "revisions", "jobs")
        return {name: getattr(self, name) for name in names} | {"cpu": time.process_time()}


class NoLimit(BaseDeathPenalty):
    """A job in a thread cannot be ended by a signal; these end by themselves."""

    def setup_death_penalty(self) -> None:
        """Nothing is set up."""

    def cancel_death_penalty(self) -> None:
        """Nothing is cancelled."""


class ThreadWorker(ResidentWorker):
    """A worker that is one thread of many."""

    death_penalty_class = NoLimit
    counts: Counts

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job and count it."""
        super().execute_job(job, queue)
        self.counts.add("jobs")

    def load_networks(self) -> None:
        """None are used."""

    def _install_signal_handlers(self) -> None:
        """Signals are the process's own."""


def replace_work(counts: Counts, tile_seconds: float) -> None:
    """Let the stages of this process pass time instead of working."""

    def passing(tile: str, part: str) -> None:
        counts.change(1)
        time.sleep(lasts(tile, part, tile_seconds))
        counts.change(-1)

    def stage(name: Stage) -> Any:
        def run(build: Build) -> stages.Result:
            passing(build.tile_name, name.value)
            if name in RECORDS_SCENES:
                Scene.record(build, candidates(build.tile_name, name != Stage.SCENE_LIST))
            following = FOLLOWING[name]
            if following == Stage.DONE:
                counts.add("builds")
                return following, {"report": {"coverage": 0.999, "residual_cloud": 0.001, "warnings": []}}
            return following, {}

        return run

    def revise(revision: Revision, current: Revision | None = None) -> dict[str, Any]:
        assert stages.folders_of(revision)
        passing(revision.tile_name, "revise")
        counts.add("revisions")
        return {"coverage": 0.999, "seam_score": 1.0, "warnings": []}

    def refresh(campaign: Campaign) -> int:
        return campaign.chips.filter(is_stale=True).update(is_stale=False)

    stages.STAGES = {name: stage(name) for name in FOLLOWING}
    stages.revise = revise
    stages.shows_the_same = lambda revision, current: False
    jobs.pyramid.refresh = refresh


def candidates(tile: str, is_fetched: bool) -> list[dict[str, Any]]:
    """Scenes of a tile, as its scene list tells them; two get their ranks when fetched."""
    return [one | {"id": f"{one['id']}_{tile}"} for one in listed(is_fetched)]


@lru_cache
def listed(is_fetched: bool) -> list[dict[str, Any]]:
    """Scenes as of any tile, made once: to make them is no part of scheduling."""
    chance, first = random.Random(SCENES), datetime(2023, 6, 1, 10, tzinfo=UTC)
    found = []
    for number in range(SCENES):
        chosen = number < 2
        found.append(
            {
                "id": f"S2A_{number:03d}",
                "datetime": (first + timedelta(days=number)).isoformat(),
                "cloud_cover": round(100 * chance.random(), 2),
                "clear_share": round(chance.random(), 4),
                "hazy": False,
                "chosen": chosen,
                "rank": number + 1 if chosen and is_fetched else None,
                "reason": "covers most" if chosen else "adds too little",
            }
        )
    return found


def work(counts: Counts) -> None:
    """One worker, for as long as the process lives."""

    def count(execute: Any, *args: Any) -> Any:
        counts.add("statements")
        return execute(*args)

    ThreadWorker.counts = counts
    found = [django_rq.get_queue(name) for name in ("gpu", "cpu", "download")]
    worker = ThreadWorker(found, connection=found[0].connection, maintenance_interval=settings.SWEEP_SECONDS)
    with connection.execute_wrapper(count):
        worker.work(logging_level="ERROR")


def main(folder: str, number: int, threads: int, slug: str, tile_seconds: float, seconds: float) -> None:
    """Work until the campaign has ended or the time is over; tells what was done, two lines a second."""
    counts = Counts()
    replace_work(counts, tile_seconds)
    # As `manage.py worker` does.
    gc.freeze()
    campaign = Campaign.objects.get(slug=slug)
    for _ in range(threads):
        threading.Thread(target=work, args=(counts,), daemon=True).start()
    over, started, counted = Path(folder) / "over", time.monotonic(), 0.0
    with (Path(folder) / f"samples-{number}.jsonl").open("w", buffering=1) as file:
        while not over.exists():
            sample = {"time": time.time(), **counts.told()}
            if number == 0 and time.monotonic() - counted > COUNT_SECONDS:
                sample |= standing(campaign)
                counted = time.monotonic()
                if not sample["left"] or counted - started > seconds:
                    over.touch()
            file.write(json.dumps(sample) + "\n")
            time.sleep(SAMPLE_SECONDS)
    # Threads that wait for a job would be waited for.
    os._exit(0)


def standing(campaign: Campaign) -> dict[str, int]:
    """How many jobs stand in the queues, and how much of the campaign is left."""
    queued = sum(django_rq.get_queue(name).count for name in settings.QUEUES)
    due = campaign.tiles.due().count()
    at_work = Revision.objects.filter(campaign_tile__campaign=campaign, status__in=ACTIVE).count()
    return {"queued": queued, "due": due, "left": due + at_work, "total": campaign.tiles.count()}


assert set(PARTS) == {*(name.value for name in FOLLOWING), "revise"}

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], float(sys.argv[5]), float(sys.argv[6]))
