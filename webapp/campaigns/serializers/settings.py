"""How the settings of a campaign look in the API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from pipeline.settings_told import Setting, settings_told
from pipeline.tone.curve import CURVES


def settings_schema() -> dict[str, Any]:
    """The settings as an object of OpenAPI: every one with its range, default and meaning."""
    told = settings_told()
    return {
        "type": "object",
        "description": "What the first build of a campaign fixes.",
        "properties": {one.name: _schema(one) for one in told},
        "required": [one.name for one in told if one.needed],
        "additionalProperties": False,
    }


def _schema(one: Setting) -> dict[str, Any]:
    shapes: dict[str, dict[str, Any]] = {
        "date": {"type": "string", "format": "date"},
        "flag": {"type": "boolean"},
        "tone": {"oneOf": [{"type": "string", "enum": list(CURVES)}, {"type": "object"}]},
        "networks": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    shape = shapes.get(one.kind, {})
    if one.allowed:
        kind = "integer" if one.allowed.whole else "number"
        shape = {"type": kind, "minimum": one.allowed.least, "maximum": one.allowed.most}
    if one.choices:
        kind = "integer" if isinstance(one.default, int) else "string"
        shape = {"type": kind, "enum": list(one.choices)}
    if not one.needed:
        shape |= {"nullable": True} if one.default is None else {"default": one.default}
    return shape | {"description": one.words}


@extend_schema_field(settings_schema())
class SettingsField(serializers.JSONField):
    """The settings as an object; what they may be, `CampaignSettings` knows."""
