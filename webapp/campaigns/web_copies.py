"""Lays the products of published revisions out for web maps (see `pipeline.web_copy`)."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.models import QuerySet

from pipeline.web_copy import FOLDER, write_web_copies
from webapp import storage
from webapp.campaigns.models import Edition, EditionTile, Revision
from webapp.campaigns.queue import hint_web_copies

# Queued at once; the sweep queues the next.
MOST_QUEUED = 100


def due(edition: Edition | None = None) -> QuerySet[Revision]:
    """Give the revisions of an edition, or of every campaign's newest, whose copies are still to be made."""
    newest = (
        Edition.objects.standing().order_by("campaign_id", "-number").distinct("campaign_id").values("pk")
    )
    shown = EditionTile.objects.filter(edition__in=newest if edition is None else [edition.pk])
    return Revision.objects.filter(has_web_copies=False, pk__in=shown.values("revision")).order_by("pk")


def hint_due(edition: Edition | None = None) -> None:
    """Queue what is due, so much of it as keeps the workers busy until the sweep."""
    for key in due(edition).values_list("pk", flat=True)[:MOST_QUEUED]:
        hint_web_copies(key)


def make(revision: Revision) -> bool:
    """Make what copies of a revision are missing, unless another worker is at it.

    Returns:
        Whether they are there now.

    Raises:
        SourceError: a product is missing or broken.
        StorageError: a copy cannot be written.
    """
    with storage.working(revision.folder) as place, _alone(place / FOLDER) as is_alone:
        if not is_alone:
            return False
        write_web_copies(place, os.cpu_count() or 1)
    return bool(Revision.objects.filter(pk=revision.pk).update(has_web_copies=True))


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process works in a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
