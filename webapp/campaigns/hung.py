"""Ends a process whose work hangs where Python cannot interrupt it, as inside GDAL or CUDA.

RQ ends a job that takes too long by a signal, which Python looks at between two of its own steps: a call that
never comes back is never ended so. Whatever starts workers has to start another (docs/running.md).
"""

import faulthandler
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

log = logging.getLogger(__name__)


def longest() -> float:
    """Seconds after which a stage hangs for certain: it should have been ended long before."""
    return settings.STAGE_TIMEOUT + settings.HUNG_SECONDS


def end_process(work: str, seconds: float) -> None:
    """Tell which work hangs and where, and end this process without any clearing up."""
    log.error(
        "%s hangs: it has not ended after %.0f s. This worker ends, so that another takes it over.",
        work,
        seconds,
    )
    faulthandler.dump_traceback(sys.__stderr__ or 2)
    os._exit(os.EX_SOFTWARE)


@contextmanager
def ended_when_stuck(seconds: float) -> Iterator[None]:
    """End this process where the block takes longer, also where no thread of Python gets a turn any more."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or 2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
