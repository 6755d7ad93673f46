"""How often and after which pause work is tried again, by the kind of its fault."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from pipeline.errors import EarthquiltError, StorageFull, TransientSourceError, TransientStorageError
from webapp.campaigns.models import Build, Revision


@dataclass(frozen=True)
class Patience:
    """How long a kind of fault is borne.

    Attributes:
        tries: how often work with such a fault is begun at most.
        pause: before the second try, in units of `RETRY_SECONDS`; doubled with each further one.
        longest: no pause is longer, likewise.
        remedy: what to do before it is tried again by hand.
    """

    tries: int
    pause: int
    longest: int
    remedy: str


# A disk is emptied by people, who may sleep; a source recovers by itself or not at all.
FULL_TRIES = 40
LONGEST = 45


def patience(kind: str) -> Patience:
    """How long faults of a kind, "source" or "storage", are borne."""
    if kind == "storage":
        return Patience(
            max(FULL_TRIES, settings.MOST_ATTEMPTS),
            1,
            LONGEST,
            "See whether the storage answers and has room",
        )
    return Patience(settings.MOST_ATTEMPTS, 1, LONGEST, "See whether the source answers")


KINDS: Mapping[type[EarthquiltError], str] = {
    TransientSourceError: "source",
    StorageFull: "storage",
    TransientStorageError: "storage",
}


def kind_of(error: EarthquiltError) -> str:
    """The kind of a fault that may pass by itself, "" of another."""
    return next((kind for known, kind in KINDS.items() if isinstance(error, known)), "")


def interruptions(item: Build | Revision) -> int:
    """How often work was begun, now included, that then ended without a word."""
    return item.attempts - sum(item.tries.values())


def is_last(item: Build | Revision, kind: str = "source") -> bool:
    """Whether work that fails now by a kind of fault is not tried again."""
    return item.tries.get(kind, 0) + 1 >= patience(kind).tries


def put_off(item: Build | Revision, error: EarthquiltError) -> bool:
    """Leave the work for a while; False where it was tried often enough.

    Args:
        item: claimed work that has failed.
        error: how, of a kind that may pass.
    """
    kind = kind_of(error)
    if is_last(item, kind):
        return False
    borne, count = patience(kind), item.tries.get(kind, 0)
    pause = settings.RETRY_SECONDS * min(borne.pause * 2**count, borne.longest)
    tries = item.tries | {kind: count + 1}
    item.release(lease_until=Now() + timedelta(seconds=pause), tries=tries, error=str(error))
    return True


def given_up(item: Build | Revision, error: EarthquiltError) -> str:
    """Why work is not tried again by itself, and how a person has it tried."""
    kind = kind_of(error)
    return (
        f"{error} ({item.tries.get(kind, 0) + 1} attempts) {patience(kind).remedy}, then have it made again."
    )
