"""What weights of one's own must be like to do a network's work."""

import math
from typing import Any

from pipeline.errors import ModelError
from pipeline.networks.card import BACK_ENDS, Card
from pipeline.networks.pin import VERSION
from pipeline.networks.plan import STRIDE
from pipeline.raster import BANDS

PREVIEW_BANDS = BANDS[:3]
WORK = (
    "kind", "bands", "classes", "width", "normalisation", "window", "margin", "reach", "batch", "temperature",
    "back_end",
)  # fmt: skip
"""The fields of a card that, with the weights, make what a network tells."""

LARGEST = 16_384


def same_work(one: Card, other: Card) -> bool:
    """Whether two cards of equal weights stand for equal predictions."""
    return all(getattr(one, name) == getattr(other, name) for name in WORK)


def check_card(card: Card, shipped: Card) -> None:
    """Refuse a card whose weights cannot take the place of those that ship.

    Raises:
        ModelError: it is another network's, of other classes, or a field has a value that none can have.
    """
    where = f"The card of {shipped.name}"
    if card.name != shipped.name:
        raise ModelError(f"{where} is one of {card.name!r}.")
    if not isinstance(card.version, str) or not VERSION.fullmatch(card.version):
        raise ModelError(f"{where} has the version {card.version!r}: letters, digits and .+_- are taken.")
    for name in ("kind", "classes"):
        asked, needed = getattr(card, name), getattr(shipped, name)
        if asked != needed:
            raise ModelError(f"{where} has the {name} {_told(asked)}, not {_told(needed)}.")
    there = PREVIEW_BANDS if card.kind == "haze" or shipped.name.startswith("preview") else BANDS
    fits = card.bands == PREVIEW_BANDS if card.kind == "haze" else set(card.bands) <= set(there)
    if not fits or not card.bands or len(set(card.bands)) != len(card.bands):
        raise ModelError(f"{where} has the bands {_told(card.bands)}; there are {_told(there)}.")
    if card.back_end not in BACK_ENDS:
        raise ModelError(f"{where} has the back end {card.back_end!r}; there are {_told(BACK_ENDS)}.")
    _check_numbers(card, where)


def _check_numbers(card: Card, where: str) -> None:
    sizes = {"window": (STRIDE, STRIDE), "margin": (0, 1), "reach": (0, 1)}
    for name, (least, step) in sizes.items():
        value = getattr(card, name)
        if type(value) is not int or not least <= value <= LARGEST or value % step:
            words = f"a multiple of {step} " if step > 1 else ""
            raise ModelError(f"{where} has the {name} {value!r}: {words}from {least} to {LARGEST} is taken.")
    if type(card.batch) is not int or card.batch != 1:
        raise ModelError(f"{where} has the batch {card.batch!r}: windows are worked on one by one, so 1.")
    above = {"width": card.width, "temperature": card.temperature}
    above |= {name: getattr(card.normalisation, name) for name in ("high", "scale")}
    for name, value in above.items():
        if not _is_number(value) or value <= 0:
            raise ModelError(f"{where} has the {name} {value!r}: a number above 0 is taken.")
    if not _is_number(card.normalisation.mean):
        raise ModelError(f"{where} has the mean {card.normalisation.mean!r}: a number is taken.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _told(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else repr(value)
