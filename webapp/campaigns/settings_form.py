"""The settings of a campaign as fields of a form, each with its range and what it means."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget
from django.utils.functional import lazy
from django.utils.translation import gettext

from pipeline.errors import ModelError, UsageError
from pipeline.networks import NAMES
from pipeline.settings import CampaignSettings
from pipeline.settings_told import Setting, settings_told
from webapp.campaigns.models import Campaign
from webapp.campaigns.networks import choices, chosen
from webapp.told import told

TOLD = {one.name: one for one in settings_told() if one.kind != "networks"}
NETWORKS = {f"network_{name.replace('-', '_')}": name for name in NAMES}
"""Field of the form -> network whose weights it chooses."""


def help_of(one: Setting) -> str:
    """What a setting means and what it may be, in the reader's language."""
    words = told(one.words)
    words = f"{words[0].upper()}{words[1:]}"
    if not one.allowed:
        return f"{words}."
    return gettext("%(words)s (%(range)s).") % {"words": words, "range": told(one.range)}


help_lazy = lazy(help_of, str)


def _field(one: Setting) -> forms.Field:
    """The field of a setting."""
    words = help_lazy(one)
    shown = {"required": one.needed, "initial": one.default, "help_text": words}
    if one.allowed:
        kind = forms.IntegerField if one.allowed.whole else forms.FloatField
        widget = forms.NumberInput(attrs={"step": 1 if one.allowed.whole else "any"})
        shown |= {"required": True, "widget": widget}
        return kind(min_value=one.allowed.least, max_value=one.allowed.most, **shown)
    if one.choices:
        shown |= {"required": True, "coerce": type(one.default)}
        return forms.TypedChoiceField(choices=[(value, str(value)) for value in one.choices], **shown)
    kinds: dict[str, Callable[..., forms.Field]] = {
        "date": lambda **told: forms.DateField(widget=AdminDateWidget, **told),
        "flag": forms.BooleanField,
        "tone": lambda **told: forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), **told),
    }
    return kinds[one.kind](**shown)


def _network_field(name: str) -> forms.Field:
    """The choice of a network's weights, read from the storage whenever the form is made."""
    return forms.ChoiceField(
        choices=partial(choices, name),
        required=False,
        label=lazy(lambda: gettext("Network %(name)s") % {"name": name}, str)(),
    )


SettingFields = type(
    "SettingFields",
    (forms.ModelForm,),
    {name: _field(one) for name, one in TOLD.items()}
    | {field: _network_field(name) for field, name in NETWORKS.items()},
)


class SettingsForm(SettingFields):  # type: ignore[valid-type,misc]
    """A campaign with a field for each setting; what `CampaignSettings` refuses is told at the field."""

    class Meta:
        """Fields."""

        model = Campaign
        fields = ("name", "slug", "catalog", "is_public", "owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = self.instance.settings if isinstance(self.instance.settings, dict) else {}
        tone = {"tone": json.dumps(known["tone"])} if isinstance(known.get("tone"), dict) else {}
        self.initial |= {name: value for name, value in known.items() if name in TOLD} | tone
        pins = known.get("networks", {})
        self.initial |= {
            field: pins[name] for field, name in NETWORKS.items() if pins.get(name) in dict(choices(name))
        }

    def clean(self) -> dict[str, Any]:
        """Put the fields together to the settings of the campaign."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                asked = CampaignSettings.from_json(self.asked(cleaned))
                chosen(asked.networks).check()
                self.instance.settings = asked.to_json()
            except UsageError as error:
                self.add_error(error.field if error.field in self.fields else None, told(error))
            except ModelError as error:
                self.add_error(None, told(error))
        return cleaned

    def asked(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        """The settings that the fields say; what was left empty is as by default."""
        given = {name: cleaned[name] for name in TOLD if cleaned.get(name) not in (None, "")}
        given["networks"] = {name: cleaned[field] for field, name in NETWORKS.items() if cleaned.get(field)}
        if str(given.get("tone", "")).startswith("{"):
            try:
                given["tone"] = json.loads(given["tone"])
            except ValueError as error:
                raise UsageError(
                    gettext("The table of the tone curve is no JSON: %(error)s.") % {"error": error}, "tone"
                ) from error
        return given
