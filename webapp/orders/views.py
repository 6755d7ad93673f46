"""The page of an order: how far it is, its deliveries, and a form to ask for one."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from pipeline.delivery import options as choices
from pipeline.delivery.options import DeliveryOptions
from pipeline.errors import UsageError
from webapp.accounts import roles
from webapp.campaigns.standing import standings
from webapp.campaigns.states import OrderStatus
from webapp.orders.downloads import address_of, ask_delivery, expiry
from webapp.orders.models import Order
from webapp.orders.progress import STEPS, tiles_progress
from webapp.told import told

LAYERS = {
    "mosaic": _("Mosaic (red, green, blue, near infrared)"),
    "landcover": _("Landcover"),
    "vectors": _("Landcover as polygons (GeoPackage)"),
    "provenance": _("Provenance: the scene of each pixel"),
    "confidence": _("Confidence of the landcover"),
}
FORMATS = {"cog": _("GeoTIFF (COG)"), "png": _("PNG with world file")}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def order_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an order to those who may see it; POST asks for a delivery."""
    seen = Order.objects.visible_to(request.user).select_related("campaign", "customer", "organisation")
    order = get_object_or_404(seen, pk=pk)
    asked, problem = DeliveryOptions(), None
    if request.method == "POST":
        try:
            asked = _asked(request)
            if not roles.may_order(request.user):
                raise UsageError(gettext("This account may look but not order."), "order")
            ask_delivery(order, asked, request.user)
            return redirect("order", pk)
        except UsageError as error:
            problem = told(error)
    context = page_of(order) | {
        "asked": asked,
        "problem": problem,
        "layers": [(name, label, name in asked.layers) for name, label in LAYERS.items()],
        "formats": FORMATS,
        "given": request.POST,
        "may_ask": roles.may_order(request.user) and _can_be_delivered(order),
    }
    assert set(LAYERS) == set(choices.LAYERS)
    return render(request, "orders/order.html", context, status=400 if problem else 200)


def page_of(order: Order) -> dict[str, Any]:
    """What the page tells of an order."""
    tiles = list(order.tiles.select_related("campaign").order_by("tile_id"))
    known = standings(tiles)
    deliveries = [
        {
            "row": one,
            "files": [
                file | {"url": address_of(one, file["name"])}
                for file in one.manifest.get("files", [])
                if one.status == "ready"
            ],
            "zip": address_of(one) if one.status == "ready" else None,
            "changes": one.manifest.get("changes", {}).get("told", []),
            "left_out": [(name, gettext(why)) for name, why in one.manifest.get("left_out", {}).items()],
        }
        for one in order.deliveries.all()
    ]
    return {
        "order": order,
        "tiles": list(tiles_progress(tiles, known).values()),
        "missing": [tile.tile_id for tile in tiles if tile.current_revision_id is None],
        "steps": len(STEPS),
        "progress": order.progress_in(known),
        "deliveries": deliveries,
        "links_until": expiry().replace(second=0, microsecond=0),
        "is_moving": order.is_open or any(one["row"].status in ("waiting", "running") for one in deliveries),
    }


def _can_be_delivered(order: Order) -> bool:
    """Whether files can be asked for: a failed order has them where some of its tiles are good."""
    if order.status == OrderStatus.FAILED:
        return order.good_tiles().exists()
    return order.status == OrderStatus.READY


def _asked(request: HttpRequest) -> DeliveryOptions:
    """The options of the form.

    Raises:
        UsageError: they are impossible.
    """
    form = request.POST
    try:
        unit = float(form.get("mapping_unit") or 0)
    except ValueError as error:
        raise UsageError(
            gettext("The smallest mapping unit is a number of hectares."), "mapping_unit"
        ) from error
    return DeliveryOptions.from_json(
        {
            "layers": form.getlist("layers"),
            "format": form.get("format", "cog"),
            "projection": form.get("projection", "").strip() or choices.UTM,
            "per_tile": "per_tile" in form,
            "mapping_unit": unit,
            "unreviewed": "unreviewed" in form,
            "incomplete": "incomplete" in form,
        }
    )
