"""What is known of the accuracy of the landcover that is delivered, in sentences."""

from collections.abc import Sequence

from django.db.models import Q

from webapp.campaigns.models import Revision
from webapp.orders.models import Order
from webapp.review.models import Assessment
from webapp.review.sample import result_of


def accuracy_told(order: Order, revisions: Sequence[Revision]) -> list[str]:
    """The newest finished assessment of the order, else of its campaign, whose sample is on these revisions.

    Args:
        order: what is delivered.
        revisions: that it is delivered from.

    Returns:
        Sentences; none where no sample has been labelled, or only one of other revisions.
    """
    own = order.campaign.assessments.filter(Q(order=order) | Q(order__isnull=True))
    shown = {one.pk for one in revisions}
    rows = list(own.filter(status=Assessment.Status.OPEN).order_by("-pk"))
    for assessment in sorted(rows, key=lambda one: one.order_id is None):
        sampled = set(assessment.revisions.values_list("pk", flat=True))
        if shown and shown <= sampled:
            told = _told(assessment)
            if told:
                return told
    return []


def _told(assessment: Assessment) -> list[str]:
    result = result_of(assessment)
    found = result["accuracy"]
    # While points are still to be labelled, what comes out is no result yet.
    if found is None or result["labelled"] < result["points"]:
        return []
    overall = found["overall"]
    of_what = "of this order" if assessment.order_id else "of the whole campaign"
    users = [
        f"{name} {100 * one['value']:.0f} % (± {100 * one['margin']:.0f})"
        for name, one in zip(result["classes"], found["users"], strict=True)
        if one
    ]
    return [
        f"Overall accuracy of the landcover {100 * overall['value']:.1f} % (± {100 * overall['margin']:.1f}, "
        f"95 % interval), from a stratified random sample {of_what} with {result['points']} points, "
        f"labelled by people (Olofsson et al. 2014).",
        f"User's accuracy by class: {', '.join(users)}.",
    ]
