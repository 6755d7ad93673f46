"""How states look to people: words and a mark beside the colour."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Look:
    """A state for the eye.

    Attributes:
        mark: a sign that tells it without colour.
        words: for people.
    """

    mark: str
    words: Any


ORDERS = {
    "placed": Look("…", _("placed")),
    "running": Look("▸", _("running")),
    "ready": Look("✓", _("ready")),
    "failed": Look("!", _("failed")),
    "cancelled": Look("×", _("cancelled")),
}
DELIVERIES = {
    "waiting": Look("…", _("waiting")),
    "running": Look("▸", _("running")),
    "ready": Look("✓", _("ready")),
    "failed": Look("!", _("failed")),
    "removed": Look("−", _("removed")),
}
TILES = {
    "idle": Look("·", _("not asked for")),
    "waiting": Look("…", _("waiting")),
    "working": Look("▸", _("being built")),
    "blending": Look("≈", _("waiting for its neighbours")),
    "made": Look("+", _("to review")),
    "approved": Look("✓", _("approved")),
    "rejected": Look("✗", _("rejected")),
    "failed": Look("!", _("failed")),
    "empty": Look("∅", _("no land or no data")),
}
STAGES = {
    "scene_list": _("choosing scenes"),
    "agree": _("choosing scenes with its neighbours"),
    "fetch": _("fetching scenes"),
    "mask": _("masking clouds"),
    "compose": _("composing"),
    "fill": _("filling holes from older dates"),
    "classify": _("classifying"),
    "blending": _("blending with its neighbours"),
    "waiting": _("waiting"),
    "failed": _("failed"),
    "empty": _("without land or data"),
}
KINDS = {"order": ORDERS, "delivery": DELIVERIES, "tile": TILES}
