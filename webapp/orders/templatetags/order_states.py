"""States in colour, shape and words, for templates."""

from typing import Any

from django import template

from webapp.orders.looks import KINDS, STAGES

register = template.Library()


@register.inclusion_tag("orders/_badge.html")
def badge(kind: str, state: str) -> dict[str, Any]:
    """Give the mark and the words of a state of an "order", a "delivery" or a "tile"."""
    return {"kind": kind, "state": state, "look": KINDS[kind][state]}


@register.filter
def stage_words(stage: str) -> str:
    """Say what a stage does."""
    return str(STAGES.get(stage, stage))
