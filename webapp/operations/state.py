"""How the whole system is: its parts, workers and queues, and what is failing, tried again, or slow."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import django_rq
from django.conf import settings
from django.db.models import Count, Max
from django.utils import timezone
from django.utils.translation import gettext as _
from redis.exceptions import RedisError
from rq.worker import BaseWorker, Worker

from webapp import health
from webapp.campaigns.models import Build, CampaignTile, Revision
from webapp.campaigns.states import ACTIVE, TileStatus
from webapp.notices.models import Notice
from webapp.orders.models import Delivery

MOST_ROWS = 50
NEWEST = 60
SLOW_TIMES = 3
GIB = 2**30
ENDED_WELL: dict[type[Build] | type[Revision], tuple[str, ...]] = {
    Build: ("done", "superseded"),
    Revision: ("current", "superseded"),
}


@dataclass(frozen=True)
class WorkerState:
    """A worker as the queue knows it.

    Attributes:
        name: of its process.
        queues: that it works at, the first first.
        state: "busy", "idle" or "suspended".
        seen: its last sign of life.
        done: jobs that it has ended.
        hours: that it has worked.
    """

    name: str
    queues: list[str]
    state: str
    seen: datetime | None
    done: int
    hours: float


def state() -> dict[str, Any]:
    """All that the operators' page shows."""
    usual = {model: usual_seconds(model) for model in ENDED_WELL}
    queues, known = health.queue_lengths(), workers()
    return {
        "parts": health.parts(),
        "queues": queues,
        "unserved": unserved(queues, known),
        "workers": known,
        "storage": storage(),
        "failing": failing(),
        "again": tried_again(),
        "slow": slow(usual),
        "usual_hours": _hours(usual[Build]),
        "usual_hours_of_revisions": _hours(usual[Revision]),
        "notices_given_up": Notice.objects.filter(status=Notice.Status.FAILED).count(),
        "deliveries_failed": Delivery.objects.filter(status="failed").count(),
    }


def workers() -> list[WorkerState]:
    """The workers that the queue knows; none where it does not answer."""
    try:
        found = Worker.all(connection=django_rq.get_connection(settings.QUEUES[0]))
        return sorted((_worker(one) for one in found), key=lambda one: one.name)
    except RedisError:
        return []


def _worker(one: BaseWorker) -> WorkerState:
    hours = (one.total_working_time or 0) / 3600
    queues = [name.removeprefix("rq:queue:") for name in one.queue_names()]
    return WorkerState(
        one.name, queues, str(one.get_state()), one.last_heartbeat, one.successful_job_count, hours
    )


def unserved(queues: Mapping[str, int], known: Iterable[WorkerState]) -> list[str]:
    """The queues with waiting jobs that no worker takes, none at work and none seen for two sweeps."""
    silent = timezone.now() - timedelta(seconds=2 * settings.SWEEP_SECONDS + 60)
    taken = {
        name
        for one in known
        if one.state == "busy" or (one.state != "suspended" and one.seen and one.seen > silent)
        for name in one.queues
    }
    return [name for name, length in queues.items() if length and name not in taken]


def storage() -> dict[str, float] | None:
    """GiB free and in all of the disk of the storage; None where it is away, or a bucket."""
    if settings.STORAGE_BUCKET:
        return None
    try:
        found = shutil.disk_usage(Path(settings.STORAGE_ROOT))
    except OSError:
        return None
    return {"free": found.free / GIB, "total": found.total / GIB, "used_share": found.used / found.total}


def failing() -> list[dict[str, Any]]:
    """What failed, by the sentence that says why, the commonest first; each with one tile to look at."""
    tiles = CampaignTile.objects.filter(status=TileStatus.FAILED).values("status_text")
    rows = tiles.annotate(count=Count("pk"), last=Max("changed_at"), example=Max("pk"))
    rows = list(rows.order_by("-count", "status_text")[:MOST_ROWS])
    examples = CampaignTile.objects.select_related("campaign").in_bulk([row["example"] for row in rows])
    return [
        {
            "why": row["status_text"] or _("Its build failed."),
            "count": row["count"],
            "last": row["last"],
            "tile": examples[row["example"]],
        }
        for row in rows
    ]


def tried_again() -> list[Build | Revision]:
    """Work under way whose last try met trouble, the most tried first."""
    found: list[Build | Revision] = []
    for model in (Build, Revision):
        rows = model.objects.filter(status__in=ACTIVE, attempts__gt=0).exclude(error="")
        found += rows.select_related("campaign_tile__campaign").order_by("-attempts", "pk")[:MOST_ROWS]
    return sorted(found, key=lambda one: -one.attempts)[:MOST_ROWS]


def usual_seconds(model: type[Build] | type[Revision]) -> float | None:
    """The median seconds from begin to end of the newest that ended well; None before the first."""
    ended = model.objects.filter(status__in=ENDED_WELL[model], started_at__isnull=False)
    times = ended.exclude(finished_at=None).order_by("-finished_at").values_list("started_at", "finished_at")
    rows = sorted((end - begin).total_seconds() for begin, end in times[:NEWEST])
    return median(rows) if rows else None


def _hours(seconds: float | None) -> float | None:
    return seconds / 3600 if seconds else None


def slow(usual: Mapping[type[Build] | type[Revision], float | None]) -> list[Build | Revision]:
    """Builds and revisions under way for over three times as long as is usual, the longest first."""
    found: list[Build | Revision] = []
    for model, seconds in usual.items():
        if seconds is not None:
            before = timezone.now() - timedelta(seconds=SLOW_TIMES * seconds)
            rows = model.objects.filter(status__in=ACTIVE, started_at__lt=before)
            found += rows.select_related("campaign_tile__campaign").order_by("started_at")[:MOST_ROWS]
    return sorted(found, key=lambda one: one.started_at)[:MOST_ROWS]
