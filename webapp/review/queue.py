"""The queue of what waits for a verdict: filled from the state, taken by one reviewer at a time."""

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch
from django.db.models.functions import Now
from django.utils.translation import gettext

from webapp.campaigns.models import Campaign, Revision, Scene
from webapp.campaigns.states import ReviewStatus, RevisionStatus
from webapp.campaigns.words import in_records
from webapp.problems import Refused
from webapp.review.models import QueueEntry
from webapp.review.priority import figures_of, grounds_of, priority_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from webapp.accounts.models import User

# One to look at and one loaded ahead.
MOST_HELD = 2
BATCH = 500
RELATED = ("revision__campaign_tile__campaign", "revision__build", "held_by")


def refill(campaign: Campaign | None = None) -> int:
    """Queue the current revisions that nobody has judged; gives how many are new.

    All is read from the database, so whatever was lost comes back the next time.
    """
    known = QueueEntry.objects.filter(revision=OuterRef("pk"), kind=QueueEntry.Kind.FIRST)
    rows = Revision.objects.filter(
        ~Exists(known), status=RevisionStatus.CURRENT, review_status=ReviewStatus.UNREVIEWED
    )
    if campaign is not None:
        rows = rows.filter(campaign_tile__campaign=campaign)
    shown = Prefetch("build__scenes", Scene.objects.filter(rank__isnull=False), "shown_scenes")
    new = 0
    for revision in rows.select_related("build").prefetch_related(shown).iterator(BATCH):
        _, made = QueueEntry.objects.get_or_create(revision=revision, kind="first", defaults=ranked(revision))
        new += made
    return new


def ranked(revision: Revision) -> dict[str, Any]:
    """Place and grounds of a revision whose build has `shown_scenes`."""
    dates = [scene.datetime for scene in revision.build.shown_scenes]
    grounds = grounds_of(figures_of(revision.report, dates))
    return {"priority": priority_of(grounds), "grounds": [ground.to_json() for ground in grounds]}


def entries(user: "User", campaign: Campaign | None = None) -> "QuerySet[QueueEntry]":
    """What waits for a person, held by others or not, the likeliest trouble first."""
    rows = QueueEntry.objects.waiting().for_reviewer(user).select_related(*RELATED)
    return rows if campaign is None else rows.filter(revision__campaign_tile__campaign=campaign)


@transaction.atomic
def take_next(
    user: "User", campaign: Campaign | None = None, skip: Collection[int] = ()
) -> QueueEntry | None:
    """Take the likeliest trouble that nobody holds; None where nothing is left.

    Rows that another transaction is about to take are skipped, so that two reviewers at once get two.

    Args:
        user: who takes it.
        campaign: only this one's.
        skip: keys of entries that the person leaves for later.
    """
    refill(campaign)
    return _take(user, entries(user, campaign).free().exclude(pk__in=skip))


@transaction.atomic
def take(user: "User", entry: QueueEntry) -> QueueEntry:
    """Take one that was chosen by hand, or keep it.

    Raises:
        Refused: another reviewer holds it, or it waits for nothing any more.
    """
    mine = entries(user).held_by(user).filter(pk=entry.pk).first()
    if mine:
        renew(user, mine)
        return mine
    taken = _take(user, entries(user).free().filter(pk=entry.pk))
    if taken is None:
        entry.refresh_from_db()
        raise Refused(
            holder_words(entry)
            or gettext("%(revision)s is not in your queue any more.") % {"revision": entry.revision}
        )
    return taken


def _take(user: "User", rows: "QuerySet[QueueEntry]") -> QueueEntry | None:
    entry = rows.select_for_update(skip_locked=True, of=("self",)).order_by("-priority", "id").first()
    if entry is None:
        return None
    entry.hold(user)
    _release_beyond(user, entry)
    return entry


def _release_beyond(user: "User", newest: QueueEntry) -> None:
    """Let go of what a person holds besides the newest few."""
    mine = QueueEntry.objects.held_by(user).exclude(pk=newest.pk).order_by("-held_since", "-pk")
    for entry in mine[MOST_HELD - 1 :]:
        release(user, entry)


def renew(user: "User", entry: QueueEntry) -> QueueEntry:
    """Hold an entry for longer.

    Raises:
        Refused: the person does not hold it any more.
    """
    until = Now() + settings.REVIEW_HOLD
    if not QueueEntry.objects.held_by(user).filter(pk=entry.pk).update(held_until=until):
        entry.refresh_from_db()
        raise Refused(
            holder_words(entry)
            or gettext("Your hold of %(tile)s has run out.") % {"tile": entry.revision.campaign_tile}
        )
    entry.refresh_from_db()
    return entry


@transaction.atomic
def release(user: "User", entry: QueueEntry) -> bool:
    """Give an entry back to the queue; False where the person does not hold it."""
    if (
        not QueueEntry.objects.held_by(user)
        .filter(pk=entry.pk)
        .update(held_by=None, held_since=None, held_until=None)
    ):
        return False
    tile = entry.revision.campaign_tile
    with in_records():
        tile.remember(tile.status, tile.status, f"{entry} given back", user)
    return True


def holder_words(entry: QueueEntry, besides: "User | None" = None) -> str:
    """Who holds an entry, as a sentence; empty where nobody does, or the person who asks."""
    held = QueueEntry.objects.filter(pk=entry.pk, held_until__gte=Now()).select_related("held_by").first()
    if held is None or held.held_by is None or held.held_by == besides:
        return ""
    words = {"tile": held.revision.campaign_tile, "person": held.held_by.get_username()}
    words["time"] = f"{held.held_until:%H:%M} UTC"
    return gettext("%(tile)s is held by %(person)s until %(time)s.") % words


def settle(revision: Revision, kind: str) -> None:
    """Take a look that has ended out of the queue; who held it since when stays, for the throughput."""
    QueueEntry.objects.filter(revision=revision, kind=kind).update(done_at=Now(), held_until=None)


def ask_second(revision: Revision) -> bool:
    """Queue a judged revision for a second opinion, if it is one of the sample; tells whether it is."""
    if not is_sampled(revision.pk, settings.SECOND_OPINION_SHARE):
        return False
    first = QueueEntry.objects.filter(revision=revision, kind=QueueEntry.Kind.FIRST).first()
    kept = {"priority": first.priority, "grounds": first.grounds, "spots": first.spots} if first else {}
    QueueEntry.objects.get_or_create(revision=revision, kind=QueueEntry.Kind.SECOND, defaults=kept)
    return True


def is_sampled(key: int, share: float) -> bool:
    """Whether a revision is one of the share that is looked at twice: the same answer whoever asks."""
    digest = hashlib.sha256(f"second opinion {key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
