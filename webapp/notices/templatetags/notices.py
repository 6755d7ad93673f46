"""What was told of an order, for its page."""

from typing import Any

from django.template import Context, Library

from webapp.notices.models import Notice
from webapp.notices.serializers import where_for
from webapp.notices.services import may_send_again
from webapp.orders.models import Order

register = Library()
MOST = 30


@register.inclusion_tag("notices/log.html", takes_context=True)
def notices_of(context: Context, order: Order) -> dict[str, Any]:
    """The newest notices of an order with their tries, and a button to send one again."""
    viewer = context["request"].user
    rows = order.notices.select_related("endpoint", "recipient", "delivery").prefetch_related("tries")
    return {
        "request": context["request"],
        "is_own": order.customer_id == viewer.pk,
        "notices": [told(row, viewer) for row in rows[:MOST]],
    }


def told(row: Notice, viewer: Any) -> dict[str, Any]:
    """A notice as a line of the log."""
    stands = row.endpoint is None or not (row.endpoint.removed_at or row.endpoint.stopped_text)
    return {
        "row": row,
        "where": where_for(row, viewer),
        "may_again": stands and row.status != Notice.Status.WAITING and may_send_again(row, viewer),
    }
