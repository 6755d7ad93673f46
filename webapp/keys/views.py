"""The page on which a map is taken along: ready lines, keys made in place, and how they are used."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from webapp.keys import admission
from webapp.keys.lines import ready_lines
from webapp.keys.models import MapKey
from webapp.keys.serializers import MapKeySerializer
from webapp.tileserver import addresses
from webapp.tileserver.addresses import LATEST, NotHere, View
from webapp.tileserver.describe import attribution, last_zoom
from webapp.tileserver.layers import LAYERS

DAYS = 30
BAR = 60
PLACEHOLDER = "YOUR_KEY"


@require_safe
def use_map(request: HttpRequest, slug: str, edition: str) -> HttpResponse:
    """Show how an edition is used by other programs.

    Raises:
        Http404: there is no such edition, or the visitor may not see it.
    """
    return _page(request, _view(request, slug, edition), {})


@login_required
@require_POST
def make_key(request: HttpRequest, slug: str, edition: str) -> HttpResponse:
    """Make a key for the campaign and show it, this once.

    Raises:
        Http404: there is no such edition, or the visitor may not see it.
    """
    view = _view(request, slug, edition)
    hosts = [host for host in request.POST.get("referrers", "").replace(",", " ").split() if host]
    asked: dict[str, Any] = {"name": request.POST.get("name", ""), "campaigns": [slug], "referrers": hosts}
    asked["layers"] = request.POST.getlist("layers")
    if request.POST.get("per_minute"):
        asked["per_minute"] = request.POST["per_minute"]
    form = MapKeySerializer(data=asked, context={"request": request})
    if not form.is_valid():
        problem = "; ".join(f"{name}: {_first(told)}" for name, told in form.errors.items())
        return _page(request, view, {"problem": problem, "asked": asked}, status=400)
    scope = dict(form.validated_data)
    campaigns = scope.pop("campaigns")
    row, token = MapKey.make(request.user, scope.pop("name"), **scope)
    row.campaigns.set(campaigns)
    return _page(request, view, {"made": token})


@login_required
@require_POST
def revoke_key(request: HttpRequest, slug: str, edition: str, pk: int) -> HttpResponse:
    """Revoke a key of one's own."""
    get_object_or_404(MapKey, pk=pk, owner=request.user).revoke()
    admission.forget()
    return HttpResponseRedirect(f"/use/{slug}/{edition}/")


def _first(told: Any) -> str:
    while isinstance(told, (list, dict)):
        told = next(iter(told.values() if isinstance(told, dict) else told))
    return str(told)


def _view(request: HttpRequest, slug: str, word: str) -> View:
    try:
        if word == LATEST:
            word = addresses.newest_word(slug, request.user)[0]
        view = addresses.find_view(slug, word, request.user)
    except NotHere as error:
        raise Http404(str(error)) from None
    if view.edition is None or view.coverage.bounds is None:
        raise Http404(gettext("Nothing has been published yet."))
    return view


def _page(request: HttpRequest, view: View, more: dict[str, Any], status: int = 200) -> HttpResponse:
    layer = request.GET.get("layer", "rgb")
    layer = layer if layer in LAYERS else "rgb"
    key = more.get("made") or ("" if view.is_public else PLACEHOLDER)
    root = request.build_absolute_uri(f"/tiles/{view.campaign.slug}/{view.word}/")
    context = {
        "view": view,
        "layer": layer,
        "layers": LAYERS.values(),
        "lines": ready_lines(root, layer, key, attribution(view), last_zoom(view)),
        "attribution": attribution(view),
        "stac": request.build_absolute_uri(f"/stac/collections/{view.campaign.slug}.{view.word}"),
        "keys": _keys(request.user),
        "page_title": gettext("Use this map"),
    }
    response = render(request, "keys/use.html", context | more, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _keys(user: Any) -> list[dict[str, Any]]:
    """Give a person's keys with the use of each of the last days, and the bars of a chart of it."""
    if not user.is_authenticated:
        return []
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    admission.tally.flush()
    rows = MapKey.objects.filter(owner=user).prefetch_related("campaigns", "uses")
    charts = [(row, _bars(row, days)) for row in rows]
    return [{"row": row, "days": bars, "today": bars[-1]} for row, bars in charts]


def _bars(row: MapKey, days: list[date]) -> list[dict[str, Any]]:
    used = {use.day: use for use in row.uses.all()}
    most = max((use.answered + use.refused for use in used.values()), default=0) or 1
    told = []
    for day in days:
        use = used.get(day)
        answered, refused = (use.answered, use.refused) if use else (0, 0)
        bars = [
            {"kind": kind, "top": round(BAR * (1 - count / most), 1), "high": round(BAR * count / most, 1)}
            for kind, count in (("answered", answered), ("refused", refused))
        ]
        told.append({"day": day, "answered": answered, "refused": refused, "bars": bars})
    return told
