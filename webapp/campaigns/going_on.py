"""Which worker runs the job of this thread, so that a job may do the next stage as well."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from django.conf import settings


class Worker(Protocol):
    """A worker as its job sees it."""

    def goes_on_with(self, queue: str) -> bool:
        """Whether it takes jobs of a queue and was not asked to stop."""

    def between_stages(self) -> None:
        """Do what a worker does between two jobs."""


_here: ContextVar[tuple[Worker, float] | None] = ContextVar("worker", default=None)
# A job has the time limit of a stage; so the last stage that it begins has nearly all of it.
LONGEST_SHARE = 1 / 8


@contextmanager
def job_of(worker: Worker) -> Iterator[None]:
    """Let the job that runs in the block know its worker."""
    token = _here.set((worker, time.monotonic()))
    try:
        yield
    finally:
        _here.reset(token)


def may_go_on(queue: str) -> bool:
    """Whether this job may go on with work of a queue; never where no worker runs it."""
    if (here := _here.get()) is None:
        return False
    worker, began = here
    is_young = time.monotonic() - began < LONGEST_SHARE * settings.STAGE_TIMEOUT
    return is_young and worker.goes_on_with(queue)


def between_stages() -> None:
    """Do what a worker does between two jobs, where one runs this."""
    if (here := _here.get()) is not None:
        here[0].between_stages()
