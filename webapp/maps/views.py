"""The map page, one page with three desks: map, orders, review."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from pipeline.networks import SHIPPED
from webapp.accounts import roles
from webapp.campaigns.models import CampaignTile, Event
from webapp.review.models import Reason
from webapp.tileserver.layers import LAYERS, RANK_COLOURS

HISTORY_ROWS = 50
# The map page knows all tiles of campaigns with no more, and those in view of larger ones.
MOST_TILES = 1000
TITLES = {"map": _("Map"), "orders": _("New order"), "review": _("Review")}


@require_safe
@ensure_csrf_cookie
def map_page(request: HttpRequest, desk: str) -> HttpResponse:
    """Show the map with one of the desks open: "map", "orders" or "review"."""
    context = {"desk": desk, "page_title": TITLES[desk], "page_data": page_data(request, desk)}
    return render(request, "maps/map.html", context)


@require_safe
def tile_history(request: HttpRequest, slug: str, tile: str) -> HttpResponse:
    """Show what has happened to a tile, as a fragment of the page; for those who see everything.

    Raises:
        Http404: there is no such tile, or the person may not see its history.
    """
    if not roles.sees_everything(request.user):
        raise Http404
    found = get_object_or_404(CampaignTile, campaign__slug=slug, tile_id=tile)
    events = Event.objects.filter(campaign=found.campaign_id, tile_name=tile).select_related("by")
    return render(request, "maps/_history.html", {"events": events.order_by("-id")[:HISTORY_ROWS]})


def page_data(request: HttpRequest, desk: str) -> dict[str, Any]:
    """Gather what the page's scripts start from, ready for JSON."""
    user = request.user
    return {
        "desk": desk,
        "titles": {name: str(title) for name, title in TITLES.items()},
        "layers": [layer.describe() for layer in LAYERS.values()],
        "rank_colours": RANK_COLOURS,
        "reasons": [{"value": value, "label": str(label)} for value, label in Reason.choices],
        "base_map": base_map(),
        "shipped_networks": SHIPPED.pinned(),
        "most_tiles": MOST_TILES,
        "user": {
            "signed_in": user.is_authenticated,
            "may_order": roles.may_order(user),
            "may_review": roles.may_review(user),
            "may_publish": roles.may_operate(user),
            "sees_newest": roles.sees_everything(user),
        },
    }


def base_map() -> dict[str, str] | None:
    """Give the background that the operator has set (BASE_MAP_URL, BASE_MAP_ATTRIBUTION), if any."""
    url = getattr(settings, "BASE_MAP_URL", "")
    return {"url": url, "attribution": getattr(settings, "BASE_MAP_ATTRIBUTION", "")} if url else None
