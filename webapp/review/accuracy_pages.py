"""The pages of assessments: all of them, what came out of one, and labelling its points."""

import csv
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import ensure_csrf_cookie

from webapp.campaigns.models import Campaign
from webapp.campaigns.words import CLASS_WORDS
from webapp.maps.views import base_map
from webapp.orders.models import Order
from webapp.review import sample
from webapp.review.models import Assessment
from webapp.review.views import for_reviewers
from webapp.tileserver.layers import LAYERS


@for_reviewers
@ensure_csrf_cookie
def assessments(request: HttpRequest) -> HttpResponseBase:
    """All assessments, the newest first, and a form to ask for one."""
    labelled = Count("points", filter=Q(points__labelled_at__isnull=False))
    rows = Assessment.objects.select_related("campaign", "order", "by")
    context = {
        "assessments": rows.annotate(drawn=Count("points"), labelled=labelled),
        "campaigns": Campaign.objects.filter(tiles__current_revision__isnull=False).distinct(),
        "orders": Order.objects.select_related("campaign").order_by("-pk")[:100],
    }
    return render(request, "review/assessments.html", context)


@for_reviewers
@ensure_csrf_cookie
def assessment(request: HttpRequest, key: int) -> HttpResponseBase:
    """What came out of an assessment so far."""
    found = get_object_or_404(Assessment.objects.select_related("campaign", "order"), pk=key)
    if found.status == Assessment.Status.DRAWING:
        sample.hint_sample(found)
    told = in_words(sample.result_of(found)) if found.status == Assessment.Status.OPEN else None
    context = {"assessment": found, "told": told, "rows": rows_of(told) if told else []}
    return render(request, "review/assessment.html", context)


def in_words(told: dict[str, Any]) -> dict[str, Any]:
    """What an assessment tells, with its classes in the reader's language."""
    return told | {"classes": [str(CLASS_WORDS[name]) for name in told["classes"]]}


@for_reviewers
@ensure_csrf_cookie
def labelling(request: HttpRequest, key: int) -> HttpResponseBase:
    """Points shown blind, one after the other."""
    found = get_object_or_404(Assessment.objects.select_related("campaign"), pk=key)
    page_data = {
        "assessment": found.pk,
        "points": found.points.count(),
        "classes": LAYERS["landcover"].describe()["legend"],
        "resolution": found.campaign.pipeline_settings.resolution,
        "base_map": base_map(),
    }
    return render(request, "review/labelling.html", {"assessment": found, "page_data": page_data})


@for_reviewers
def table(request: HttpRequest, key: int) -> HttpResponseBase:
    """What came out, as CSV."""
    found = get_object_or_404(Assessment, pk=key)
    told = sample.result_of(found)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="assessment-{found.pk}.csv"'
    writer = csv.writer(response)
    columns = ("users", "producers", "km2")
    head = [f"{name}{part}" for name in columns for part in ("", "_margin_95")]
    writer.writerow(["class", *(f"is {name}" for name in told["classes"]), "mapped_km2", *head])
    for row in rows_of(told):
        cells = [row[name] or {} for name in columns]
        values = [cell.get(part, "") for cell in cells for part in ("value", "margin")]
        writer.writerow([row["name"], *row["counts"], row["mapped_km2"], *values])
    overall = (told["accuracy"] or {}).get("overall")
    if overall:
        writer.writerow(["overall accuracy", overall["value"], "margin_95", overall["margin"]])
    return response


def rows_of(told: dict[str, Any]) -> list[dict[str, Any]]:
    """What an assessment tells, class by class."""
    found = told["accuracy"] or {}
    empty = [None] * len(told["classes"])
    return [
        {
            "name": name,
            "counts": told["counts"][index],
            "mapped_km2": told["mapped_km2"][index],
            **{key: found.get(key, empty)[index] for key in ("users", "producers", "km2", "proportions")},
        }
        for index, name in enumerate(told["classes"])
    ]
