"""Approvals that stay: a revision that hardly differs from the last approved one is approved as well."""

from typing import Any

from django.db import transaction

from pipeline.difference import COMPARED, difference
from pipeline.errors import SourceError
from webapp.campaigns.models import Revision
from webapp.campaigns.states import ReviewStatus


def last_approved(revision: Revision) -> Revision | None:
    """The newest revision that was approved of the tile of one, current or not; it may be that one."""
    if revision.number == 1 and revision.review_status != ReviewStatus.APPROVED:
        return None
    approved = revision.campaign_tile.revisions.filter(review_status=ReviewStatus.APPROVED)
    return approved.order_by("-number").first()


def change_of(revision: Revision) -> dict[str, Any]:
    """What a revision that was just made changed since the tile's last approved one.

    Returns:
        {"change": figures of `Difference` with "since" (the number of that revision) and "small" (whether
        its approval holds)}; nothing where none was approved or its files are gone.
    """
    approved = last_approved(revision)
    if approved is None:
        return {}
    try:
        found = difference(approved.bring(*COMPARED), revision.path)
    except SourceError:
        return {}
    return {"change": found.to_json() | {"since": approved.number, "small": found.is_small}}


@transaction.atomic
def keep_approval(revision: Revision) -> bool:
    """Approve a current revision whose report tells a small change since the last approved one."""
    change = revision.report.get("change", {})
    if not change.get("small"):
        return False
    unreviewed = Revision.objects.filter(pk=revision.pk, review_status=ReviewStatus.UNREVIEWED)
    if not unreviewed.update(review_status=ReviewStatus.APPROVED):
        return False
    revision.review_status = ReviewStatus.APPROVED
    text = (
        f"the approval of revision {change['since']} stays: {100 * change['moved']:.2f} % of the pixels moved"
    )
    revision.remember(ReviewStatus.UNREVIEWED, ReviewStatus.APPROVED, text)
    return True
