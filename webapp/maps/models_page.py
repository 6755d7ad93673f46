"""The networks and what they are and are not good at, as their cards say."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from pipeline.networks import NAMES
from pipeline.networks.card import Card
from pipeline.networks.store import HASH_IN_NAME, Weights
from webapp.accounts import roles
from webapp.campaigns.models import Campaign
from webapp.campaigns.networks import store

MEASURES = {
    "overall_accuracy": _("overall accuracy"),
    "mean_iou": _("mean IoU"),
    "auc": _("AUC"),
    "ece": _("ECE"),
}
PLACES = {
    "train": _("Places trained on: %(places)s."),
    "validation": _("Places looked at for choices: %(places)s."),
    "test": _("Places kept for tests: %(places)s."),
}
Figures = list[tuple[str, str]]


@require_safe
def models_page(request: HttpRequest) -> HttpResponse:
    """Show the networks that ship, and to those who see everything the registered ones too."""
    campaigns = Campaign.objects.visible_to(request.user)
    networks = [_shown(weights, campaigns) for name in NAMES for weights in _visible(request, name)]
    return render(request, "maps/models.html", {"networks": networks})


@require_safe
def model_picture(request: HttpRequest, name: str, sha256: str) -> HttpResponseBase:
    """The picture of weights: worst, middling and best cases.

    Raises:
        Http404: there are no such weights that the person may see, or they have no picture.
    """
    found = _visible(request, name) if name in NAMES else []
    for weights in found:
        path = weights.folder / f"{name}.png"
        if weights.card.sha256.startswith(sha256) and weights.card.picture and path.is_file():
            return FileResponse(path.open("rb"), content_type="image/png")
    raise Http404


def _visible(request: HttpRequest, name: str) -> list[Weights]:
    everything = roles.sees_everything(request.user)
    return [weights for weights in store().all(name) if weights.shipped or everything]


def _shown(weights: Weights, campaigns: QuerySet[Campaign]) -> dict[str, Any]:
    """What the page tells of weights."""
    card = weights.card
    users = campaigns.filter(settings__networks__contains={card.name: str(weights.pin)})
    return {
        "card": card,
        "bands": [gettext(name) for name in card.bands],
        "classes": [gettext(name) for name in card.classes],
        "shipped": weights.shipped,
        "short_hash": card.sha256[:HASH_IN_NAME],
        "figures": [(command, figures_of(values)) for command, values in card.figures.items()],
        "places": _places(card),
        "campaigns": users.order_by("name"),
        "anchor": card.name if weights.shipped else f"{card.name}-{card.sha256[:HASH_IN_NAME]}",
    }


def figures_of(values: dict[str, Any]) -> Figures:
    """The figures of one measurement in words and numbers."""
    found = [
        (str(words), _number(values[name]))
        for name, words in MEASURES.items()
        if isinstance(values.get(name), float | int)
    ]
    found += [
        (gettext("F1 %(class)s") % {"class": gettext(name)}, _number(of.get("f1")))
        for name, of in values.get("classes", {}).items()
    ]
    return found + [(name, _number(score)) for name, score in values.get("scores", {}).items()]


def _number(value: float | None) -> str:
    return "–" if value is None else number_format(f"{value:.3f}")


def _places(card: Card) -> list[str]:
    """A sentence for each kind of place that the card names."""
    return [
        told % {"places": "; ".join(gettext(place) for place in card.places[split])}
        for split, told in PLACES.items()
        if card.places.get(split)
    ]
