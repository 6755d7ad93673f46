"""Sentences of the pipeline in the reader's language, at the edge where they are shown."""

from django.utils.formats import localize
from django.utils.translation import gettext, ngettext

from pipeline.errors import EarthquiltError
from pipeline.words import Sentence


def told(found: EarthquiltError | str) -> str:
    """Tell an error or a sentence of the pipeline; what keeps no template is told as it stands."""
    words = found.args[0] if isinstance(found, EarthquiltError) and found.args else found
    if not isinstance(words, Sentence):
        return str(words)
    values = words.values
    if words.plural:
        template = ngettext(words.template, words.plural, values["count"])
    else:
        template = gettext(words.template)
    return template % {name: _value(value) for name, value in values.items()}


def _value(value: object) -> object:
    if isinstance(value, Sentence):
        return told(value)
    return localize(value) if isinstance(value, float) else value
