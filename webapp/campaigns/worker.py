"""A worker that loads the networks once and keeps them."""

import logging
import time
from typing import Any

import django_rq
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from redis.exceptions import RedisError
from rq import Queue
from rq.job import Job
from rq.utils import now
from rq.worker import SimpleWorker

from webapp import storage
from webapp.campaigns.advance import sweep
from webapp.campaigns.going_on import job_of
from webapp.campaigns.hung import ended_when_stuck
from webapp.campaigns.states import QUEUE_OF_REVISION, QUEUE_OF_WEB_COPIES
from webapp.metrics import SWEEPS

log = logging.getLogger(__name__)

NETWORKS = {
    "download": ("preview-cloud", "haze"),
    "gpu": ("preview-cloud", "haze", "cloud", "water", "vegetation", "buildings"),
    "cpu": (),
    "later": (),
}
SWEEP_KEY = "earthquilt:swept"
# As often as RQ's own workers do it.
CLEAN_SECONDS = 600.0


class ResidentWorker(SimpleWorker):
    """Runs jobs in its own process, without a fork, so that loaded networks stay; sweeps between jobs.

    SIGTERM and SIGINT let the stage at work end; a second one gives its claim back and stops at once.
    """

    cleaned: float | None = None

    @property
    def dequeue_timeout(self) -> int:
        """Seconds to wait for a job before it is time to sweep."""
        return settings.SWEEP_SECONDS

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Load the networks of the queues, then work until stopped."""
        storage.begin_work()
        self.load_networks()
        return super().work(*args, **kwargs)

    def load_networks(self) -> None:
        """Load the networks that jobs of the queues will use.

        Raises:
            ModelError: the weights are missing or not what their card says.
        """
        names = [name for queue in self.queue_names() for name in NETWORKS[queue]]
        if names:
            from pipeline import networks

            for name in names:
                networks.load(name)

    def subscribe(self) -> None:
        """Take no commands over Redis: a job in this very process is stopped by signals only."""

    def unsubscribe(self) -> None:
        """Nothing was subscribed to."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job with database connections that still live; one that never ends takes this process along.

        That is for jobs without a lease, and where the thread that keeps it gets no turn (`lease.kept`).
        """
        close_old_connections()
        storage.between_jobs()
        try:
            with job_of(self), ended_when_stuck((job.timeout or 0) + 2 * settings.HUNG_SECONDS):
                super().execute_job(job, queue)
        finally:
            close_old_connections()

    def goes_on_with(self, queue: str) -> bool:
        """Whether this worker takes jobs of a queue and was not asked to stop."""
        return queue in self.queue_names() and not self._stop_requested

    def between_stages(self) -> None:
        """What is done between two jobs, also where a job goes on with the next stage.

        Its connection is left alone: it has just recorded the end of a stage.
        """
        storage.between_jobs()
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()

    def run_maintenance_tasks(self) -> None:
        """Sweep unless another worker has just done it, and clean RQ's registries now and then."""
        self.last_cleaned_at = now()
        try:
            if self.cleaned is None or time.monotonic() - self.cleaned > CLEAN_SECONDS:
                super().run_maintenance_tasks()
                self.cleaned = time.monotonic()
            if self.connection.set(SWEEP_KEY, self.name, nx=True, ex=settings.SWEEP_SECONDS):
                close_old_connections()
                sweep()
                SWEEPS.labels("done").inc()
        except (DatabaseError, RedisError) as error:
            SWEEPS.labels("put off").inc()
            log.warning("The sweep is put off: %s", error)


def make_worker(queues: list[str]) -> ResidentWorker:
    """A worker of some queues, the first of them first; one of "cpu" does what may wait as well, last."""
    waits = [QUEUE_OF_WEB_COPIES] if QUEUE_OF_REVISION in queues and QUEUE_OF_WEB_COPIES not in queues else []
    found = [django_rq.get_queue(name) for name in [*queues, *waits]]
    return ResidentWorker(found, connection=found[0].connection, maintenance_interval=settings.SWEEP_SECONDS)
