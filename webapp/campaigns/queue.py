"""The queue: hints that there may be work; losing them loses nothing."""

import logging
from collections.abc import Collection
from functools import lru_cache
from typing import Any

import django_rq
from django.conf import settings
from django.db import transaction
from django_rq.queues import DjangoRQ
from redis.exceptions import RedisError

from webapp.campaigns.models import Build, Revision
from webapp.campaigns.states import QUEUE_OF_PYRAMID, QUEUE_OF_REVISION, QUEUE_OF_STAGE, QUEUE_OF_WEB_COPIES

log = logging.getLogger(__name__)

FAILED_JOB_SECONDS = 24 * 3600
ANNOUNCED_KEY = "earthquilt:low-zooms:"
# The sweep queues what is stale all the same: a lost job delays it by one sweep.
ANNOUNCED_SECONDS = 600


def queue_of(name: str) -> DjangoRQ:
    """A queue; it is kept while it is set up alike, for a new one connects and asks for a version."""
    return _queue(name, tuple(sorted(settings.RQ_QUEUES[name].items())))


@lru_cache(maxsize=32)
def _queue(name: str, set_up: tuple[tuple[str, Any], ...]) -> DjangoRQ:
    return django_rq.get_queue(name)


def queued() -> frozenset[str]:
    """The names of all jobs that stand in the queues; none where Redis does not answer."""
    try:
        return frozenset(name for queue in settings.QUEUES for name in queue_of(queue).job_ids)
    except RedisError:
        return frozenset()


def hint_build(build: Build, known: Collection[str] = ()) -> None:
    """Tell the workers, once the transaction is over, that a build may go on; not where that is known."""
    name = f"build-{build.pk}-{build.stage}-{build.fence}"
    if name not in known:
        hint(QUEUE_OF_STAGE[build.stage], "webapp.campaigns.jobs.run_build", build.pk, name)


def hint_revision(revision: Revision, known: Collection[str] = ()) -> None:
    """Tell the workers, once the transaction is over, that a revision may be made, unless that is known."""
    name = f"revision-{revision.pk}-{revision.fence}"
    if name not in known:
        hint(QUEUE_OF_REVISION, "webapp.campaigns.jobs.run_revision", revision.pk, name)


def hint_pyramid(campaign: int, revision: int) -> None:
    """Tell the workers, once the transaction is over, that a revision made low zooms of a campaign stale."""
    name = f"pyramid-{campaign}-{revision}"
    hint(QUEUE_OF_PYRAMID, "webapp.campaigns.jobs.run_pyramid", campaign, name)


def hint_pyramid_once(campaign: int, revision: int) -> None:
    """As `hint_pyramid`, unless a job that nobody has taken up yet will find the low zooms stale as well."""
    transaction.on_commit(lambda: _announce(campaign, revision))


def _announce(campaign: int, revision: int) -> None:
    try:
        connection = queue_of(QUEUE_OF_PYRAMID).connection
        if not connection.set(f"{ANNOUNCED_KEY}{campaign}", revision, nx=True, ex=ANNOUNCED_SECONDS):
            return
    except RedisError:
        return
    hint_pyramid(campaign, revision)


def taken_up(campaign: int) -> None:
    """Note that a job of a campaign's low zooms has begun: what becomes stale from now on needs another."""
    try:
        queue_of(QUEUE_OF_PYRAMID).connection.delete(f"{ANNOUNCED_KEY}{campaign}")
    except RedisError as error:
        log.warning(
            "Low zooms that become stale now wait for a sweep, since Redis does not answer: %s", error
        )


def hint_web_copies(revision: int) -> None:
    """Tell the workers, once the transaction is over, that a revision may be laid out for web maps."""
    name = f"web-copies-{revision}"
    hint(QUEUE_OF_WEB_COPIES, "webapp.campaigns.jobs.run_web_copies", revision, name)


def hint(queue: str, function: str, key: int | str, job_id: str, at_front: bool = False) -> None:
    """Queue a function of a key under a name of its own, once the transaction is over."""
    transaction.on_commit(lambda: _put(queue, function, key, job_id, at_front))


def _put(queue_name: str, function: str, key: int | str, job_id: str, at_front: bool = False) -> None:
    """Queue a job, unless it stands in the queue already; without Redis the sweep does it later."""
    try:
        queue = queue_of(queue_name)
        if queue.get_job_position(job_id) is None:
            queue.enqueue(
                function,
                key,
                job_id=job_id,
                at_front=at_front,
                result_ttl=0,
                failure_ttl=FAILED_JOB_SECONDS,
            )
    except RedisError as error:
        log.warning("The queue %s did not take %s (%s); the sweep will queue it.", queue_name, job_id, error)
