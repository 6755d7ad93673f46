"""The page on which two editions are compared: a map of what changed, figures, and the tiles."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST
from rasterio.errors import RasterioError

from pipeline.errors import SourceError
from pipeline.landcover.classes import CLASSES
from webapp.accounts import roles
from webapp.campaigns.comparison import Counted, compare, counted, hint_count
from webapp.campaigns.models import Campaign, Edition
from webapp.campaigns.words import CLASS_WORDS
from webapp.maps.views import base_map
from webapp.problems import problem
from webapp.review.views import KEPT, UNREADABLE, for_reviewers
from webapp.tileserver.addresses import NotHere, View, parse_map_tile
from webapp.tileserver.changes import CHANGES, VERSION, change_tile
from webapp.tileserver.describe import attribution, last_zoom
from webapp.tileserver.maptiles import NotReady
from webapp.tileserver.render import CONTENT_TYPES


@for_reviewers
@ensure_csrf_cookie
def editions(request: HttpRequest, slug: str) -> HttpResponseBase:
    """What one edition shows that another does not."""
    campaign = get_object_or_404(Campaign, slug=slug)
    before, after = (_edition(campaign, request.GET.get(name)) for name in ("before", "after"))
    lines = compare(before, after)
    found = counted(before, after, lines)
    context = {
        "campaign": campaign,
        "before": before,
        "after": after,
        "lines": lines,
        "counted": found,
        "rows": rows_of(found),
        "names": [str(name) for name in names()],
        "page_data": page_data(before, after) if lines else None,
    }
    return render(request, "review/editions.html", context)


def names() -> list[str]:
    """The classes by code, as people read them."""
    return [_("no data"), *(CLASS_WORDS[item.name] for item in CLASSES)]


def rows_of(found: Counted) -> list[dict[str, Any]]:
    """The table of classes in km²: only what changed, the diagonal is None."""
    return [
        {
            "name": name,
            "km2": [None if column == row else float(value) for column, value in enumerate(values)],
        }
        for row, (name, values) in enumerate(zip(names(), found.km2, strict=True))
    ]


def page_data(before: Edition, after: Edition) -> dict[str, Any]:
    """What the map of the page starts from, ready for JSON."""
    views = [View(edition.campaign, edition) for edition in (before, after)]
    words = {"slug": before.campaign.slug, "before": before.number, "after": after.number}
    layers = [
        {
            **layer.describe(),
            "address": _template("edition-change-tile", **words, layer=name) + f"?v={VERSION}",
        }
        for name, layer in CHANGES.items()
    ]
    boxes = [view.coverage.bounds for view in views if view.coverage.bounds]
    return {
        "layers": layers,
        "editions": [
            {
                "number": view.word,
                "address": f"/tiles/{view.campaign.slug}/{view.word}/rgb/{{z}}/{{x}}/{{y}}.webp",
            }
            for view in views
        ],
        "bounds": [
            *(min(box[side] for box in boxes) for side in (0, 1)),
            *(max(box[side] for box in boxes) for side in (2, 3)),
        ],
        "last_zoom": last_zoom(views[1]),
        "attribution": attribution(views[1]),
        "base_map": base_map(),
    }


def _template(name: str, **words: Any) -> str:
    return (
        reverse(name, kwargs={**words, "z": 0, "x": 0, "y": 0}).removesuffix("0/0/0.webp")
        + "{z}/{x}/{y}.webp"
    )


@require_POST
def count(request: HttpRequest, slug: str, before: int, after: int) -> HttpResponseBase:
    """Have the workers count what changed, and go back to the page."""
    if not roles.may_review(request.user):
        raise Http404
    campaign = get_object_or_404(Campaign, slug=slug)
    hint_count(_edition(campaign, str(before)), _edition(campaign, str(after)))
    messages.info(request, _("The workers count what changed; look again in a while."))
    return redirect(f"{reverse('compare-editions', args=[slug])}?before={before}&after={after}")


@for_reviewers
def change_map_tile(
    request: HttpRequest, slug: str, before: int, after: int, layer: str, **place: str
) -> HttpResponseBase:
    """A map tile of what changed."""
    campaign = get_object_or_404(Campaign, slug=slug)
    views = [View(campaign, _edition(campaign, str(number))) for number in (before, after)]
    if layer not in CHANGES:
        raise Http404(f"There is no layer {layer}.")
    try:
        tile, fmt, _scale = parse_map_tile(place["z"], place["x"], f"{place['y']}.webp")
        picture = change_tile(views[0], views[1], CHANGES[layer], tile)
    except NotHere as error:
        raise Http404(str(error)) from error
    except NotReady as error:
        return JsonResponse(problem("not_ready", str(error)), status=503)
    except (RasterioError, SourceError):
        return JsonResponse(problem("unreadable", UNREADABLE), status=503)
    return HttpResponse(picture, CONTENT_TYPES[fmt], headers={"Cache-Control": KEPT})


def _edition(campaign: Campaign, number: str | None) -> Edition:
    if not number or not number.isdigit() or len(number) > 8:
        raise Http404("Say which editions: before and after.")
    return get_object_or_404(
        Edition.objects.select_related("campaign"), campaign=campaign, number=int(number)
    )
