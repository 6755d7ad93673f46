"""What an area costs by the operator's tariff, and when it would be ready by the rate so far."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.conf import settings

from webapp.campaigns.models import Build, Campaign, CampaignTile

CENT = Decimal("0.01")
# The newest builds that tell the rate.
BUILDS = 60


def price(area_km2: float, share_built: float) -> dict[str, str] | None:
    """The price by `TARIFF_*` of the settings; None where the operator has no tariff.

    Args:
        area_km2: km2.
        share_built: share of it that has a mosaic already, 0..1.
    """
    if not settings.TARIFF_PER_KM2:
        return None
    km2, built = Decimal(str(area_km2)), Decimal(str(share_built))
    each = settings.TARIFF_PER_KM2 * (1 - built) + settings.TARIFF_PER_KM2_BUILT * built
    amount = max(km2 * each, settings.TARIFF_LEAST).quantize(CENT, ROUND_HALF_UP)
    return {"amount": str(amount), "currency": settings.TARIFF_CURRENCY}


def expected_hours(campaign: Campaign | None, missing: int) -> float | None:
    """Hours until tiles are built, behind all that is due already; None before the first build.

    Args:
        campaign: whose newest builds tell the rate; those of all where it has none.
        missing: how many tiles of the area have no mosaic.
    """
    if not missing:
        return 0.0
    done = Build.objects.filter(status="done", started_at__isnull=False, finished_at__isnull=False)
    own = done.filter(campaign_tile__campaign=campaign) if campaign else done.none()
    rows = own if own.exists() else done
    times = list(rows.order_by("-finished_at").values_list("started_at", "finished_at")[:BUILDS])
    if not times:
        return None
    hours_each = busy_hours(times) / len(times)
    return round((missing + CampaignTile.objects.due().count()) * hours_each, 2)


def busy_hours(times: Iterable[tuple[datetime, datetime]]) -> float:
    """Hours in which at least one of these spans ran: neither idle nights nor a second worker count."""
    seconds, until = 0.0, None
    for start, end in sorted(times):
        begin = start if until is None else max(start, until)
        if end > begin:
            seconds += (end - begin).total_seconds()
            until = end
    return seconds / 3600


def quoted(figures: dict[str, Any], campaign: Campaign | None) -> dict[str, Any]:
    """Figures of an estimate with price and expected time."""
    missing = round(len(figures["tiles"]) * (1 - figures["share_built"]))
    return figures | {
        "price": price(figures["area_km2"], figures["share_built"]),
        "expected_hours": expected_hours(campaign, missing),
    }
