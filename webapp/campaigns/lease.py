"""Keeping a claim while a long stage runs, and stopping the work once it is lost."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error, connection

from pipeline.storage import permitted
from webapp.campaigns import hung
from webapp.campaigns.models import Build, Revision
from webapp.campaigns.models.build import lease_clock

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 300.0


class LeaseLost(Exception):
    """Another worker has taken the work over, or the database could not be asked whether one has."""


class Lease:
    """A claim that is renewed while the work goes on.

    Args:
        item: claimed work.
    """

    def __init__(self, item: Build | Revision) -> None:
        self.item = item
        self.turn = threading.Lock()

    def is_sure(self) -> bool:
        """Whether it was held so short a time ago that nobody can have taken it over since."""
        return lease_clock() - self.item.held_since < settings.LEASE_SECONDS / 2

    def renew(self) -> None:
        """Renew it.

        Raises:
            LeaseLost: another worker has the work.
            Error: the database does not answer.
        """
        if not self.item.renew():
            raise LeaseLost(f"Another worker has taken over {self.item}; what this one makes is not taken.")

    def require(self) -> None:
        """Return only while the work is held: a process may have been stopped for longer than its lease.

        Raises:
            LeaseLost: it is not, or the database has not answered for `PATIENCE_SECONDS`.
        """
        if self.is_sure():
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        with self.turn:
            while not self.is_sure():
                try:
                    self.renew()
                except Error as error:
                    connection.close()
                    if time.monotonic() > deadline:
                        raise LeaseLost(f"The lease of {self.item} could not be renewed: {error}") from error
                    time.sleep(min(1.0, settings.LEASE_SECONDS / 8))


@contextmanager
def kept(item: Build | Revision) -> Iterator[Callable[[], None]]:
    """Renew the lease of claimed work from a thread of its own, until the block ends.

    No file gets its name in the block once the lease may be another worker's. Gives what asks whether it is:
    it raises then, and is to be asked before anything is published. A block that hangs ends the process.

    Raises:
        LeaseLost: the work is another worker's by now.
    """
    lease, ended = Lease(item), threading.Event()
    # This process may have been stopped since it claimed the work.
    if not lease.is_sure():
        lease.renew()
    thread = threading.Thread(target=_renew, args=(lease, ended), daemon=True, name=f"lease of {item}")
    thread.start()
    try:
        with permitted(lease.require):
            yield lease.require
    finally:
        ended.set()
        thread.join()


def _renew(lease: Lease, ended: threading.Event) -> None:
    work, longest, began = words_for(lease.item), hung.longest(), time.monotonic()
    while not ended.wait(settings.LEASE_SECONDS / 4):
        if time.monotonic() - began > longest:
            hung.end_process(work, longest)
        try:
            lease.renew()
        except LeaseLost as error:
            log.warning("%s", error)
            return
        except Error as error:
            log.warning("The lease of %s could not be renewed: %s", lease.item, error)
        finally:
            connection.close()


def words_for(item: Build | Revision) -> str:
    """Claimed work with its stage, where it has one."""
    return f"{item}, stage {item.stage}," if isinstance(item, Build) else str(item)
