"""Keeping a claim while a long stage runs."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DatabaseError, connection

from webapp.campaigns.models import Build, Revision

log = logging.getLogger(__name__)


@contextmanager
def kept(item: Build | Revision) -> Iterator[None]:
    """Renew the lease of claimed work from a thread of its own, until the block ends."""
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(item, ended), daemon=True, name=f"lease of {item}")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew(item: Build | Revision, ended: threading.Event) -> None:
    while not ended.wait(settings.LEASE_SECONDS / 4):
        try:
            if not item.renew():
                log.warning("Another worker has taken over %s; what this one makes will not be taken.", item)
                return
        except DatabaseError as error:
            log.warning("The lease of %s could not be renewed: %s", item, error)
        finally:
            connection.close()
