"""Giving a verdict."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction

from pipeline.errors import UsageError
from webapp.campaigns.advance import lock
from webapp.campaigns.models import Build, CampaignTile, Override, Revision
from webapp.campaigns.services import rebuild
from webapp.campaigns.states import ReviewStatus, RevisionStatus
from webapp.problems import Refused
from webapp.review.models import Reason, Review, Verdict

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
    wish: Wish | None = None,
) -> Review:
    """Record a verdict on the current revision of a tile; of two reviewers at once, the second is refused.

    Raises:
        UsageError: a rejection without a reason, or an approval with one or with a wish.
        Refused: the revision has been replaced or reviewed meanwhile.
    """
    if verdict == Verdict.REJECT and reason not in Reason.values:
        raise UsageError(f"A rejection needs a reason: one of {', '.join(Reason.values)}.", "reason")
    if verdict == Verdict.APPROVE and (reason or wish):
        raise UsageError("An approval has no reason and asks for nothing.", "reason")
    lock(revision.campaign)
    decide(revision, verdict)
    override, successor = (None, None) if wish is None else ask(revision.campaign_tile, reviewer, wish, words)
    text = " ".join(filter(None, (Reason(reason).label if reason else "", words)))
    revision.remember(ReviewStatus.UNREVIEWED, revision.review_status, text, reviewer)
    return Review.objects.create(
        revision=revision,
        reviewer=reviewer,
        verdict=verdict,
        reason=reason,
        words=words,
        override=override,
        successor=successor,
    )


def decide(revision: Revision, verdict: str) -> None:
    """Change the review status of a current, unreviewed revision by compare and swap.

    Raises:
        Refused: it is not current, or not unreviewed, any more.
    """
    to = ReviewStatus.APPROVED if verdict == Verdict.APPROVE else ReviewStatus.REJECTED
    open_for_review = Revision.objects.filter(
        pk=revision.pk, status=RevisionStatus.CURRENT, review_status=ReviewStatus.UNREVIEWED
    )
    if not open_for_review.update(review_status=to):
        revision.refresh_from_db()
        raise Refused(
            f"{revision} is {revision.status} and {revision.review_status}: look at the newest one."
        )
    revision.review_status = to


def ask(tile: CampaignTile, reviewer: "User", wish: Wish, words: str) -> tuple[Override, Build]:
    """Write down what is asked of a tile, and begin the build that answers it."""
    override = Override.objects.create(campaign_tile=tile, kind=wish.kind, content=wish.content, by=reviewer)
    return override, rebuild(tile, reviewer, words or f"a review asks: {override.get_kind_display()}")
