"""Words of the history and of the landcover, in the reader's language."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

CHANGES = {
    ("tile", "idle"): _("tile idle"),
    ("tile", "wanted"): _("tile wanted"),
    ("tile", "building"): _("tile building"),
    ("tile", "composite"): _("tile composite"),
    ("tile", "empty"): _("tile empty"),
    ("tile", "failed"): _("tile failed"),
    ("build", "waiting"): _("build waiting"),
    ("build", "running"): _("build running"),
    ("build", "done"): _("build done"),
    ("build", "empty"): _("build empty"),
    ("build", "failed"): _("build failed"),
    ("build", "superseded"): _("build superseded"),
    ("revision", "waiting"): _("revision waiting"),
    ("revision", "running"): _("revision running"),
    ("revision", "current"): _("revision current"),
    ("revision", "superseded"): _("revision superseded"),
    ("revision", "failed"): _("revision failed"),
    ("revision", "unreviewed"): _("revision unreviewed"),
    ("revision", "approved"): _("revision approved"),
    ("revision", "rejected"): _("revision rejected"),
    ("edition", "published"): _("edition published"),
    ("edition", "withdrawn"): _("edition withdrawn"),
    ("order", "placed"): _("order placed"),
    ("order", "running"): _("order running"),
    ("order", "ready"): _("order ready"),
    ("order", "failed"): _("order failed"),
    ("order", "cancelled"): _("order cancelled"),
    ("delivery", "waiting"): _("delivery waiting"),
    ("delivery", "running"): _("delivery running"),
    ("delivery", "ready"): _("delivery ready"),
    ("delivery", "failed"): _("delivery failed"),
}

CLASS_WORDS = {
    "water": _("water"),
    "grass": _("grass"),
    "tree": _("tree"),
    "residential building": _("residential building"),
    "industrial or commercial building": _("industrial or commercial building"),
    "barren": _("barren"),
}
"""Names of `pipeline.landcover.classes`."""


@contextmanager
def in_records() -> Iterator[None]:
    """Words of what is kept: the history and files for machines have one language for all readers."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


def words_of(subject: str, after: str) -> str:
    """What became what; a pair that this release does not know is told as it stands."""
    return str(CHANGES.get((subject, after), f"{subject} {after}"))
