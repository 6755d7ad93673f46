"""The page of all orders that the reader may see, across campaigns."""

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from webapp.accounts import roles
from webapp.campaigns.standing import standings
from webapp.campaigns.states import ACTIVE, OrderStatus
from webapp.orders.downloads import address_of
from webapp.orders.looks import ORDERS
from webapp.orders.models import Order
from webapp.orders.progress import TileProgress, summary, tiles_progress
from webapp.orders.quotas import Quota, quota_of
from webapp.orders.views import LAYERS

PAGE_ROWS = 20
WHOSE = {
    "": gettext_lazy("everybody's"),
    "mine": gettext_lazy("placed by you"),
    "organisation": gettext_lazy("your organisation's"),
}


@login_required
@require_safe
def orders_page(request: HttpRequest) -> HttpResponse:
    """Show the orders that the reader may see, filtered and page by page."""
    state, whose = request.GET.get("state", ""), request.GET.get("whose", "")
    problem = _problem(state, whose)
    every = Order.objects.visible_to(request.user)
    orders = every.none() if problem else every.whose(request.user, whose)
    if state and not problem:
        orders = orders.filter(status=state)
    orders = orders.select_related("campaign", "customer", "organisation")
    orders = orders.prefetch_related("tiles__campaign", "deliveries").order_by("-pk")
    page = Paginator(orders, PAGE_ROWS).get_page(request.GET.get("page"))
    rows = rows_of(list(page.object_list))
    context = {
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "elided": Paginator.ELLIPSIS,
        "rows": rows,
        "query": urlencode({"state": state, "whose": whose}),
        "state": state,
        "whose": whose,
        "states": [(name, ORDERS[name].words) for name in OrderStatus.values],
        "whoses": _choices(request.user),
        "is_filtered": bool(state or whose),
        "has_any": every.exists(),
        "problem": problem,
        "meters": _meters(quota_of(request.user)),
        "is_moving": any(row["is_moving"] for row in rows),
    }
    return render(request, "orders/orders.html", context, status=400 if problem else 200)


def rows_of(orders: list[Order]) -> list[dict[str, Any]]:
    """What the page tells of each order, in a fixed number of queries."""
    tiles = {tile.pk: tile for order in orders for tile in order.tiles.all()}
    known = standings(tiles.values())
    progress = tiles_progress(tiles.values(), known)
    return [_row(order, order.progress_in(known), progress) for order in orders]


def _row(order: Order, counts: dict[str, Any], progress: dict[int, TileProgress]) -> dict[str, Any]:
    deliveries = sorted(order.deliveries.all(), key=lambda one: -one.number)
    ready = next((one for one in deliveries if one.status == "ready"), None)
    newest = deliveries[0] if deliveries else None
    return {
        "order": order,
        "progress": counts,
        "doing": summary(progress[tile.pk] for tile in order.tiles.all()),
        "layers": [LAYERS[name] for name in newest.options.get("layers", [])] if newest else [],
        "newest": newest,
        "ready": ready,
        "zip": address_of(ready) if ready else None,
        "has_good_tiles": any(tile.current_revision_id for tile in order.tiles.all()),
        "is_moving": order.is_open or bool(newest and newest.status in ACTIVE),
    }


def _problem(state: str, whose: str) -> str:
    if state and state not in OrderStatus.values:
        return _("There is no state %(state)s of an order.") % {"state": repr(state[:40])}
    if whose not in WHOSE:
        return _("Orders of %(whose)s cannot be asked for.") % {"whose": repr(whose[:40])}
    return ""


def _choices(user: Any) -> list[tuple[str, Any]]:
    """Whose orders the reader may choose among; none where there is no choice."""
    if not user.organisation_id and not roles.sees_everything(user):
        return []
    names = ("", "mine", "organisation") if user.organisation_id else ("", "mine")
    return [(name, WHOSE[name]) for name in names]


def _meters(quota: Quota | None) -> dict[str, Any] | None:
    """The quota for the eye: for km2 and orders what is used, of what, and the share 0..1."""
    if quota is None:
        return None
    told = quota.to_json()
    figures = [(_("km²"), told["km2"], "1g"), (_("orders"), told["orders"], "0g")]
    return {
        "organisation": told["organisation"],
        "renews_at": told["renews_at"],
        "figures": [
            one | {"unit": unit, "digits": digits, "share": _share(one["used"], one["limit"])}
            for unit, one, digits in figures
        ],
    }


def _share(used: float, most: float | None) -> float | None:
    if most is None:
        return None
    return min(used / most, 1.0) if most else 1.0
