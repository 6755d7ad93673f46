"""Writing down what long work has come to, also where the database was restarted meanwhile."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

Result = TypeVar("Result")


def recorded(step: Callable[[], Result]) -> Result:
    """What a step gives that writes to the database; tried again while that cannot be reached.

    Args:
        step: harmless when done twice, since its answer may be lost after it was written.

    Raises:
        Error: of the last try, `LEASE_SECONDS` after the first; the sweep has the work done again.
    """
    close_idle()
    deadline = None
    while True:
        try:
            return step()
        except (OperationalError, InterfaceError) as error:
            deadline = deadline or time.monotonic() + settings.LEASE_SECONDS
            # A connection in the middle of a transaction is nobody's to close.
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            log.warning("The database cannot be reached: %s", error)
            connection.close()
            time.sleep(min(1.0, settings.LEASE_SECONDS / 8))


def close_idle() -> None:
    """Close a connection that was open for longer than it may be, which a network may have forgotten."""
    over = connection.close_at
    # One in the middle of a transaction is nobody's to close.
    if not connection.in_atomic_block and over is not None and time.monotonic() >= over:
        connection.close()
