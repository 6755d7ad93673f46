"""Giving a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext

from pipeline.errors import UsageError
from webapp.campaigns.advance import lock
from webapp.campaigns.models import Build, CampaignTile, Override, Revision
from webapp.campaigns.services import rebuild
from webapp.campaigns.states import BuildStatus, ReviewStatus, RevisionStatus
from webapp.campaigns.words import in_records
from webapp.problems import Refused
from webapp.review import queue
from webapp.review.answers import Drawing, wishes_of
from webapp.review.models import Defect, Opinion, QueueEntry, Reason, Review, Verdict

if TYPE_CHECKING:
    from webapp.accounts.models import User


@dataclass(frozen=True)
class Wish:
    """What the reviewer asks of the tile's next build."""

    kind: str
    content: dict[str, Any]


@transaction.atomic
def give(
    reviewer: "User",
    revision: Revision,
    verdict: str,
    reason: str = "",
    words: str = "",
    wishes: Sequence[Wish] = (),
    drawings: Sequence[Drawing] = (),
) -> Review:
    """Record a verdict on the current revision of a tile; of two reviewers at once, the second is refused.

    Args:
        reviewer: who gives it.
        revision: on what.
        verdict: of `Verdict`.
        reason: of `Reason`, where it is rejected.
        words: in the reviewer's own.
        wishes: what the next build shall do differently.
        drawings: where something is wrong; cloud, shadow, haze and wrong classes are wishes as well.

    Raises:
        UsageError: a rejection without a reason, or an approval with one, with a wish or with drawings.
        Refused: the revision has been replaced or reviewed meanwhile, or another reviewer holds it.
    """
    check(verdict, reason, bool(wishes or drawings))
    lock(revision.campaign)
    refuse_held(revision, QueueEntry.Kind.FIRST, reviewer)
    answers = wishes_of(revision, drawings)
    drawn = [None if answer is None else Wish(*answer) for answer in answers]
    asked = [*wishes, *filter(None, drawn)]
    before = decide(revision, verdict, asked)
    overrides, successor = ask(revision.campaign_tile, reviewer, asked, words) if asked else ([], None)
    with in_records():
        text = " ".join(filter(None, (str(Reason(reason).label) if reason else "", words)))
    revision.remember(before, revision.review_status, text, reviewer)
    queue.settle(revision, QueueEntry.Kind.FIRST)
    queue.ask_second(revision)
    review = Review.objects.create(
        revision=revision,
        reviewer=reviewer,
        verdict=verdict,
        reason=reason,
        words=words,
        successor=successor,
    )
    review.overrides.set(overrides)
    of_drawings = iter(overrides[len(wishes) :])
    for drawing, wish in zip(drawings, drawn, strict=True):
        keep(review, drawing, next(of_drawings) if wish else None)
    return review


def keep(review: Review, drawing: Drawing, override: Override | None) -> Defect:
    """Keep what was drawn with the verdict."""
    return Defect.objects.create(
        review=review,
        kind=drawing.kind,
        outline=drawing.geos,
        code=drawing.code,
        words=drawing.words,
        override=override,
    )


@transaction.atomic
def give_opinion(
    reviewer: "User", revision: Revision, verdict: str, reason: str = "", words: str = ""
) -> Opinion:
    """Record a second opinion on a revision that another reviewer has judged.

    Raises:
        UsageError: as `give`.
        Refused: none is asked for, the person gave the first verdict, or another reviewer holds it.
    """
    check(verdict, reason)
    lock(revision.campaign)
    asked = QueueEntry.objects.filter(revision=revision, kind=QueueEntry.Kind.SECOND, done_at__isnull=True)
    if not asked.exists():
        raise Refused(gettext("No second opinion is asked for on %(revision)s.") % {"revision": revision})
    if revision.reviews.filter(reviewer=reviewer).exists():
        raise Refused(
            gettext("You gave the first verdict on %(revision)s: the second is another's.")
            % {"revision": revision}
        )
    refuse_held(revision, QueueEntry.Kind.SECOND, reviewer)
    queue.settle(revision, QueueEntry.Kind.SECOND)
    revision.remember(revision.review_status, revision.review_status, "second opinion given", reviewer)
    return Opinion.objects.create(
        revision=revision, reviewer=reviewer, verdict=verdict, reason=reason, words=words
    )


def check(verdict: str, reason: str, asks: bool = False) -> None:
    """Refuse what cannot be a verdict.

    Raises:
        UsageError: a rejection without a reason, or an approval with one or with something that it asks for.
    """
    if verdict == Verdict.REJECT and reason not in Reason.values:
        raise UsageError(
            gettext("A rejection needs a reason: one of %(names)s.") % {"names": ", ".join(Reason.values)},
            "reason",
        )
    if verdict == Verdict.APPROVE and (reason or asks):
        raise UsageError(gettext("An approval has no reason and asks for nothing."), "reason")


def refuse_held(revision: Revision, kind: str, reviewer: "User") -> None:
    """Refuse a verdict on what another reviewer is looking at.

    Raises:
        Refused: with who holds it until when.
    """
    entry = QueueEntry.objects.filter(revision=revision, kind=kind).first()
    if entry and (words := queue.holder_words(entry, besides=reviewer)):
        raise Refused(words)


def decide(revision: Revision, verdict: str, wishes: Sequence[Wish] = ()) -> str:
    """Change the review status of a current, unreviewed revision by compare and swap.

    A rejected one may be rejected once more, with another wish, where the tile's newest build ended without a
    composite: else a wish that cannot be met would block the tile.

    Returns:
        The review status before.

    Raises:
        Refused: it is not current, or not open for review, any more.
    """
    to = ReviewStatus.APPROVED if verdict == Verdict.APPROVE else ReviewStatus.REJECTED
    open_for_review = Revision.objects.filter(
        pk=revision.pk, status=RevisionStatus.CURRENT, review_status=ReviewStatus.UNREVIEWED
    )
    if open_for_review.update(review_status=to):
        revision.review_status = to
        return ReviewStatus.UNREVIEWED
    revision.refresh_from_db()
    if revision.status != RevisionStatus.CURRENT:
        raise Refused(
            gettext("%(revision)s is %(status)s: look at the newest one.")
            % {"revision": revision, "status": revision.get_status_display().lower()}
        )
    if revision.review_status == ReviewStatus.APPROVED:
        raise Refused(
            gettext("%(revision)s is already approved: look at the newest one.") % {"revision": revision}
        )
    if not (revision.review_status == to == ReviewStatus.REJECTED and wishes and is_unanswered(revision)):
        raise Refused(
            gettext(
                "%(revision)s is already %(status)s: something else can be asked of the tile only once the "
                "build that a rejection asked for has ended without a result."
            )
            % {"revision": revision, "status": revision.get_review_status_display().lower()}
        )
    return revision.review_status


def is_unanswered(revision: Revision) -> bool:
    """Whether the newest build of the revision's tile ended without a composite."""
    newest = revision.campaign_tile.builds.order_by("-number").first()
    return newest is not None and newest.status in (BuildStatus.EMPTY, BuildStatus.FAILED)


def ask(
    tile: CampaignTile, reviewer: "User", wishes: Sequence[Wish], words: str
) -> tuple[list[Override], Build]:
    """Write down what is asked of a tile, and begin the build that answers it."""
    overrides = [
        Override.objects.create(campaign_tile=tile, kind=wish.kind, content=wish.content, by=reviewer)
        for wish in wishes
    ]
    with in_records():
        told = ", ".join(dict.fromkeys(str(override.get_kind_display()) for override in overrides))
    return overrides, rebuild(tile, reviewer, words or f"a review asks: {told}")
