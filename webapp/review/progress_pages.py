"""The pages of progress and history, and what can be taken from there as files."""

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import ensure_csrf_cookie

from pipeline.errors import SourceError
from pipeline.landcover.classes import CLASSES
from webapp.campaigns.models import Campaign, CampaignTile, Event, Revision
from webapp.campaigns.words import CLASS_WORDS
from webapp.review import agreement, history, progress
from webapp.review.history import COLUMNS
from webapp.review.models import QueueEntry
from webapp.review.views import for_reviewers
from webapp.told import told

EVENT_ROWS = 200
FIGURES = {
    "coverage": _("coverage"),
    "residual_cloud": _("residual cloud"),
    "seam_score": _("seam score"),
}
NAMES = (_("no data"), *(CLASS_WORDS[item.name] for item in CLASSES))


@for_reviewers
def dashboards(request: HttpRequest) -> HttpResponseBase:
    """On to the campaign that was chosen, or to the newest."""
    slug = request.GET.get("campaign")
    found = Campaign.objects.filter(slug=slug).first() if slug else Campaign.objects.first()
    if found is None:
        raise Http404(gettext("There is no campaign."))
    return redirect("dashboard", slug=found.slug)


@for_reviewers
@ensure_csrf_cookie
def dashboard(request: HttpRequest, slug: str) -> HttpResponseBase:
    """How far a campaign is, what is stuck, who reviews, and its editions."""
    campaign = get_object_or_404(Campaign, slug=slug)
    looks = progress.looks_of(campaign)
    pairs = agreement.pairs_of(campaign)
    held = QueueEntry.objects.waiting().exclude(pk__in=QueueEntry.objects.waiting().free().values("pk"))
    context = {
        "campaign": campaign,
        "campaigns": Campaign.objects.all(),
        "progress": progress.progress_of(campaign, looks),
        "tiles": tiles_on_map(campaign, looks),
        "stuck": progress.stuck_of(campaign),
        "reviewers": progress.reviewers_of(campaign),
        "held": held.filter(revision__campaign_tile__campaign=campaign).select_related(
            "held_by", "revision__campaign_tile"
        ),
        "agreement": agreement.agreement_of(pairs),
        "pairs": agreement.by_people(pairs),
        "editions": campaign.editions.select_related("published_by", "withdrawal__by"),
    }
    return render(request, "review/dashboard.html", context)


def tiles_on_map(campaign: Campaign, looks: dict[str, str]) -> dict[str, Any]:
    """The tiles as boxes of a small map: degrees east, and degrees south of the northernmost."""
    rows = campaign.tiles.select_related("tile").only("tile_id", "current_build_id", "tile__footprint")
    boxes = [(row, row.tile.footprint.extent) for row in rows]
    if not boxes:
        return {"boxes": [], "view": "0 0 1 1"}
    west, south = (min(extent[index] for _, extent in boxes) for index in (0, 1))
    east, north = (max(extent[index] for _, extent in boxes) for index in (2, 3))
    found = [
        {
            "name": row.tile_id,
            "build": row.current_build_id,
            "look": looks[row.tile_id],
            "words": progress.LOOKS[looks[row.tile_id]],
            "x": round(box[0] - west, 4),
            "y": round(north - box[3], 4),
            "width": round(box[2] - box[0], 4),
            "height": round(box[3] - box[1], 4),
            "middle_x": round((box[0] + box[2]) / 2 - west, 4),
            "middle_y": round(north - (box[1] + box[3]) / 2, 4),
        }
        for row, box in boxes
    ]
    return {"boxes": found, "view": f"-0.05 -0.05 {east - west + 0.1:.4f} {north - south + 0.1:.4f}"}


@for_reviewers
def tile_page(request: HttpRequest, slug: str, tile: str) -> HttpResponseBase:
    """The whole history of a tile, and what changed between two of its revisions."""
    found = get_object_or_404(
        CampaignTile.objects.select_related("campaign"), campaign__slug=slug, tile_id=tile
    )
    revisions = list(found.revisions.exclude(report={}).select_related("build").order_by("-number"))
    events = Event.objects.filter(campaign=found.campaign_id, tile_name=tile).select_related("by")
    context = {
        "tile": found,
        "builds": history.builds_of(found),
        "revisions": revisions,
        "reviews": list(history.reviews_of(found.campaign, tile))[::-1],
        "events": events.order_by("-id")[:EVENT_ROWS],
        **_change(revisions, request.GET.get("before"), request.GET.get("after")),
    }
    return render(request, "review/tile.html", context)


def _change(revisions: list[Revision], before: str | None, after: str | None) -> dict[str, Any]:
    """What changed between the two revisions that were asked for."""
    by_number = {str(one.number): one for one in revisions}
    old, new = by_number.get(before or ""), by_number.get(after or "")
    if old is None or new is None:
        return {}
    chosen = {"before": old, "after": new}
    try:
        found = history.change_between(old, new)
    except SourceError as error:
        return chosen | {"change_error": told(error)}
    rows = [
        {"name": NAMES[code], "counts": counts.tolist()}
        for code, counts in enumerate(found.classes)
        if counts.any()
    ]
    figures = [
        {"name": FIGURES.get(name, name), "before": old.report.get(name), "after": new.report.get(name)}
        for name in history.FIGURES
    ]
    shares = {
        "moved": f"{number_format(f'{100 * found.moved:.3f}')} %",
        "reclassed": f"{number_format(f'{100 * found.reclassed:.3f}')} %",
    }
    return chosen | {"change": found, "shares": shares, "rows": rows, "names": NAMES, "figures": figures}


@for_reviewers
def history_csv(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The verdicts of a campaign or a tile as CSV, streamed."""
    campaign = get_object_or_404(Campaign, slug=slug)
    writer = csv.DictWriter(Echo(), COLUMNS)

    def lines() -> Iterator[str]:
        yield writer.writeheader()
        for review in history.reviews_of(campaign, request.GET.get("tile")):
            yield writer.writerow(history.row_of(campaign, review))

    return _file(lines(), "text/csv; charset=utf-8", f"{slug}-reviews.csv")


@for_reviewers
def history_geojson(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The same as GeoJSON with the defects that were drawn, streamed."""
    campaign = get_object_or_404(Campaign, slug=slug)

    def parts() -> Iterator[str]:
        yield '{"type": "FeatureCollection", "features": ['
        reviews = history.reviews_of(campaign, request.GET.get("tile"))
        for number, feature in enumerate(history.features_of(campaign, reviews)):
            yield (",\n" if number else "\n") + json.dumps(feature)
        yield "\n]}\n"

    return _file(parts(), "application/geo+json", f"{slug}-reviews.geojson")


class Echo:
    """A file that gives back what is written."""

    def write(self, text: str) -> str:
        """Give it back."""
        return text


def _file(parts: Iterator[str], content_type: str, name: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(parts, content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
